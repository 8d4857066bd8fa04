package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// SkillRow is a row of skills: what was saved of a skill last, and how often runs loaded any text of it.
type SkillRow struct {
	Skill       string
	Workspace   string
	Description string
	// Digest is that of its files, Files the paths of those, and Texts how many were saved one after the other.
	Digest   string
	Files    []string
	Texts    int64
	By       string
	SavedAt  time.Time
	Loads    int64
	LoadedAt time.Time
	Position uint64
}

var skillTable = readmodel.NewTable("skills", readmodel.TableOf[named, SkillRow]{
	Key:   func(r *SkillRow) named { return named{r.Skill, r.Workspace} },
	Fresh: func(k named, r *SkillRow) { r.Skill, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *SkillRow) int { return len(r.Description) + 64*len(r.Files) + 256 },
	Row: []readmodel.ColumnOf[SkillRow]{
		readmodel.Key(readmodel.String("skill", func(r *SkillRow) *string { return &r.Skill })),
		workspaceKey(func(r *SkillRow) *string { return &r.Workspace }),
		readmodel.String("description", func(r *SkillRow) *string { return &r.Description }),
		readmodel.String("digest", func(r *SkillRow) *string { return &r.Digest }),
		readmodel.Strings("files", func(r *SkillRow) *[]string { return &r.Files }),
		readmodel.Int("texts", func(r *SkillRow) *int64 { return &r.Texts }),
		readmodel.Symbol("by", func(r *SkillRow) *string { return &r.By }),
		readmodel.Time("saved_at", func(r *SkillRow) *time.Time { return &r.SavedAt }),
		readmodel.Int("loads", func(r *SkillRow) *int64 { return &r.Loads }),
		readmodel.Time("loaded_at", func(r *SkillRow) *time.Time { return &r.LoadedAt }),
		readmodel.Int("position", func(r *SkillRow) *uint64 { return &r.Position }),
	},
})

// skills keeps what is known of skills.
var skills = readmodel.Projection{
	Name: "skills", Version: 2, Tables: []readmodel.AnyTable{skillTable, skillTextTable},
	Lists: []readmodel.List{skillTable.List(readmodel.List{
		Name: "skills", Help: "Skills that agents can be given, and how often runs loaded them", Order: readmodel.Ascending("skill"),
	})},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		skills, texts := skillTable.In(w), skillTextTable.In(w)
		return func(f *readmodel.Fact) error { return foldSkill(skills, texts, f) }
	},
}

func foldSkill(skills *readmodel.Cache[named, SkillRow], texts *readmodel.Cache[skillTextKey, SkillTextRow], f *readmodel.Fact) error {
	switch e := f.Event.(type) {
	case events.SkillSaved:
		if e.Skill != f.ID {
			return readmodel.Damaged("it saves %q in the stream of another skill", e.Skill)
		}
		if err := foldSkillText(texts, f, e); err != nil || e.Draft() {
			return err
		}
		r, err := skills.Row(keyOf(f))
		if err != nil {
			return err
		}
		r.Description, r.Digest, r.By, r.SavedAt, r.Position = e.Description, e.Digest, e.By, f.When, f.Envelope.Position
		r.Files = make([]string, len(e.Files))
		for i, file := range e.Files {
			r.Files[i] = file.Path
		}
		r.Texts++
	case events.RunSkillLoaded:
		r, err := skills.Existing(named{e.Skill, f.Workspace})
		if err != nil || r == nil {
			return err
		}
		r.Loads++
		r.LoadedAt, r.Position = f.When, f.Envelope.Position
	}
	return nil
}

// MarshalJSON writes the columns.
func (r SkillRow) MarshalJSON() ([]byte, error) { return skillTable.JSON(&r) }
