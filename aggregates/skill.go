package aggregates

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// What a skill may be: a name and a description as agentskills.io has them, and texts that a conversation can take.
const (
	maxSkillName        = 64
	maxSkillDescription = 1024
	maxSkillFiles       = 100
	maxSkillBytes       = 256 << 10
	// maxSkills bounds those of an agent: each call to a model carries all of their descriptions.
	maxSkills = 32
)

var (
	skillName   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	skillDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// skillState is what was saved of a skill.
type skillState struct {
	// latest is the digest of what a person saved last.
	latest string
	// texts are all that were saved, by digest.
	texts map[string]skillFrame
}

// skillFrame is what an edit leaves as it is: the description, the front matter, and the files beside the main one, by their digest.
type skillFrame struct{ description, head, others string }

func frameOf(description string, files []events.SkillFile) skillFrame {
	f := skillFrame{description: description}
	others := slices.Clone(files)
	if i := slices.IndexFunc(others, func(f events.SkillFile) bool { return f.Path == events.SkillMain }); i >= 0 {
		f.head, _, _ = events.CutFrontMatter(others[i].Text)
		others = slices.Delete(others, i, i+1)
	}
	f.others = commands.SkillDigest(others)
	return f
}

func skill() Decider[skillState, commands.Skill, events.Skill] {
	return Decider[skillState, commands.Skill, events.Skill]{
		Initial: func() skillState { return skillState{} },
		Decide: func(c commands.Skill, s skillState) ([]events.Skill, error) {
			switch c := c.(type) {
			case commands.SaveSkill:
				return saveSkill(c, s)
			}
			return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
		},
		Evolve: func(s skillState, e events.Skill) skillState {
			switch e := e.(type) {
			case events.SkillSaved:
				s.texts = maps.Clone(s.texts)
				if s.texts == nil {
					s.texts = map[string]skillFrame{}
				}
				if s.texts[e.Digest] = frameOf(e.Description, e.Files); !e.Draft() {
					s.latest = e.Digest
				}
			}
			return s
		},
	}
}

func saveSkill(c commands.SaveSkill, s skillState) ([]events.Skill, error) {
	refuse := func(format string, args ...any) ([]events.Skill, error) {
		return nil, fmt.Errorf("skill %s: %w: %s", c.Skill, ErrInvalid, fmt.Sprintf(format, args...))
	}
	if err := checkSkill(c.Skill, c.Description); err != nil {
		return nil, err
	}
	edited, known := s.texts[c.Edits]
	switch {
	case c.Edits == "" && (isMachine(c.By) || isMachine(c.Actor)):
		return refuse("a person saves skills, not %q for %q", c.By, c.Actor)
	case c.Edits != "" && !known:
		return refuse("it edits %s, which nobody saved", events.SkillRef{Name: c.Skill, Digest: c.Edits})
	case c.Edits != "" && frameOf(c.Description, c.Files) != edited:
		return refuse("an edit changes the text of its %s below the front matter, and nothing else", events.SkillMain)
	}
	bytes := 0
	for i, f := range c.Files {
		switch bytes += len(f.Path) + len(f.Text); {
		case !fs.ValidPath(f.Path) || f.Path == "." || len(f.Path) > maxName || checkName("path", f.Path) != nil:
			return refuse("%q is no path in its folder", f.Path)
		case !utf8.ValidString(f.Text):
			return refuse("%s is not UTF-8 text", f.Path)
		case i > 0 && f.Path <= c.Files[i-1].Path:
			return refuse("%s comes twice, or before its turn", f.Path)
		}
	}
	switch {
	case !slices.ContainsFunc(c.Files, func(f events.SkillFile) bool { return f.Path == events.SkillMain }):
		return refuse("it has no %s", events.SkillMain)
	case len(c.Files) > maxSkillFiles || bytes > maxSkillBytes:
		return refuse("it has %d files with %d bytes, and at most %d with %d are kept", len(c.Files), bytes, maxSkillFiles, maxSkillBytes)
	}
	digest := commands.SkillDigest(c.Files)
	if _, known := s.texts[digest]; digest == s.latest || known && c.Edits != "" {
		return nil, nil
	}
	return []events.Skill{events.SkillSaved{Skill: c.Skill, Description: c.Description, Files: c.Files, Digest: digest, By: c.By, Edits: c.Edits}}, nil
}

// checkSkill holds what a model is told of a skill to agentskills.io.
func checkSkill(name, description string) error {
	switch n := utf8.RuneCountInString(description); {
	case len(name) > maxSkillName || !skillName.MatchString(name):
		return fmt.Errorf("%w: %q can't name a skill: lower-case letters, digits and single hyphens between them can, at most %d", ErrInvalid, name, maxSkillName)
	case strings.TrimSpace(description) == "" || n > maxSkillDescription || !utf8.ValidString(description):
		return fmt.Errorf("skill %s: %w: a description has 1 to %d characters, and this one %d", name, ErrInvalid, maxSkillDescription, n)
	}
	return nil
}

// checkSkills holds those of an agent to what can be told to a model.
func checkSkills(skills []events.SkillRef) error {
	if len(skills) > maxSkills {
		return fmt.Errorf("%w: an agent has at most %d skills, and not %d", ErrInvalid, maxSkills, len(skills))
	}
	for i, s := range skills {
		if err := checkSkill(s.Name, s.Description); err != nil {
			return err
		}
		switch {
		case !skillDigest.MatchString(s.Digest):
			return fmt.Errorf("skill %s: %w: %q is no digest of a text", s.Name, ErrInvalid, s.Digest)
		case slices.ContainsFunc(skills[:i], func(other events.SkillRef) bool { return other.Name == s.Name }):
			return fmt.Errorf("skill %s: %w: the agent has it twice", s.Name, ErrInvalid)
		}
	}
	return nil
}
