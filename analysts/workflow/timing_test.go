package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// desk are runs of a desk, ten a day: ann looks up, bob checks and prices in either order after a wait, and ann answers.
func desk(days int) reader {
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	minute := int64(time.Minute)
	var r reader
	for i := range 10 * days {
		first := uint64(100*i + 1)
		step := func(name, agent string, on, wait int64) projections.ObservedStep {
			return projections.ObservedStep{
				Doing: &projections.Doing{Name: name, Agent: agent}, Position: first + 1, OwnNS: on * minute, OnNS: on * minute, SavesNS: on * minute, WaitNS: wait * minute,
			}
		}
		steps := []projections.ObservedStep{step("look up", "ann", 1, 0), step("check", "bob", 2, 10), step("price", "bob", 4, 0), step("answer", "ann", 1, 2)}
		if i%2 == 0 {
			steps = []projections.ObservedStep{steps[0], step("price", "bob", 4, 10), step("check", "bob", 2, 0), steps[3]}
		}
		began := start.AddDate(0, 0, i/10).Add(time.Duration(i%10) * time.Hour)
		r.runs = append(r.runs, &projections.Observation{
			Run: fmt.Sprint("r", i), Workflow: "desk", Agents: []string{"ann", "bob"}, Outcome: events.Succeeded, Started: began.UnixNano(), Ended: began.Add(20 * time.Minute).UnixNano(),
			Steps: steps, FirstPosition: first, LastPosition: first + 9,
		})
	}
	return r
}

func TestWhereTimeGoes(t *testing.T) {
	t.Parallel()
	a := workflow.New(workflow.Options{})
	look := func(r reader) map[string][]string {
		view, err := a.Load(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		said := map[string][]string{}
		for _, f := range a.Propose(view).Findings {
			said[f.Kind] = append(said[f.Kind], f.Text)
			if slices.Contains([]string{workflow.Bottleneck, workflow.Waiting, workflow.Handover, workflow.Parallel, workflow.Automation}, f.Kind) &&
				(f.Evidence.From == 0 || f.Evidence.N == 0 || f.Evidence.Statistic == "" || f.Evidence.Low > f.Evidence.Value || f.Evidence.Value > f.Evidence.High) {
				t.Errorf("without ground: %+v", f)
			}
		}
		return said
	}
	said := look(desk(20))
	for kind, want := range map[string][]string{
		workflow.Bottleneck: {
			"20% of the time of desk hangs on price (13h20m0s in 200 steps): if that took half as long, runs would be 10% shorter.",
			"10% of the time of desk hangs on check (6h40m0s in 200 steps): if that took half as long, runs would be 5% shorter.",
			"5% of the time of desk hangs on answer (3h20m0s in 200 steps): if that took half as long, runs would be 3% shorter.",
			"5% of the time of desk hangs on look up (3h20m0s in 200 steps): if that took half as long, runs would be 3% shorter.",
		},
		workflow.Waiting: {
			"25% of the time of desk passes with nothing under way between look up and check: half of 100 waits are 10m0s or less.",
			"25% of the time of desk passes with nothing under way between look up and price: half of 100 waits are 10m0s or less.",
			"5% of the time of desk passes with nothing under way between check and answer: half of 100 waits are 2m0s or less.",
			"5% of the time of desk passes with nothing under way between price and answer: half of 100 waits are 2m0s or less.",
		},
		workflow.Handover: {"desk is handed over 2.0 times a run, where 100% of its waiting is; the longest are from ann to bob (200 times, half of them wait 10m0s or less)."},
		workflow.Parallel: {"check and price of desk come one after another in either order (100 and 100 times): where neither needs the other, doing both at once saves 2m0s each time, 10% of the time of all runs."},
	} {
		if !slices.Equal(said[kind], want) {
			t.Errorf("%s: %q", kind, said[kind])
		}
	}
	if got := said[workflow.Automation]; len(got) != 2 || !strings.HasPrefix(got[0], "A runbook of look up → ") ||
		!strings.Contains(got[0], " minutes of desk a day or more (up to 100.0): on nine days of ten at least 5 runs take just that way, three of four 20m0s or longer, and 100 of 100 succeed.") {
		t.Errorf("%q", got)
	}
	if got := look(desk(3))[workflow.Automation]; len(got) > 0 {
		t.Errorf("of three days: %q", got)
	}
	untimed := desk(20)
	for _, o := range untimed.runs {
		o.Started, o.Ended = 0, 0
		for i := range o.Steps {
			o.Steps[i].OnNS, o.Steps[i].SavesNS, o.Steps[i].WaitNS = 0, 0, 0
		}
	}
	said = look(untimed)
	for _, kind := range []string{workflow.Bottleneck, workflow.Waiting, workflow.Handover, workflow.Parallel, workflow.Automation} {
		if len(said[kind]) > 0 {
			t.Errorf("nobody knows: %q", said[kind])
		}
	}
}
