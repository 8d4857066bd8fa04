package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/redact"
)

// What a writer's candidate can be an edit of.
const (
	ofInstructions = "instructions"
	ofSkill        = "skill"
)

// shownSkill is a skill as a writer is shown it: what a run that loads it is given.
type shownSkill struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// suspect is the skill of an agent that most of its failed runs had loaded, where these are as many as a writer is asked about.
func suspect(skills []events.SkillRef, rated []projections.RunRow) (ref events.SkillRef, found bool) {
	failed := map[string]int{}
	for _, row := range rated {
		if row.Result() == events.Failed {
			for _, s := range row.Skills {
				failed[s]++
			}
		}
	}
	if len(skills) == 0 {
		return ref, false
	}
	ref = slices.MaxFunc(skills, func(a, b events.SkillRef) int {
		return cmp.Or(cmp.Compare(failed[a.String()], failed[b.String()]), cmp.Compare(b.Name, a.Name))
	})
	return ref, failed[ref.String()] >= fewestFailed
}

// skillText is the text that a question was about, where it was about a skill.
type skillText struct {
	ref events.SkillRef
	// files are those of its folder, main is the place of the one that is edited, head its front matter, and body what is below.
	files      []events.SkillFile
	main       int
	head, body string
}

// skillOf is the text of a skill as an agent has it. ok is false for one that it has not.
func (w writer) skillOf(ctx context.Context, workspace string, config events.AgentConfig, subject []string) (text skillText, ok bool, err error) {
	if len(subject) != 3 || subject[0] != ofSkill {
		return text, false, nil
	}
	i := slices.IndexFunc(config.Skills, func(s events.SkillRef) bool { return s.Name == subject[1] && s.Digest == subject[2] })
	if i < 0 {
		return text, false, nil
	}
	text.ref = config.Skills[i]
	saved, err := w.runs.Agents.Skill(ctx, workspace, text.ref.Name, text.ref.Digest)
	if errors.Is(err, aggregates.ErrMissing) {
		return text, false, nil
	}
	if err != nil {
		return text, false, err
	}
	text.files = saved.Files
	if text.main = slices.IndexFunc(text.files, func(f events.SkillFile) bool { return f.Path == events.SkillMain }); text.main < 0 {
		return text, false, nil
	}
	headed := false
	if text.head, text.body, headed = events.CutFrontMatter(text.files[text.main].Text); headed {
		text.head = "---" + text.head + "\n---\n"
	}
	text.body = strings.TrimSpace(text.body)
	return text, true, nil
}

// with are the files with another text in place of what is below the front matter.
func (t skillText) with(body string) []events.SkillFile {
	files := slices.Clone(t.files)
	files[t.main].Text = t.head + body + "\n"
	return files
}

// draftOf is the edited text among the skills of a change that was tried, empty where nobody knows it any more.
func (w writer) draftOf(ctx context.Context, workspace string, skills []events.SkillRef) (string, error) {
	for _, ref := range skills {
		saved, err := w.runs.Agents.Skill(ctx, workspace, ref.Name, ref.Digest)
		if errors.Is(err, aggregates.ErrMissing) || err == nil && !saved.Draft() {
			continue
		}
		for _, f := range saved.Files {
			if f.Path == events.SkillMain {
				_, body, _ := events.CutFrontMatter(f.Text)
				return clipped(strings.TrimSpace(body), shownText), err
			}
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// draft keeps the edited text of a skill, and is the agent's configuration with it. It is a text of its own: whoever has the one that it is an edit of
// keeps that.
func (w writer) draft(ctx context.Context, a managers.Answer, config events.AgentConfig, t skillText, number int, body string) (with events.AgentConfig, err error) {
	files := t.with(body)
	if redact.Text(files[t.main].Text) != files[t.main].Text {
		return with, fmt.Errorf("%w: it holds what looks like a credential", aggregates.ErrInvalid)
	}
	save := commands.SaveSkill{
		Meta: w.meta(a, 24+number), Skill: t.ref.Name, Description: t.ref.Description, Files: files, By: "analyst:" + events.Writer, Edits: t.ref.Digest,
	}
	if _, err := w.runs.Dispatch(ctx, save); err != nil {
		return with, err
	}
	skills := slices.Clone(config.Skills)
	skills[slices.Index(skills, t.ref)].Digest = commands.SkillDigest(files)
	with, _ = config.With(events.ChangeSkills, events.AgentConfig{Skills: skills})
	return with, nil
}
