package projections

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// TestStepListIsJSON holds what is written by hand to encoding/json, and what is read to what was written.
func TestStepListIsJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.OneOf(rapid.StringMatching(`[a-z ]{0,4}`), rapid.String())
		amount := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Min(0))
		at := rapid.Custom(func(t *rapid.T) time.Time {
			if rapid.Bool().Draw(t, "unknown") {
				return time.Time{}
			}
			return time.Unix(rapid.Int64Range(-1<<31, 1<<32).Draw(t, "second"), rapid.Int64Range(1, 999_999_999).Draw(t, "nanosecond")).UTC()
		})
		var steps []StepRow
		var want []storedStep
		for i := range rapid.IntRange(0, 3).Draw(t, "steps") {
			s := StepRow{
				Run: "r", Step: int64(i), Workflow: "w", Name: word.Draw(t, "name"), Type: events.StepKind(word.Draw(t, "type")),
				Outcome: events.Outcome(word.Draw(t, "outcome")), Agent: word.Draw(t, "agent"), Tool: word.Draw(t, "tool"),
				Model: word.Draw(t, "model"), Parent: rapid.Int64Range(-1, 3).Draw(t, "parent"), StartedAt: at.Draw(t, "start"),
				EndedAt: at.Draw(t, "end"), InputTokens: amount.Draw(t, "input"), OutputTokens: amount.Draw(t, "output"),
				CachedTokens: amount.Draw(t, "cached"), CostNanos: events.Nanos(amount.Draw(t, "cost")), Unpriced: rapid.Bool().Draw(t, "unpriced"),
				Position: rapid.Uint64Range(1, 1<<63-1).Draw(t, "position"), Error: word.Draw(t, "error"),
			}
			if rapid.Bool().Draw(t, "more") {
				s.DependsOn = rapid.SliceOfN(rapid.IntRange(0, 9), 1, 3).Draw(t, "depends on")
				s.Labels = rapid.MapOfN(word, word, 1, 3).Draw(t, "labels")
			}
			s.DurationNS = between(s.StartedAt, s.EndedAt)
			steps = append(steps, s)
			stored := storedStep{
				Name: s.Name, Type: s.Type, Outcome: s.Outcome, Agent: s.Agent, Tool: s.Tool, Model: s.Model, DependsOn: s.DependsOn,
				StartedAt: readmodel.UnixNanos(s.StartedAt), EndedAt: readmodel.UnixNanos(s.EndedAt), InputTokens: s.InputTokens, OutputTokens: s.OutputTokens,
				CachedTokens: s.CachedTokens, CostNanos: s.CostNanos, Unpriced: s.Unpriced, Position: s.Position, Labels: s.Labels, Error: s.Error,
			}
			if s.Parent >= 0 {
				stored.Parent = &s.Parent
			}
			want = append(want, stored)
		}
		written := appendSteps(nil, steps)
		if want == nil {
			want = []storedStep{}
		}
		if standard, err := json.Marshal(want); err != nil || string(written) != string(standard) {
			t.Fatalf("wrote %s, encoding/json writes %s (%v)", written, standard, err)
		}
		if read, err := takeSteps("r", "w", string(written)); err != nil || !reflect.DeepEqual(read, steps) {
			t.Fatalf("read %+v (%v) from %s, want %+v", read, err, written, steps)
		}
	})
	short := []StepRow{{Name: "a", Type: "chat", Outcome: "succeeded", Parent: -1, StartedAt: time.Unix(1_767_603_605, 1), EndedAt: time.Unix(1_767_603_606, 1), Position: 7}}
	if _, ok := stepReader.List(appendSteps(nil, short), nil); !ok {
		t.Error("a step goes the long way")
	}
	if _, err := takeSteps("r", "w", `[{"name":1}]`); err == nil {
		t.Error("a damaged list was read")
	}
}
