package projections_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
)

// bruteRun is a run as the brute force keeps it.
type bruteRun struct {
	events.RunStarted
	outcome events.Outcome
	steps   []*bruteStep
	start   int64
	seconds float64
	given   events.Nanos
	judged  bool
}

type bruteStep struct {
	events.RunStepStarted
	end     *events.RunStepFinished
	model   string
	start   int64
	seconds float64
}

func bruteRuns(entries []readmodel.Entry) []*bruteRun {
	var all []*bruteRun
	byStream, said := map[string]*bruteRun{}, map[string]map[events.VerdictOrigin]events.Outcome{}
	duration := func(undated bool, start int64, e readmodel.Entry) float64 {
		if undated || start == 0 {
			return -1
		}
		return float64(e.Envelope.OccurredAt.UnixNano()-start) / 1e9
	}
	for _, entry := range entries {
		r, at := byStream[entry.Envelope.Stream], entry.Envelope.OccurredAt.UnixNano()
		end := func(o events.Outcome, given events.Nanos, undated bool) {
			r.outcome, r.given, r.seconds = o, given, duration(undated, r.start, entry)
		}
		switch e := entry.Event.(type) {
		case events.RunStarted:
			r = &bruteRun{RunStarted: e, outcome: projections.Running, seconds: -1}
			if !e.Undated {
				r.start = at
			}
			all, byStream[entry.Envelope.Stream] = append(all, r), r
		case events.RunStepStarted:
			if r.Source != nil {
				e.Agent = events.AgentOfHistory(e.Agent, r.Source.Format)
			}
			s := &bruteStep{RunStepStarted: e, model: e.Model, seconds: -1}
			if !e.Undated {
				s.start = at
			}
			r.steps = append(r.steps, s)
		case events.RunStepFinished:
			s := r.steps[e.Step]
			s.end, s.seconds = &e, duration(e.Undated, s.start, entry)
			if e.Model != "" {
				s.model = e.Model
			}
		case events.RunFinished:
			end(e.Outcome, e.CostNanos, e.Undated)
		case events.RunFailed:
			end(events.Failed, e.CostNanos, e.Undated)
		case events.RunCancelled:
			end(events.Cancelled, e.CostNanos, e.Undated)
		case events.VerdictGiven:
			if said[e.Run] == nil {
				said[e.Run] = map[events.VerdictOrigin]events.Outcome{}
			}
			said[e.Run][e.From] = e.Verdict
		}
	}
	for _, r := range all {
		for _, from := range []events.VerdictOrigin{events.ByRule, events.BySource, events.ByPerson} {
			if o := said[r.Run][from]; r.outcome != projections.Running && o != "" && o != events.Unrated {
				r.outcome, r.judged = o, true
			}
		}
	}
	return all
}

// clip adds up without wrapping around.
func clip(a, b int64) int64 {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

// brute are the metrics of the runs that have a step that counts, the steps' figures from those steps alone where
// bySteps.
func brute(runs []*bruteRun, bySteps bool, counts func(*bruteRun, *bruteStep) bool) projections.Metrics {
	var m projections.Metrics
	var durations []float64
	trials := map[string]*projections.Trials{}
	for i, r := range runs {
		var in int64
		var input, output, cost int64
		for _, s := range r.steps {
			if !counts(r, s) {
				continue
			}
			in++
			m.Steps++
			if s.end != nil {
				if s.end.Outcome == events.Failed {
					m.FailedSteps++
				}
				input, output, cost = clip(input, s.end.InputTokens), clip(output, s.end.OutputTokens), clip(cost, int64(s.end.CostNanos))
			}
			if bySteps && s.seconds >= 0 {
				durations = append(durations, s.seconds)
			}
		}
		if in == 0 && (bySteps || !counts(r, nil)) {
			continue
		}
		m.InputTokens, m.OutputTokens = clip(m.InputTokens, input), clip(m.OutputTokens, output)
		if !bySteps {
			cost = max(cost, int64(r.given))
			if r.seconds >= 0 {
				durations = append(durations, r.seconds)
			}
		}
		m.CostNanos = events.Nanos(clip(int64(m.CostNanos), cost))
		m.Runs++
		if r.judged {
			m.Judged++
		}
		rated := 0
		switch r.outcome {
		case events.Succeeded:
			m.Succeeded++
			rated = 1
		case events.Failed:
			m.Failed++
			rated = 1
		case events.Cancelled:
			m.Cancelled++
		case events.Unrated:
			m.Unrated++
		default:
			m.Running++
		}
		if rated == 1 {
			task := fmt.Sprintf("%q %q", r.Workflow, r.Task)
			if r.Task == "" {
				task = fmt.Sprint(i)
			}
			if trials[task] == nil {
				trials[task] = &projections.Trials{}
			}
			trials[task].Rated++
			if r.outcome == events.Succeeded {
				trials[task].Succeeded++
			}
		}
	}
	slices.Sort(durations)
	at := func(p float64) *float64 {
		if len(durations) == 0 {
			return nil
		}
		h := p * float64(len(durations)-1)
		i := int(h)
		v := durations[i]
		if i+1 < len(durations) {
			v += (h - float64(i)) * (durations[i+1] - v)
		}
		return &v
	}
	m.Duration = projections.Quantiles{P50: at(.5), P95: at(.95)}
	for k := int64(1); k <= 10; k++ {
		sum, n := new(big.Rat), int64(0)
		for _, t := range trials {
			if t.Rated < k {
				continue
			}
			n++
			// The chance that k draws without putting back are all good.
			chance := big.NewRat(1, 1)
			for j := range k {
				chance.Mul(chance, big.NewRat(max(t.Succeeded-j, 0), t.Rated-j))
			}
			sum.Add(sum, chance)
		}
		if n > 0 {
			v, _ := sum.Mul(sum, big.NewRat(1, n)).Float64()
			m.PassHat, m.PassHatTasks = append(m.PassHat, v), append(m.PassHatTasks, n)
		}
	}
	return m
}

func sameMetrics(t *rapid.T, what string, got, want projections.Metrics) {
	t.Helper()
	near := func(a, b *float64) bool {
		return a == nil && b == nil || a != nil && b != nil && math.Abs(*a-*b) < 1e-6
	}
	if !near(got.Duration.P50, want.Duration.P50) || !near(got.Duration.P95, want.Duration.P95) {
		t.Fatalf("%s: durations %v, want %v", what, got.Duration, want.Duration)
	}
	if !slices.Equal(got.PassHat, want.PassHat) {
		t.Fatalf("%s: pass^k %v, want %v", what, got.PassHat, want.PassHat)
	}
	got.Duration, want.Duration, got.PassHat, want.PassHat = projections.Quantiles{}, projections.Quantiles{}, nil, nil
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

func TestReportEqualsBruteForce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		entries := enginetest.History(rt)
		m := memory(t)
		if len(entries) > 0 {
			if err := m.Apply(t.Context(), 0, entries); err != nil {
				rt.Fatal(err)
			}
		}
		report, err := m.Report(t.Context(), projections.MetricsFilter{})
		if err != nil {
			rt.Fatal(err)
		}
		runs := bruteRuns(entries)
		sameMetrics(rt, "total", report.Metrics, brute(runs, false, func(*bruteRun, *bruteStep) bool { return true }))
		for _, by := range []struct {
			what string
			got  map[string]projections.Metrics
			of   func(*bruteRun, *bruteStep) string
		}{
			{"workflow", report.ByWorkflow, func(r *bruteRun, _ *bruteStep) string { return r.Workflow }},
			{"agent", report.ByAgent, func(_ *bruteRun, s *bruteStep) string { return s.Agent }},
			{"model", report.ByModel, func(_ *bruteRun, s *bruteStep) string { return s.model }},
			{"tool", report.ByTool, func(_ *bruteRun, s *bruteStep) string { return s.Tool }},
		} {
			names := map[string]bool{}
			for _, r := range runs {
				if by.what == "workflow" {
					names[r.Workflow] = true
					continue
				}
				for _, s := range r.steps {
					names[by.of(r, s)] = true
				}
			}
			if by.what != "workflow" {
				delete(names, "")
			}
			if len(names) != len(by.got) {
				rt.Fatalf("by %s: %d names, want %d", by.what, len(by.got), len(names))
			}
			for name := range names {
				want := brute(runs, by.what != "workflow", func(r *bruteRun, s *bruteStep) bool { return by.of(r, s) == name })
				sameMetrics(rt, by.what+" "+name, by.got[name], want)
			}
		}
	})
}

func TestPassHatOfTauBench(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("VIRTUOUS6_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "data")
	}
	data, err := os.ReadFile(filepath.Join(folder, "agent-runs", "tau-bench", "gpt-4o-airline.json"))
	if err != nil {
		t.Skip("the real data is not here: ", err)
	}
	var trials []struct {
		Task   int     `json:"task_id"`
		Reward float64 `json:"reward"`
	}
	if err := json.Unmarshal(data, &trials); err != nil {
		t.Fatal(err)
	}
	var facts []any
	for i, trial := range trials {
		run := fmt.Sprint(i)
		facts = append(facts, "run-"+run, events.RunStarted{Run: run, Workflow: "airline", Task: fmt.Sprint(trial.Task)})
		if trial.Reward == 1 {
			facts = append(facts, "run-"+run, events.RunFinished{Outcome: events.Succeeded})
		} else {
			facts = append(facts, "run-"+run, events.RunFailed{})
		}
	}
	report, err := folded(t, facts...).Report(t.Context(), projections.MetricsFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, hat := range report.PassHat {
		got = append(got, fmt.Sprintf("%.3f", hat))
	}
	equal(t, "pass^k", got, []string{"0.420", "0.273", "0.220", "0.200"})
	equal(t, "pass^k of the workflow", report.ByWorkflow["airline"].PassHat, report.PassHat)
}

func TestReportMarshalsAsDocumented(t *testing.T) {
	t.Parallel()
	m := folded(t, support()...)
	report, err := m.Report(t.Context(), projections.MetricsFilter{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	part := func(runs, steps, failed, in, out int, duration, cost string) string {
		return fmt.Sprintf(`"runs":%d,"succeeded":0,"failed":1,"cancelled":0,"unrated":0,"judged":0,"running":0,"steps":%d,"failed_steps":%d,`+
			`"input_tokens":%d,"output_tokens":%d,"duration_seconds":%s,"pass_hat":[0],"pass_hat_tasks":[1],"cost_usd":"%s","unpriced_calls":%d`, runs, steps, failed, in, out, duration, cost, map[string]int{"0.000000007": 1}[cost])
	}
	total := part(1, 3, 1, 10, 4, `{"p50":420,"p95":420}`, "0.000000009")
	want := `{` + total + `,"by_workflow":{"support":{` + total + `}},"by_agent":{"bert (runs)":{` +
		part(1, 2, 1, 10, 4, `{"p50":120,"p95":174}`, "0.000000007") + `},"carl (runs)":{` + part(1, 1, 0, 0, 0, `{"p50":null,"p95":null}`, "0") +
		`}},"by_model":{"gpt-1":{` + part(1, 1, 0, 10, 4, `{"p50":180,"p95":180}`, "0.000000007") + `}},"by_tool":{"search":{` +
		part(1, 2, 1, 0, 0, `{"p50":60,"p95":60}`, "0") + `}}}`
	equal(t, "report", string(got), want)
	empty, err := json.Marshal(projections.Report{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "empty report", string(empty), `{"runs":0,"succeeded":0,"failed":0,"cancelled":0,"unrated":0,"judged":0,"running":0,"steps":0,`+
		`"failed_steps":0,"input_tokens":0,"output_tokens":0,"duration_seconds":{"p50":null,"p95":null},"pass_hat":[],"pass_hat_tasks":[],"cost_usd":"0","unpriced_calls":0,`+
		`"by_workflow":{},"by_agent":{},"by_model":{},"by_tool":{}}`)
}
