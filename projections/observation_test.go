package projections_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
)

// Observations are what the runs' rows say, whether they have ended or not, in any history.
func TestObservationsSayWhatTheRowsSay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := memory(t)
		if err := m.Apply(t.Context(), 0, enginetest.Poisoned(rt)); err != nil {
			rt.Fatal(err)
		}
		rows, err := readmodel.Collect(m.RunSteps(t.Context(), ""))
		if err != nil {
			rt.Fatal(err)
		}
		observed, err := m.Observations(t.Context())
		if err != nil || len(observed) != len(rows) {
			rt.Fatal(len(observed), len(rows), err)
		}
		for i, row := range rows {
			if want := observation(row); !reflect.DeepEqual(told(observed[i]), told(&want)) {
				rt.Fatalf("\n%+v, want\n%+v", told(observed[i]), told(&want))
			}
		}
	})
}

// told is an observation without what only the memory tells: no list is an empty one.
func told(o *projections.Observation) projections.Observation {
	one := *o
	for _, list := range []*[]string{&one.Agents, &one.Models, &one.Tools} {
		*list = append([]string{}, *list...)
	}
	one.Labels, one.Errors, one.Steps = append([][2]string{}, one.Labels...), append([]projections.StepError{}, one.Errors...), append([]projections.ObservedStep{}, one.Steps...)
	return one
}

// observation is made of the row, but for what has tests of its own: how long a step took by itself, what time hangs on it, what is odd.
func observation(run projections.RunSteps) projections.Observation {
	r := run.Run
	o := projections.Observation{
		Run: r.Run, Workflow: r.Workflow, Task: r.Task, Requester: r.Requester, Agents: r.Agents, Models: r.Models, Tools: r.Tools, Outcome: r.Outcome,
		Error: r.Error, Started: readmodel.UnixNanos(r.StartedAt), Ended: readmodel.UnixNanos(r.EndedAt), Cost: r.Cost, FirstPosition: r.FirstPosition, LastPosition: r.LastPosition,
	}
	if r.Verdict != nil {
		o.Verdict = r.Verdict.Verdict
	}
	for k, v := range r.Labels {
		o.Labels = append(o.Labels, [2]string{k, v})
	}
	slices.SortFunc(o.Labels, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	o.Cut, o.Outside, o.More, o.Alike = projections.Oddities(run)
	own, paths := projections.SelfTimes(run.Steps), projections.Paths(run.Steps)
	for i, s := range run.Steps {
		o.Steps = append(o.Steps, projections.ObservedStep{
			Doing:  &projections.Doing{Name: projections.WithoutCounter(s.Name, r.Models), Agent: s.Agent, Model: s.Model},
			Failed: s.Outcome == events.Failed, Position: s.Position, OwnNS: own[i], InputTokens: s.InputTokens, OutputTokens: s.OutputTokens, CostNanos: s.CostNanos,
			OnNS: paths[i][0], SavesNS: paths[i][1], WaitNS: paths[i][2],
		})
		explicit := ""
		for _, l := range []string{"exception.type", "error.type", "error.fingerprint", "fingerprint"} {
			if s.Labels[l] != "" {
				explicit = s.Labels[l]
			}
		}
		if s.Outcome == events.Failed && (explicit != "" || s.Error != "") {
			o.Errors = append(o.Errors, projections.StepError{Step: i, Explicit: explicit, Text: s.Error})
		}
	}
	return o
}

// A look of several analysts reads a state once; each of its own state another time.
func TestObservationsOfOneStateAreReadOnce(t *testing.T) {
	t.Parallel()
	m := folded(t, support()...)
	err := m.Fixed(t.Context(), "", func(r projections.Reader) error {
		one, err := r.Observations(t.Context())
		if err != nil {
			return err
		}
		again, err := r.Observations(t.Context())
		if err != nil || len(one) != 1 || one[0] != again[0] {
			t.Errorf("%v, %v, %v", one, again, err)
		}
		if other, err := r.In("other").Observations(t.Context()); err != nil || len(other) != 0 {
			t.Errorf("another workspace's: %v, %v", other, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := m.Observations(t.Context()); err != nil || len(all) != 1 || len(all[0].Steps) != 3 || all[0].Errors[0].Text != "gone" {
		t.Errorf("%+v, %v", all, err)
	}
}
