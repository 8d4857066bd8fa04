package projections_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Whatever the order in which runs come into the log, and wherever they lie there, the list of a period and of an agent is what a look
// at every run finds.
func TestPeriodsAndAgentsAreFoundByZones(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m, err := projections.Open(rt.Context(), readmodel.NewMemory(), readmodel.Options{})
		if err != nil {
			rt.Fatal(err)
		}
		var entries []readmodel.Entry
		position := uint64(0)
		hour := rapid.IntRange(0, 5)
		for i := range rapid.IntRange(0, 8).Draw(rt, "runs") {
			position += uint64(rapid.SampledFrom([]int{1, 3000, 9000}).Draw(rt, "gap"))
			run := fmt.Sprint("r", i)
			entries = append(entries, readmodel.Entry{
				Envelope: events.Envelope{Stream: "run-" + run, Position: position, Kind: "run.started", OccurredAt: noon.Add(time.Duration(hour.Draw(rt, "start")) * time.Hour)},
				Event:    events.RunStarted{Run: run, Workflow: "w", Undated: rapid.Bool().Draw(rt, "undated")},
			})
			if agent := rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "agent"); agent != "" {
				position++
				entries = append(entries, readmodel.Entry{
					Envelope: events.Envelope{Stream: "run-" + run, Revision: 1, Position: position, Kind: "run.step_started", OccurredAt: noon},
					Event:    events.RunStepStarted{Name: "s", Agent: agent},
				})
			}
		}
		if err := m.Apply(rt.Context(), 0, entries); err != nil {
			rt.Fatal(err)
		}
		f := projections.RunFilter{Agent: rapid.SampledFrom([]string{"", "", "a", "c"}).Draw(rt, "of"), Limit: rapid.IntRange(0, 3).Draw(rt, "limit")}
		if rapid.Bool().Draw(rt, "from") {
			f.Since = noon.Add(time.Duration(hour.Draw(rt, "since")) * time.Hour)
		}
		if rapid.Bool().Draw(rt, "to") {
			f.Until = noon.Add(time.Duration(hour.Draw(rt, "until")) * time.Hour)
		}
		var got, want []string
		for r, err := range m.Runs(rt.Context(), f) {
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, r.Run)
		}
		for r, err := range m.Runs(rt.Context(), projections.RunFilter{}) {
			if err != nil {
				rt.Fatal(err)
			}
			bounded := !f.Since.IsZero() || !f.Until.IsZero()
			out := bounded && (r.StartedAt.IsZero() || r.StartedAt.Before(f.Since) || !f.Until.IsZero() && !r.StartedAt.Before(f.Until)) || f.Agent != "" && !slices.Contains(r.Agents, f.Agent)
			if !out && (f.Limit == 0 || len(want) < f.Limit) {
				want = append(want, r.Run)
			}
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%+v lists %v, want %v", f, got, want)
		}
	})
}
