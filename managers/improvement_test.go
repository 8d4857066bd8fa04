package managers_test

import (
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

func TestAnApprovedChangeIsMadeOnce(t *testing.T) {
	t.Parallel()
	i := func(fact events.Event) of { return of{stream: "improvement-i", fact: fact} }
	proposed := i(events.ImprovementProposed{Improvement: "i", Change: events.Change{Kind: events.ChangePrompt, Agent: "clerk", Config: &events.AgentConfig{}}})
	draft := i(events.ImprovementProposed{Improvement: "i", Change: events.Change{Kind: events.ChangeRunbook}})
	approved := i(events.ImprovementApproved{})
	pause := of{stream: "loop@w-workspace", fact: events.LoopPaused{}}
	for name, tt := range map[string]struct {
		given      []of
		made, over bool
	}{
		"proposed":                 {given: []of{proposed}},
		"approved":                 {given: []of{proposed, approved}, made: true},
		"what a person must write": {given: []of{draft}, over: true},
		"its evidence is weaker":   {given: []of{proposed, i(events.ImprovementEvidenceChanged{Strength: events.Weak}), approved}, made: true},
		"its evidence is gone":     {given: []of{proposed, i(events.ImprovementEvidenceChanged{Strength: events.Gone})}, over: true},
		"gone, and then weaker":    {given: []of{proposed, i(events.ImprovementEvidenceChanged{Strength: events.Gone}), i(events.ImprovementEvidenceChanged{Strength: events.Weak})}, over: true},
		"rejected":                 {given: []of{proposed, i(events.ImprovementRejected{})}, over: true},
		"made":                     {given: []of{proposed, approved, i(events.ImprovementApplied{})}, over: true},
		"rolled back":              {given: []of{proposed, approved, i(events.ImprovementRolledBack{})}, over: true},
		"paused, and a person's":   {given: []of{pause, proposed, i(events.ImprovementApproved{By: "user:anna"})}, made: true},
		"paused, and nobody's":     {given: []of{pause, proposed, i(events.ImprovementApproved{By: "policy"})}},
		"resumed":                  {given: []of{pause, proposed, i(events.ImprovementApproved{By: "policy"}), {stream: "loop@w-workspace", fact: events.LoopResumed{}}}, made: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.over {
				tt.given = append(tt.given, approved) // too late
			}
			h := fold(t, "improvement", "w", tt.given...)
			if !tt.made {
				h.wantsNothing()
			} else if want := h.want(); !reflect.DeepEqual(want.Work, managers.Make{Workspace: "w", Improvement: "i"}) {
				t.Errorf("it wants %+v", want)
			}
		})
	}
}

// What a configuration of an agent rolled back is told to each improvement, until each of them tells so itself.
func TestAConfigurationRollsItsImprovementsBack(t *testing.T) {
	t.Parallel()
	configured := of{stream: events.StreamName("agent", "w", "clerk"), fact: events.AgentConfigured{RollsBack: []string{"i", "j"}, Reason: "It got worse."}}
	back := func(id string) of {
		return of{stream: events.StreamName("improvement", "w", id), fact: events.ImprovementRolledBack{}}
	}
	// Why it was taken back is in the words of who did it, of whom it is gone with them.
	for by, whose := range map[string][]string{"user:slack:T1:U1": {"user:slack:T1:U1"}, "manager:promotion": nil, "": nil} {
		taken := events.AgentConfigured{RollsBack: []string{"i"}, Reason: "It got worse.", Author: by}
		for _, w := range fold(t, "rollback", "w", of{stream: configured.stream, fact: taken}).process.Wants() {
			if c := w.Command.(commands.RollBackImprovement); !reflect.DeepEqual(c.Of, whose) {
				t.Errorf("taken back by %q it is of %q", by, c.Of)
			}
		}
	}
	for _, tt := range []struct {
		given []of
		want  []string
	}{
		{[]of{configured}, []string{"i", "j"}},
		{[]of{configured, back("i")}, []string{"j"}},
		{[]of{configured, back("other")}, []string{"i", "j"}},
		{[]of{configured, back("j"), back("i")}, nil},
		{[]of{{stream: configured.stream, fact: events.AgentConfigured{}}}, nil},
	} {
		h := fold(t, "rollback", "w", tt.given...)
		var told []string
		ids := map[uuid.UUID]bool{}
		for _, w := range h.process.Wants() {
			c, is := w.Command.(commands.RollBackImprovement)
			if !is || c.Reason != "It got worse." || c.Workspace != "w" || w.ID != c.ID || ids[w.ID] {
				t.Errorf("it wants %+v", w)
			}
			ids[w.ID] = true
			told = append(told, c.Improvement)
		}
		if !reflect.DeepEqual(told, tt.want) || h.over != (tt.want == nil) {
			t.Errorf("after %d facts it tells %q, over is %t", len(tt.given), told, h.over)
		}
	}
}
