package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// Skills finds the texts of skills.
type Skills interface {
	// Skill is the latest text that was saved of a skill whose digest begins so. Without a digest it is the latest that a person saved.
	Skill(ctx context.Context, workspace, name, digest string) (events.SkillSaved, error)
}

// Skill implements Skills. It returns aggregates.ErrMissing where no such text was saved.
func (d *Dispatcher) Skill(ctx context.Context, workspace, name, digest string) (events.SkillSaved, error) {
	stream := commands.SkillStream(workspace, name)
	for e, err := range d.store.ReadStream(ctx, stream, eventstore.StreamOptions{Direction: eventstore.Backwards}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			break
		}
		var fact events.Event
		if err == nil {
			fact, err = events.Decode(e)
		}
		if err != nil {
			return events.SkillSaved{}, fmt.Errorf("load %s: %w", stream, err)
		}
		if saved, ok := fact.(events.SkillSaved); ok && strings.HasPrefix(saved.Digest, digest) && (digest != "" || !saved.Draft()) {
			return saved, nil
		}
	}
	return events.SkillSaved{}, fmt.Errorf("%s: %w", events.SkillRef{Name: name, Digest: digest}, aggregates.ErrMissing)
}

// WithSkills adds the tool by which an agent loads the skills of its configuration. Each comes as the text that the configuration names, and
// as no later one.
func WithSkills(tools agents.Tools, skills []events.SkillRef, workspace string, from Skills) agents.Tools {
	if len(skills) == 0 {
		return tools
	}
	read := func(ctx context.Context, skill events.SkillRef) ([]events.SkillFile, error) {
		saved, err := from.Skill(ctx, workspace, skill.Name, skill.Digest)
		if err == nil && commands.SkillDigest(saved.Files) != skill.Digest {
			err = fmt.Errorf("%s: the log does not hold the text that was saved", skill)
		}
		return saved.Files, err
	}
	return agents.NewTools(append(tools.All(), agents.SkillLoader(skills, read))...)
}
