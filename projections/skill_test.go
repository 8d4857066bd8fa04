package projections_test

import (
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

func TestSkillsAreFolded(t *testing.T) {
	t.Parallel()
	on := func(category, id string) string { return events.StreamName(category, "", id) }
	save := func(text string) events.SkillSaved {
		return events.SkillSaved{Skill: "refunds", Description: "How: " + text, Digest: text, Files: []events.SkillFile{{Path: events.SkillMain, Text: text}, {Path: "x.md"}}, By: "user:anna"}
	}
	loaded := func(digest, file string) events.RunSkillLoaded {
		return events.RunSkillLoaded{Skill: "refunds", Digest: digest, File: file}
	}
	draft := save("---\nname: refunds\n---\n edited \n")
	draft.Edits, draft.Digest = "two", "three"
	m := folded(t,
		on("skill", "refunds"), save("one"), on("skill", "refunds"), save("two"), on("skill", "refunds"), draft,
		on("run", "r"), events.RunStarted{Run: "r", Workflow: "w"},
		on("run", "r"), loaded("two", ""), on("run", "r"), loaded("one", ""), on("run", "r"), loaded("two", "x.md"),
		on("run", "r"), events.RunFinished{Outcome: events.Succeeded},
		on("run", "s"), events.RunStarted{Run: "s", Workflow: "w"},
		on("skill", "other"), save("one"), // damaged: in the stream of another one
	)
	rows, err := m.In("").Skills(t.Context())
	if err != nil || len(rows) != 1 {
		t.Fatalf("%+v, %v", rows, err)
	}
	if r := rows[0]; r.Description != "How: two" || r.Digest != "two" || r.Texts != 2 || r.Loads != 3 || r.LoadedAt.IsZero() || !slices.Equal(r.Files, []string{events.SkillMain, "x.md"}) {
		t.Errorf("%+v", r)
	}
	texts, err := m.In("").SkillTexts(t.Context())
	if err != nil || len(texts) != 3 {
		t.Fatalf("%+v, %v", texts, err)
	}
	for i, want := range []projections.SkillTextRow{{Digest: "one", Bytes: 3}, {Digest: "three", Bytes: 6, Edits: "two"}, {Digest: "two", Bytes: 3}} {
		if r := texts[i]; r.Digest != want.Digest || r.Bytes != want.Bytes || r.Edits != want.Edits || r.Position == 0 {
			t.Errorf("%+v, want %+v", r, want)
		}
	}
	for run, want := range map[string][]string{"r": {"refunds@one", "refunds@two"}, "s": nil} {
		row, _, err := projections.FindRun(t.Context(), m.In(""), run)
		if err != nil || !slices.Equal(row.Skills, want) {
			t.Errorf("%s: %v, %v", run, row.Skills, err)
		}
	}
	if parked, err := m.Parked(t.Context()); err != nil || len(parked) != 1 || parked[0].Stream != "skill-other" {
		t.Errorf("parked: %+v, %v", parked, err)
	}
}
