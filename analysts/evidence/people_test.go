package evidence_test

import (
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
)

func TestWhatSeveralHaveInCommonIsNobodysWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ met, want []string }{
		{[]string{"anna"}, []string{"anna"}},
		{[]string{"bert", "anna", "bert"}, []string{"anna", "bert"}},
		{[]string{"anna", "bert", "carl"}, nil},
		{[]string{"anna", ""}, nil},
		{nil, nil},
	} {
		p := evidence.People{}
		for _, name := range c.met {
			p.Met(name)
		}
		if got := p.Few(); !slices.Equal(got, c.want) {
			t.Errorf("of %q: %q", c.met, got)
		}
	}
}

// Whose words a change holds differs from day to day, and it is the same change.
func TestWhoseWordsItHoldsMakesNoOtherProposal(t *testing.T) {
	t.Parallel()
	id := func(of ...string) string {
		return evidence.ProposalID("errors", events.Change{Kind: events.ChangeFixes, Agent: "clerk", Config: &events.AgentConfig{Fixes: []events.Fix{{Error: "no order", Do: "Ask.", Of: of}}}}, 1)
	}
	if id() != id("anna") || id("anna") != id("anna", "bert") {
		t.Error("it is another one")
	}
}
