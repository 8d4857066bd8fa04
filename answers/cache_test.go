package answers_test

import (
	"slices"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/answers"
)

func TestALostPrefixIsToldWithItsReason(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	before := answers.ModelCall{At: began, Model: "m", Tools: "t", System: "s", History: []string{"a", "b"}, Input: 1500}
	for name, c := range map[string]struct {
		change func(before, call *answers.ModelCall)
		want   answers.CacheUse
	}{
		"all of it read":          {func(_, c *answers.ModelCall) { c.Cached = 1500 }, answers.CacheUse{Read: 1500, Of: 1500}},
		"but for a piece":         {func(_, c *answers.ModelCall) { c.Cached = 1373 }, answers.CacheUse{Read: 1373, Of: 1500}},
		"more than a piece short": {func(_, c *answers.ModelCall) { c.Cached = 1372 }, answers.CacheUse{Read: 1372, Of: 1500, Lost: answers.UnknownLoss}},
		"more than was there":     {func(_, c *answers.ModelCall) { c.Cached = 1600 }, answers.CacheUse{Read: 1600, Of: 1500}},
		"too little to be kept":   {func(b, _ *answers.ModelCall) { b.Input = 1023 }, answers.CacheUse{}},
		"just enough":             {func(b, _ *answers.ModelCall) { b.Input = 1024 }, answers.CacheUse{Of: 1024, Lost: answers.UnknownLoss}},
		"another model":           {func(_, c *answers.ModelCall) { c.Model, c.Tools = "n", "u" }, answers.CacheUse{Of: 1500, Lost: answers.ModelLoss}},
		"other tools":             {func(_, c *answers.ModelCall) { c.Tools, c.System = "u", "x" }, answers.CacheUse{Of: 1500, Lost: answers.ToolsLoss}},
		"other instructions":      {func(_, c *answers.ModelCall) { c.System, c.History = "x", nil }, answers.CacheUse{Of: 1500, Lost: answers.SystemLoss}},
		"a message less":          {func(_, c *answers.ModelCall) { c.History = c.History[:1] }, answers.CacheUse{Of: 1500, Lost: answers.HistoryLoss}},
		"a message changed":       {func(_, c *answers.ModelCall) { c.History[1] = "x" }, answers.CacheUse{Of: 1500, Lost: answers.HistoryLoss}},
		"history before time":     {func(_, c *answers.ModelCall) { c.History, c.At = nil, began.Add(time.Hour) }, answers.CacheUse{Of: 1500, Lost: answers.HistoryLoss}},
		"five minutes":            {func(_, c *answers.ModelCall) { c.At = began.Add(5 * time.Minute) }, answers.CacheUse{Of: 1500, Lost: answers.UnknownLoss}},
		"longer":                  {func(_, c *answers.ModelCall) { c.At = began.Add(5*time.Minute + 1) }, answers.CacheUse{Of: 1500, Lost: answers.TimeLoss}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, call := before, before
			call.Input, call.History = 2000, []string{"a", "b", "c"}
			c.change(&b, &call)
			if got := answers.CacheUses(&b, []answers.ModelCall{call})[0]; got != c.want {
				t.Errorf("told %+v, want %+v", got, c.want)
			}
			// The first call of all has nothing to lose, and the second is held against it.
			want := []answers.CacheUse{{}, c.want}
			if got := answers.CacheUses(nil, []answers.ModelCall{b, call}); !slices.Equal(got, want) {
				t.Errorf("told %+v, want %+v", got, want)
			}
		})
	}
}
