package performance

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// shape is a change of which agents there are, or of what one is given.
type shape struct {
	change   events.Change
	claim    events.Claim
	strength events.Strength
	reason   string
	evidence events.Evidence
	expected events.Expected
	worth    *events.Worth
}

func (s shape) proposal() evidence.Proposal {
	return evidence.Proposal{
		Analyst: name, AnalystVersion: version, Change: s.change, Claim: s.claim, Strength: s.strength, Reason: s.reason, Evidence: s.evidence,
		Expected: s.expected, Worth: s.worth,
	}
}

// look is what a view comes to at its latest look that spends alpha.
type look struct {
	names   []string
	runs    map[string][]*Run
	monthly map[string]float64
	all     float64
	// level is what may be spent now.
	level    float64
	versions map[string][]projections.AgentVersionRow
}

// shapes are merges, splits, retirements, and what an agent is given too little or too much of. Alpha is spent over the looks at
// which the history has doubled.
func (v *View) shapes() []shape {
	n, share := stats.Spending(len(v.Runs))
	if n == 0 {
		return nil
	}
	at := View{Runs: v.Runs[:n]}
	l := look{level: alpha * share, monthly: map[string]float64{}, versions: v.Versions}
	l.names, l.runs = at.agents()
	starts := make([]int64, len(v.Runs))
	for i := range v.Runs {
		starts[i] = v.Runs[i].Started
	}
	for i, weight := range evidence.Monthly(starts) {
		l.monthly[v.Runs[i].Agent] += weight
		l.all += weight
	}
	all := at.all()
	return slices.Concat(l.merges(), l.splits(all), l.retirements(all), l.limits(), l.tools())
}

// now is the configuration of a live agent.
func (l *look) now(agent string) (version projections.AgentVersionRow, ok bool) {
	if list := l.versions[agent]; len(list) > 0 {
		return list[len(list)-1], true
	}
	return version, false
}

// passing is the configuration of an agent that passes on what a route says, so that it can be tried. It is nil for one that is not live.
func (l *look) passing(agent string, route events.Route) *events.AgentConfig {
	now, live := l.now(agent)
	if !live {
		return nil
	}
	config, _ := now.Config.With(events.ChangeRouting, events.AgentConfig{Routes: []events.Route{route}})
	return &config
}

func byWorkflow(runs []*Run) map[string][]*Run {
	of := map[string][]*Run{}
	for _, r := range runs {
		of[r.Workflow] = append(of[r.Workflow], r)
	}
	return of
}

func toolsOf(runs []*Run) map[string]bool {
	of := map[string]bool{}
	for _, r := range runs {
		for _, t := range r.Tools {
			of[t] = true
		}
	}
	return of
}

const (
	// alike is by how much two agents may differ on each kind of task to be one.
	alike = .03
	// mixed is how much of their tasks may be of other kinds, and toolsAlike how much of their tools they share.
	mixed, toolsAlike = .2, .8
)

// merges are pairs of agents that do the same work with the same tools, equally well.
func (l *look) merges() []shape {
	pairs := len(l.names) * (len(l.names) - 1) / 2
	all := make([]duties, len(l.names))
	for i, agent := range l.names {
		all[i] = dutiesOf(l.runs[agent])
	}
	var found []shape
	for i, a := range l.names {
		for k, b := range l.names[i+1:] {
			if !all[i].like(&all[i+1+k]) {
				continue
			}
			if s, ok := l.merge(a, b, l.level/float64(pairs)); ok {
				found = append(found, s)
			}
		}
	}
	return found
}

// duties are what an agent does: how many runs of each workflow, and with which tools.
type duties struct {
	runs      int
	workflows map[string]int
	tools     map[string]bool
}

func dutiesOf(runs []*Run) duties {
	d := duties{runs: len(runs), workflows: map[string]int{}, tools: toolsOf(runs)}
	for _, r := range runs {
		d.workflows[r.Workflow]++
	}
	return d
}

// like tells whether two agents do the same kinds of tasks about as often, with the same tools.
func (d *duties) like(o *duties) bool {
	apart := 0.0
	for _, w := range bothOf(d.workflows, o.workflows) {
		apart += math.Abs(float64(d.workflows[w])/float64(d.runs)-float64(o.workflows[w])/float64(o.runs)) / 2
	}
	both, either := 0, len(o.tools)
	for t := range d.tools {
		if o.tools[t] {
			both++
		} else {
			either++
		}
	}
	return apart <= mixed && float64(both) >= toolsAlike*float64(either)
}

// bothOf are the sorted keys of two.
func bothOf[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (l *look) merge(a, b string, level float64) (found shape, ok bool) {
	of, other := byWorkflow(l.runs[a]), byWorkflow(l.runs[b])
	workflows := bothOf(of, other)
	var whole stats.Strata
	for _, w := range workflows {
		s := compare(of[w], other[w])
		if _, i := s.Difference(1 - 2*level); s.Informative == 0 || min(s.Total.With, s.Total.Without) < fewest || i.Low < -alike || i.High > alike {
			return found, false // two one-sided tests of each kind of task
		}
	}
	whole = compare(l.runs[a], l.runs[b])
	d, i := whole.Difference(confidence)
	keep, drop := a, b
	saving, half, priced := saved(l.runs[a], l.runs[b])
	if saving < 0 {
		keep, drop, saving = b, a, -saving
	}
	found = shape{
		change: events.Change{
			Kind: events.ChangeMerge, Agent: drop,
			Instruction: fmt.Sprintf("Let %s do what %s does: they are one agent in all but name.", keep, drop),
		},
		claim: events.Claim{Subject: []string{"merge", a, b}}, strength: events.Moderate, evidence: comparison(whole, d, i, l.runs[a][0].First, l.runs[a][len(l.runs[a])-1].Last),
		reason: fmt.Sprintf("%s and %s do the same work (%s) with the same tools, and differ by less than %.0f points of success in each kind of it (%d of %d and %d of %d runs; %+.1f points on like tasks, interval %+.1f to %+.1f).",
			a, b, strings.Join(workflows[:min(len(workflows), 3)], ", "), 100*alike, good(l.runs[a]), len(l.runs[a]), good(l.runs[b]), len(l.runs[b]), 100*d, 100*i.Low, 100*i.High),
		expected: events.Expected{Metric: "success_rate", Change: 0, Low: -alike, High: alike},
	}
	if _, live := l.now(keep); live {
		found.change.Config = l.passing(drop, events.Route{To: keep})
	}
	if priced {
		w := evidence.NewWorth(events.LessDollars, l.monthly[drop]*saving, l.monthly[drop]*(saving-half), l.monthly[drop]*(saving+half), l.spending())
		found.worth = &w
	}
	return found, true
}

// spending is what all runs cost in 30 days.
func (l *look) spending() float64 {
	total := 0.0
	for _, agent := range l.names {
		mean, _, _ := cost(l.runs[agent])
		total += float64(l.monthly[agent] * mean)
	}
	return total
}

// cost is what a run costs in dollars, with its standard error. ok is false where that is not known.
func cost(runs []*Run) (mean, err float64, ok bool) {
	n, sum, squares := 0.0, 0.0, 0.0
	for _, r := range runs {
		if r.Priced && r.Nanos > 0 {
			x := r.Nanos / 1e9
			n, sum, squares = n+1, sum+x, squares+float64(x*x)
		}
	}
	if n < fewest {
		return 0, 0, false
	}
	mean = sum / n
	return mean, math.Sqrt(max(0, squares/n-float64(mean*mean)) / n), true
}

// saved is how many dollars a run of the first costs less than one of the second.
func saved(first, second []*Run) (saving, half float64, ok bool) {
	a, ea, priced := cost(first)
	b, eb, also := cost(second)
	return b - a, 1.96 * math.Hypot(ea, eb), priced && also
}

const (
	// retiredBelow is how far below others on like tasks an agent surely is to be given up, and retiredRuns how many runs tell.
	retiredBelow, retiredRuns = .10, 100
)

// retirements are live agents that do worse than others do on the very tasks that they have.
func (l *look) retirements(all []*Run) []shape {
	var found []shape
	var everyone *tally
	for _, agent := range l.names {
		if _, live := l.now(agent); !live {
			continue
		}
		if everyone == nil {
			everyone = tallied(all, (*Run).stratum, every)
		}
		s := everyone.others(l.runs[agent])
		if s.Informative < 2 || min(s.Total.With, s.Total.Without) < retiredRuns {
			continue
		}
		sure := 1 - 2*l.level/float64(len(l.names))
		if _, i := s.Difference(sure); i.High > -retiredBelow {
			continue
		}
		d, i := s.Difference(confidence)
		w := evidence.Successes(-d, -i.High, -i.Low, l.monthly[agent], l.all)
		found = append(found, shape{
			change: events.Change{
				Kind: events.ChangeRetire, Agent: agent, Config: l.passing(agent, events.Route{}), Instruction: fmt.Sprintf("Retire %s: others do its tasks better.", agent),
			},
			claim: events.Claim{Subject: []string{"retire", agent}, Harms: true}, strength: events.Strong, worth: &w,
			evidence: comparison(s, d, i, l.runs[agent][0].First, l.runs[agent][len(l.runs[agent])-1].Last),
			reason: fmt.Sprintf("%s succeeds %.0f points less often than other agents on the tasks that both have (%d of %d runs; interval %+.0f to %+.0f).",
				agent, -100*d, good(l.runs[agent]), len(l.runs[agent]), 100*i.Low, 100*i.High),
			expected: events.Expected{Metric: "success_rate", Change: -stats.Round(d), Low: -stats.Round(i.High), High: -stats.Round(i.Low)},
		})
	}
	return found
}

// limits are live agents whose answers are cut at their limit of tokens, and go worse for it on like tasks.
func (l *look) limits() []shape {
	var found []shape
	for _, agent := range l.names {
		now, live := l.now(agent)
		if !live || now.Config.MaxTokens <= 0 {
			continue
		}
		var cut, whole []*Run
		for _, r := range l.runs[agent] {
			switch {
			case r.First < now.Position: // it had another limit, or may have had
			case r.Cut:
				cut = append(cut, r)
			default:
				whole = append(whole, r)
			}
		}
		s := compare(cut, whole)
		if s.Informative < 2 || min(s.Total.With, s.Total.Without) < fewest {
			continue
		}
		if _, i := s.Difference(1 - 2*l.level/float64(len(l.names))); i.High >= 0 {
			continue
		}
		d, i := s.Difference(confidence)
		config := now.Config
		config.MaxTokens *= 2
		share := float64(len(cut)) / float64(len(cut)+len(whole))
		w := evidence.Successes(float64(-d*share), float64(-i.High*share), float64(-i.Low*share), l.monthly[agent], l.all)
		found = append(found, shape{
			change: events.Change{
				Kind: events.ChangeTokenLimit, Agent: agent, Config: &config,
				Instruction: fmt.Sprintf("Let %s answer with up to %d tokens, twice what it may now.", agent, config.MaxTokens),
			},
			claim: events.Claim{Subject: []string{"cut", agent}, Harms: true}, strength: events.Moderate, worth: &w,
			evidence: comparison(s, d, i, cut[0].First, cut[len(cut)-1].Last, cut[0].First),
			reason: fmt.Sprintf("%d of %d answers of %s were cut at %d tokens; those runs succeed %.0f points less often on like tasks (interval %+.0f to %+.0f).",
				len(cut), len(cut)+len(whole), agent, now.Config.MaxTokens, -100*d, 100*i.Low, 100*i.High),
			expected: events.Expected{Metric: "success_rate", Change: stats.Round(-d * share), Low: stats.Round(-i.High * share), High: stats.Round(-i.Low * share)},
		})
	}
	return found
}

// unusedRuns is how many runs of an agent tell that it does not use a tool.
const unusedRuns = 300

// tools are live agents that have tools which they never call.
func (l *look) tools() []shape {
	var found []shape
	for _, agent := range l.names {
		now, live := l.now(agent)
		mine := slices.DeleteFunc(slices.Clone(l.runs[agent]), func(r *Run) bool { return r.First < now.Position })
		if !live || len(mine) < unusedRuns {
			continue
		}
		used := toolsOf(mine)
		config := now.Config
		var unused []string
		config.Tools = slices.DeleteFunc(slices.Clone(config.Tools), func(tool string) bool {
			if !used[tool] {
				unused = append(unused, tool)
			}
			return !used[tool]
		})
		if len(unused) == 0 || len(config.Tools) == 0 { // that none is used may be a matter of names
			continue
		}
		slices.SortFunc(unused, cmp.Compare)
		most := stats.Wilson(0, int64(len(mine)), confidence).High
		found = append(found, shape{
			change: events.Change{
				Kind: events.ChangeTools, Agent: agent, Config: &config,
				Instruction: fmt.Sprintf("Take %s from %s: what is not offered costs no tokens and tempts nobody.", strings.Join(unused, ", "), agent),
			},
			claim: events.Claim{Subject: []string{"unused", agent, strings.Join(unused, " ")}}, strength: events.Moderate,
			reason: fmt.Sprintf("%s called %s in none of its %d runs since its version %d (at most %.1f%%).", agent, strings.Join(unused, ", "), len(mine), now.Version, 100*most),
			evidence: events.Evidence{
				From: mine[0].First, To: mine[len(mine)-1].Last, Positions: []uint64{now.Position}, Statistic: "share of the runs that call it, Wilson's interval",
				Value: 0, Low: 0, High: stats.Round(most), Confidence: confidence, N: int64(len(mine)),
			},
			expected: events.Expected{Metric: "success_rate", Change: 0, Low: -stats.Round(most), High: 0},
		})
	}
	return found
}

// weighShape answers for a claim about which agents there are: how it stands by all runs, or by those that began behind a position.
func (v *View) weighShape(now []shape, c events.Claim, after uint64) (evidence.Standing, bool) {
	if len(c.Subject) < 2 || !slices.Contains([]string{"merge", "split", "retire", "cut", "unused"}, c.Subject[0]) {
		return evidence.Standing{}, false
	}
	since := View{Runs: v.Runs, Versions: v.Versions}
	if after > 0 {
		since.Runs = slices.DeleteFunc(slices.Clone(v.Runs), func(r Run) bool { return r.First <= after })
		now = since.shapes()
	}
	for _, s := range now {
		if slices.Equal(s.claim.Subject, c.Subject) {
			return evidence.Standing{Strength: s.strength, Reason: s.reason, Evidence: s.evidence, Expected: s.expected}, true
		}
	}
	var mine []*Run
	for i := range since.Runs {
		if since.Runs[i].Agent == c.Subject[1] {
			mine = append(mine, &since.Runs[i])
		}
	}
	return gone(mine, "It can't be said of %s any more (%d of %d runs succeed).", c.Subject[1])
}
