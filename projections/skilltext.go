package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// SkillTextRow is a row of skill_texts: one text of a skill.
type SkillTextRow struct {
	Skill, Digest, Workspace string
	Description              string
	// Edits is the digest of the text that it edits, where no person saved it.
	Edits string
	// Bytes is how long what a model is given of it is, where it loads the skill: its main file below the front matter.
	Bytes    int64
	SavedAt  time.Time
	Position uint64
}

// Ref is the text as a configuration has it.
func (r SkillTextRow) Ref() events.SkillRef {
	return events.SkillRef{Name: r.Skill, Description: r.Description, Digest: r.Digest}
}

type skillTextKey struct {
	named
	digest string
}

var skillTextTable = readmodel.NewTable("skill_texts", readmodel.TableOf[skillTextKey, SkillTextRow]{
	Key: func(r *SkillTextRow) skillTextKey { return skillTextKey{named{r.Skill, r.Workspace}, r.Digest} },
	Fresh: func(k skillTextKey, r *SkillTextRow) {
		r.Skill, r.Workspace, r.Digest = strings.Clone(k.name), strings.Clone(k.workspace), strings.Clone(k.digest)
	},
	Weigh: func(r *SkillTextRow) int { return len(r.Description) + 256 },
	Row: []readmodel.ColumnOf[SkillTextRow]{
		readmodel.Key(readmodel.String("skill", func(r *SkillTextRow) *string { return &r.Skill })),
		readmodel.Key(readmodel.String("digest", func(r *SkillTextRow) *string { return &r.Digest })),
		workspaceKey(func(r *SkillTextRow) *string { return &r.Workspace }),
		readmodel.String("description", func(r *SkillTextRow) *string { return &r.Description }),
		readmodel.String("edits", func(r *SkillTextRow) *string { return &r.Edits }),
		readmodel.Int("bytes", func(r *SkillTextRow) *int64 { return &r.Bytes }),
		readmodel.Time("saved_at", func(r *SkillTextRow) *time.Time { return &r.SavedAt }),
		readmodel.Int("position", func(r *SkillTextRow) *uint64 { return &r.Position }),
	},
})

// foldSkillText keeps a text that is saved. One that is saved again stays what it was.
func foldSkillText(texts *readmodel.Cache[skillTextKey, SkillTextRow], f *readmodel.Fact, e events.SkillSaved) error {
	r, err := texts.Row(skillTextKey{keyOf(f), e.Digest})
	if err != nil {
		return err
	}
	if r.Position != 0 && e.Draft() {
		return nil
	}
	r.Description, r.Edits, r.SavedAt, r.Position = e.Description, e.Edits, f.When, f.Envelope.Position
	for _, file := range e.Files {
		if file.Path == events.SkillMain {
			_, body, _ := events.CutFrontMatter(file.Text)
			r.Bytes = int64(len(strings.TrimSpace(body)))
		}
	}
	return nil
}
