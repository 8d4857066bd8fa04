package events_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
)

// What is not known is never shown as free.
func TestACostSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cost       events.Cost
		says, mark string
	}{
		{events.Cost{}, "$0", "$0"},
		{events.CostOf(5e8, false), "$0.5", "$0.5"},
		{events.CostOf(0, true), "unknown (1 call without a price)", "?"},
		{events.CostOf(5e8, true).Plus(events.Cost{UnpricedCalls: 2}), "at least $0.5 (3 calls without a price)", "≥$0.5"},
	} {
		known := "$" + c.cost.CostNanos.String()
		if says, mark := c.cost.Say(known), c.cost.Mark(known); says != c.says || mark != c.mark {
			t.Errorf("%+v: %q and %q, want %q and %q", c.cost, says, mark, c.says, c.mark)
		}
	}
}
