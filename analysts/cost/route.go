package cost

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// margin is how much less often a cheaper model may succeed for its quality to hold.
const margin = 0.05

// minSides is how many runs each of two models must have.
const minSides = 30

// route is a cheaper model for an agent in a workflow, compared within tasks with the one that it uses.
type route struct {
	workflow, agent, now, other string
	// besides are the other workflows that the agent works in, sorted.
	besides []string

	rows []*Run
	compared
}

type compared struct {
	strata     stats.Strata
	difference float64
	interval   stats.Interval
	// saving is nano-dollars a run, within tasks.
	saving, savingErr float64
}

// routes are all pairs with enough runs, in a fixed order.
func (v *View) routes() []*route {
	type user struct{ workflow, agent string }
	groups := map[user]map[string][]*Run{}
	latest := map[user]string{}
	for i := range v.Runs {
		r := &v.Runs[i]
		u := user{r.Workflow, r.Agent}
		if groups[u] == nil {
			groups[u] = map[string][]*Run{}
		}
		groups[u][r.Model] = append(groups[u][r.Model], r)
		latest[u] = r.Model
	}
	besides := map[string][]string{}
	for u := range groups {
		besides[u.agent] = append(besides[u.agent], u.workflow)
	}
	var all []*route
	for u, models := range groups {
		now := cmp.Or(v.Agents[u.agent].Model, latest[u])
		for other, runs := range models {
			if other == now || min(len(runs), len(models[now])) < minSides {
				continue
			}
			r := &route{workflow: u.workflow, agent: u.agent, now: now, other: other, rows: slices.Concat(runs, models[now])}
			slices.SortFunc(r.rows, func(a, b *Run) int { return cmp.Compare(a.First, b.First) })
			if r.compared = r.compare(0, math.MaxUint64); r.saving-z*r.savingErr > 0 && r.strata.Informative > 0 {
				r.besides = slices.DeleteFunc(slices.Sorted(slices.Values(besides[u.agent])), func(w string) bool { return w == u.workflow })
				all = append(all, r)
			}
		}
	}
	slices.SortFunc(all, func(a, b *route) int {
		return cmp.Or(strings.Compare(a.workflow, b.workflow), strings.Compare(a.agent, b.agent), strings.Compare(a.now, b.now), strings.Compare(a.other, b.other))
	})
	return all
}

// z is the quantile of a two-sided 95% interval.
const z = 1.959964

// compare is over the runs that began behind one log position and up to another.
func (r *route) compare(after, upTo uint64) compared {
	type side struct{ n, sum, squares float64 }
	costs := map[string]*[2]side{}
	tables := map[string]*stats.Table{}
	var tasks []string
	for _, run := range r.rows {
		if run.First <= after || run.First > upTo {
			continue
		}
		t, c := tables[run.Task], costs[run.Task]
		if t == nil {
			t, c = &stats.Table{}, &[2]side{}
			tables[run.Task], costs[run.Task] = t, c
			tasks = append(tasks, run.Task)
		}
		good := int64(0)
		if run.Good {
			good = 1
		}
		s := &c[0]
		if run.Model == r.other {
			t.With, t.WithSucceeded, s = t.With+1, t.WithSucceeded+good, &c[1]
		} else {
			t.Without, t.WithoutSucceeded = t.Without+1, t.WithoutSucceeded+good
		}
		s.n++
		s.sum += run.Nanos
		s.squares += float64(run.Nanos * run.Nanos)
	}
	slices.Sort(tasks)
	var m compared
	weight, variance := 0.0, 0.0
	for _, task := range tasks {
		m.strata.Add(*tables[task])
		now, other := costs[task][0], costs[task][1]
		if now.n < 2 || other.n < 2 {
			continue
		}
		w := float64(now.n*other.n) / (now.n + other.n)
		spread := func(s side) float64 { return max(0, s.squares-float64(s.sum*s.sum)/s.n) / (s.n - 1) / s.n }
		m.saving += float64(w * (now.sum/now.n - other.sum/other.n))
		variance += float64(w * w * (spread(now) + spread(other)))
		weight += w
	}
	m.difference, m.interval = m.strata.Difference(confidence)
	if weight == 0 {
		m.saving, m.savingErr = 0, math.Inf(1)
		return m
	}
	m.saving, m.savingErr = m.saving/weight, math.Sqrt(variance)/weight
	return m
}

// holds tells that the quality holds: that the cheaper model's success is not margin below, at a level.
func (m *compared) holds(level float64) bool {
	err := (m.interval.High - m.interval.Low) / (2 * z)
	return m.strata.Informative > 0 && err > 0 && math.Erfc((m.difference+margin)/(err*math.Sqrt2))/2 <= level
}

// settled are the routes whose quality holds. Alpha is spent over the looks where the history has doubled, and shared by
// all that are asked, so that whoever looks for ever is told a wrong one with a chance of at most alpha.
func (v *View) settled(all []*route) map[*route]bool {
	holds := map[*route]bool{}
	runs, share := stats.Spending(len(v.Runs))
	if runs == 0 || len(all) == 0 {
		return holds
	}
	upTo := v.Runs[runs-1].First
	for _, r := range all {
		m := r.compare(0, upTo)
		// Without a task's name a hard wish can't be told from an easy one.
		if m.strata.Informative > 1 && m.holds(alpha*share/float64(len(all))) && r.holds(0.025) {
			holds[r] = true
		}
	}
	return holds
}

func (r *route) reason() string {
	t, i := r.strata.Total, r.interval
	only := ""
	if n := len(r.besides); n > 0 {
		shown := r.besides[:min(n, 3)]
		if only = " What it does in " + strings.Join(shown, ", "); n > len(shown) {
			only += fmt.Sprintf(" and %d more workflows", n-len(shown))
		}
		only += " was not compared here."
	}
	return fmt.Sprintf("In %s %s costs %s a run with %s, %s less than with %s (compared within the same task); it succeeds %+.0f points as often (%d of %d against %d of %d; 95%% interval %.0f to %.0f).",
		r.workflow, r.agent, dollars(r.mean()-r.saving), r.other, dollars(r.saving), r.now, 100*r.difference, t.WithSucceeded, t.With, t.WithoutSucceeded, t.Without,
		100*i.Low, 100*i.High) + only
}

// mean is what a run costs now.
func (r *route) mean() float64 {
	sum, n := 0.0, 0.0
	for _, run := range r.rows {
		if run.Model == r.now {
			sum, n = sum+run.Nanos, n+1
		}
	}
	return sum / max(n, 1)
}

func dollars(nanos float64) string { return fmt.Sprintf("$%.4f", nanos/1e9) }

// needs is how many more runs of each model would tell, if it went on as it did; 0 where the quality seems worse by more than
// the margin.
func (r *route) needs() int64 {
	if r.difference+margin <= 0 {
		return 0
	}
	err := (r.interval.High - r.interval.Low) / (2 * z)
	n := float64(min(r.strata.Total.With, r.strata.Total.Without))
	ratio := 3.5 * err / (r.difference + margin) // a level of about .0002
	return int64(math.Ceil(n * max(0, float64(ratio*ratio)-1)))
}

func (r *route) evidence(asked int) events.Evidence {
	e := events.Evidence{Confidence: confidence, N: r.strata.Total.With + r.strata.Total.Without}
	for _, run := range r.rows {
		if e.From == 0 {
			e.From = run.First
		}
		e.To = max(e.To, run.Last)
		if run.Model == r.other && run.Good && len(e.Positions) < 5 {
			e.Positions = append(e.Positions, run.First)
		}
	}
	e.Statistic = fmt.Sprintf("risk difference within tasks (Mantel-Haenszel), Sato's interval; not worse by %.0f points at %g over all looks, compared: %d", 100*margin, alpha, asked)
	e.Value, e.Low, e.High = stats.Round(r.difference), stats.Round(r.interval.Low), stats.Round(r.interval.High)
	t := r.strata.Total
	e.Counts = map[string]int64{
		"with_runs": t.With, "with_succeeded": t.WithSucceeded, "without_runs": t.Without, "without_succeeded": t.WithoutSucceeded,
		"strata": int64(r.strata.Informative), "hypotheses": int64(asked), "saving_nanos_per_run": int64(r.saving),
	}
	return e
}

func (r *route) strength() events.Strength {
	middle := r.rows[len(r.rows)/2].First
	early, late := r.compare(0, middle), r.compare(middle, math.MaxUint64)
	if min(r.strata.Total.With, r.strata.Total.Without) >= 300 && early.difference > -margin && late.difference > -margin {
		return events.Strong
	}
	return events.Moderate
}

func (r *route) expected() events.Expected {
	return events.Expected{
		Metric: "cost_usd_per_run", Change: stats.Round(-r.saving / 1e9),
		Low: stats.Round(-(r.saving + z*r.savingErr) / 1e9), High: stats.Round(-(r.saving - z*r.savingErr) / 1e9),
	}
}

func (r *route) proposal(v *View, asked int, w events.Worth) evidence.Proposal {
	config := v.Agents[r.agent]
	config.Model = r.other
	return evidence.Proposal{
		Analyst: name, AnalystVersion: version,
		Change: events.Change{
			Kind: events.ChangeModel, Workflow: r.workflow, Agent: r.agent, Config: &config,
			Instruction: fmt.Sprintf("Let %s use %s instead of %s: it costs less, and its quality holds at the tasks of %s, which alone were compared. It would answer for all that %s does.", r.agent, r.other, r.now, r.workflow, r.agent),
		},
		Claim: r.claim(), Strength: r.strength(), Reason: r.reason(), Evidence: r.evidence(asked), Expected: r.expected(), Worth: &w,
	}
}

func (r *route) claim() events.Claim {
	return events.Claim{Workflow: r.workflow, Subject: []string{"cheaper", r.agent, r.other, r.now}}
}
