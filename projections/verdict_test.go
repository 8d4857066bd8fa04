package projections_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
)

// finished is a run that ended well, of a task.
func finished(run, task string) []any {
	return []any{
		"run-" + run, events.RunStarted{Run: run, Workflow: "w", Task: task},
		"run-" + run, events.RunStepStarted{Step: 0, Name: "look", Type: events.ChatStep, Agent: "bert"},
		"run-" + run, events.RunStepFinished{Step: 0, Outcome: events.Succeeded},
		"run-" + run, events.RunFinished{Outcome: events.Succeeded},
	}
}

func says(run string, v events.Outcome, from events.VerdictOrigin, by string) []any {
	return []any{"verdict-" + run, events.VerdictGiven{Run: run, Verdict: v, From: from, By: by}}
}

func facts(all ...[]any) []any {
	var out []any
	for _, f := range all {
		out = append(out, f...)
	}
	return out
}

// counts are the figures that a verdict changes, everywhere.
type counts struct{ succeeded, failed, judged int64 }

func TestVerdictsCountEverywhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts []any
		want  counts
		hat   float64
		shown projections.VerdictRow
	}{
		"none":           {finished("r", "t"), counts{1, 0, 0}, 1, projections.VerdictRow{}},
		"behind the end": {facts(finished("r", "t"), says("r", events.Failed, events.ByRule, "a>1")), counts{0, 1, 1}, 0, projections.VerdictRow{Verdict: events.Failed, Origin: events.ByRule, By: "a>1", Rule: events.Failed, RuleBy: "a>1"}},
		"before the run": {facts(says("r", events.Failed, events.BySource, "chat"), finished("r", "t")), counts{0, 1, 1}, 0, projections.VerdictRow{Verdict: events.Failed, Origin: events.BySource, By: "chat", Source: events.Failed, SourceBy: "chat"}},
		"no task":        {facts(finished("r", ""), says("r", events.Failed, events.ByPerson, "anna")), counts{0, 1, 1}, 0, projections.VerdictRow{Verdict: events.Failed, Origin: events.ByPerson, By: "anna", Person: events.Failed, PersonBy: "anna"}},
		"a person outweighs the source, whenever": {
			facts(finished("r", "t"), says("r", events.Succeeded, events.ByPerson, "anna"), says("r", events.Failed, events.BySource, "chat")), counts{1, 0, 1}, 1,
			projections.VerdictRow{Verdict: events.Succeeded, Origin: events.ByPerson, By: "anna", Person: events.Succeeded, PersonBy: "anna", Source: events.Failed, SourceBy: "chat", Differ: true},
		},
		"the source outweighs a rule": {
			facts(finished("r", "t"), says("r", events.Failed, events.BySource, "chat"), says("r", events.Succeeded, events.ByRule, "a>1")), counts{0, 1, 1}, 0,
			projections.VerdictRow{Verdict: events.Failed, Origin: events.BySource, By: "chat", Source: events.Failed, SourceBy: "chat", Rule: events.Succeeded, RuleBy: "a>1", Differ: true},
		},
		"the latest person counts": {
			facts(finished("r", "t"), says("r", events.Failed, events.ByPerson, "anna"), says("r", events.Succeeded, events.ByPerson, "bert")), counts{1, 0, 1}, 1,
			projections.VerdictRow{Verdict: events.Succeeded, Origin: events.ByPerson, By: "bert", Person: events.Succeeded, PersonBy: "bert"},
		},
		"taken back": {
			facts(finished("r", "t"), says("r", events.Failed, events.ByPerson, "anna"), says("r", events.Unrated, events.ByPerson, "anna")), counts{1, 0, 0}, 1, projections.VerdictRow{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			m := folded(t, c.facts...)
			report, err := m.Report(ctx, projections.MetricsFilter{})
			if err != nil {
				t.Fatal(err)
			}
			for what, x := range map[string]projections.Metrics{"all": report.Metrics, "workflow": report.ByWorkflow["w"], "agent": report.ByAgent["bert"]} {
				equal(t, what, counts{x.Succeeded, x.Failed, x.Judged}, c.want)
				equal(t, what+": pass^k", x.PassHat, []float64{c.hat})
			}
			tasks, _ := m.Tasks(ctx)
			for _, x := range tasks {
				equal(t, "task", counts{x.Succeeded, x.Failed, x.Judged}, c.want)
			}
			for x, err := range m.Patterns(ctx, projections.VariantPattern, "w", 0) {
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "pattern", counts{x.Succeeded, x.Failed, x.Judged}, c.want)
				equal(t, "runs of the pattern", x.Runs, int64(1))
			}
			run, _, err := m.Run(ctx, "r")
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "how it ended", run.Outcome, events.Succeeded)
			got := projections.VerdictRow{}
			if run.Verdict != nil {
				got = *run.Verdict
				c.shown.Run, c.shown.GivenAt, c.shown.Position = "r", got.GivenAt, got.Position
			}
			equal(t, "verdict", got, c.shown)
		})
	}
}

// Whatever is judged whenever, and whatever is forgotten meanwhile: each run is counted by its verdict, else by its end.
func TestCountsFollowTheVerdictsOfAnyHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{CacheBytes: 1 << rapid.IntRange(4, 16).Draw(t, "cache")})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range enginetest.History(t) {
			if err := m.Apply(t.Context(), e.Envelope.Position-1, []readmodel.Entry{e}); err != nil {
				t.Fatal(err)
			}
		}
		want := map[events.Outcome]int64{}
		judged := int64(0)
		for run, err := range m.RunSteps(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			want[run.Run.Result()]++
			if run.Run.Verdict != nil && run.Run.Outcome != projections.Running {
				judged++
			}
		}
		report, err := m.Report(t.Context(), projections.MetricsFilter{})
		if err != nil {
			t.Fatal(err)
		}
		got := [...]int64{report.Succeeded, report.Failed, report.Cancelled, report.Unrated, report.Running, report.Judged}
		if want := [...]int64{want[events.Succeeded], want[events.Failed], want[events.Cancelled], want[events.Unrated], want[projections.Running], judged}; got != want {
			t.Fatalf("got %d, want %d (succeeded, failed, cancelled, unrated, running, judged)", got, want)
		}
		for _, o := range []events.Outcome{events.Succeeded, events.Failed, events.Unrated, projections.Running} {
			n := int64(0)
			for range m.Runs(t.Context(), projections.RunFilter{Outcome: o}) {
				n++
			}
			if n != want[o] {
				t.Fatalf("%d runs are listed as %s, want %d", n, o, want[o])
			}
		}
	})
}
