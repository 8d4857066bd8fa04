package performance

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// drop is an agent that does worse than it did, on like tasks.
type drop struct {
	agent string
	// before and since are its runs on both sides of where it began.
	before, since []*Run
	strata        stats.Strata
	difference    float64
	interval      stats.Interval
	// claimed tells that no run of any agent would have come to that by chance, in all but dropAlpha of histories.
	claimed bool
	// monthly is how many rated runs it has in 30 days, of all.
	monthly, all float64
}

// drops are the agents that do worse than they did, and have not come back since.
func (v *View) drops() []drop {
	names, runs := v.agents()
	starts := make([]int64, len(v.Runs))
	for i := range v.Runs {
		starts[i] = v.Runs[i].Started
	}
	monthly, all := map[string]float64{}, 0.0
	for i, weight := range evidence.Monthly(starts) {
		monthly[v.Runs[i].Agent] += weight
		all += weight
	}
	var found []drop
	for _, agent := range names {
		if at, most, ok := begun(runs[agent]); ok {
			d := drop{agent: agent, before: runs[agent][:at], since: runs[agent][at:], monthly: monthly[agent], all: all}
			d.claimed = most >= float64(len(v.Runs))/dropAlpha
			if d.measure(); d.interval.High < 0 {
				found = append(found, d)
			}
		}
	}
	return found
}

// begun is where a drop began that lasts, and how much has spoken for it at most.
func begun(runs []*Run) (at int, most float64, ok bool) {
	ids := map[stratum]int32{}
	var d stats.Detector
	for _, r := range runs {
		id, known := ids[r.stratum()]
		if !known {
			id = int32(len(ids)) //nolint:gosec // far fewer than runs
			ids[r.stratum()] = id
		}
		switch since, level := d.Add(id, r.Good); {
		case level >= stats.DetectorAlarm && !ok:
			at, most, ok = since, level, true
		case level < 1:
			ok = false // it has come back
		default:
			most = max(most, level)
		}
	}
	return at, most, ok && at > 0
}

func (d *drop) measure() {
	d.strata = compare(d.since, d.before)
	d.difference, d.interval = d.strata.Difference(confidence)
}

func (d *drop) evidence() events.Evidence {
	return comparison(d.strata, d.difference, d.interval, d.before[0].First, d.since[len(d.since)-1].Last, d.since[0].First)
}

func (d *drop) reason() string {
	return fmt.Sprintf("%s succeeds %.0f points less often on like tasks since run %s (%d of %d runs, %d of %d before; interval %+.0f to %+.0f).",
		d.agent, -100*d.difference, d.since[0].Name, good(d.since), len(d.since), good(d.before), len(d.before), 100*d.interval.Low, 100*d.interval.High)
}

func (d *drop) worth() *events.Worth {
	w := evidence.Successes(-d.difference, -d.interval.High, -d.interval.Low, d.monthly, d.all)
	return &w
}

func (d *drop) finding() evidence.Finding {
	return evidence.Finding{
		Kind: Degraded, Subject: []string{"degraded", d.agent}, Text: d.reason(), Evidence: d.evidence(), Strength: d.strength(), Worth: d.worth(),
	}
}

func (d *drop) strength() events.Strength {
	if !d.claimed {
		return events.Weak
	}
	if len(d.since) >= 100 && d.interval.High < -.1 {
		return events.Strong
	}
	return events.Moderate
}

// heal proposes to go back to the last version before a drop, where a new one came with it. ok is false where none did, or where
// more than one thing was changed at once: then a person says what is to be taken back.
func (v *View) heal(d drop) (p evidence.Proposal, ok bool) {
	bad, good, ok := v.culprit(d)
	if !ok || !d.claimed {
		return p, false
	}
	kind, ok := changed(bad.Config, good.Config)
	if !ok {
		return p, false
	}
	config := good.Config
	e := d.evidence()
	e.Positions = append(e.Positions, bad.Position)
	slices.Sort(e.Positions)
	return evidence.Proposal{
		Analyst: name, AnalystVersion: version,
		Change: events.Change{
			Kind: kind, Agent: d.agent, Config: &config,
			Instruction: fmt.Sprintf("Give %s the %s of version %d again, which version %d changed.", d.agent, strings.ReplaceAll(string(kind), "_", " "), good.Version, bad.Version),
		},
		Claim: d.claim(bad), Strength: d.strength(), Worth: d.worth(), Evidence: e,
		Reason:   d.reason() + fmt.Sprintf(" Its version %d came with that.", bad.Version),
		Expected: events.Expected{Metric: "success_rate", Change: -stats.Round(d.difference), Low: -stats.Round(d.interval.High), High: -stats.Round(d.interval.Low)},
	}, true
}

func (d *drop) claim(bad projections.AgentVersionRow) events.Claim {
	return events.Claim{Subject: []string{"degraded", d.agent, fmt.Sprintf("version %d", bad.Version)}, Harms: true}
}

// near is how many runs a version may lie away from where a drop is said to have begun.
const near = 30

// culprit is the version that came with a drop, and the one before it. It is the latest: what was changed since is no culprit.
func (v *View) culprit(d drop) (bad, good projections.AgentVersionRow, ok bool) {
	versions := v.Versions[d.agent]
	if len(versions) < 2 {
		return bad, good, false
	}
	bad, good = versions[len(versions)-1], versions[len(versions)-2]
	from, to := d.before[max(0, len(d.before)-near)].First, d.since[min(near, len(d.since)-1)].First
	return bad, good, bad.Position > from && bad.Position < to
}

// changed is the one kind of change that leads from a configuration to another.
func changed(from, to events.AgentConfig) (kind events.ChangeKind, ok bool) {
	for _, kind := range events.ChangeKinds() {
		if with, ok := from.With(kind, to); ok && reflect.DeepEqual(with, to) && !reflect.DeepEqual(from, to) {
			return kind, true
		}
	}
	return "", false
}

// weigh answers for a claim: how it stands by all runs, or by those that began behind a position.
func (v *View) weigh(drops []drop, c events.Claim, after uint64) (evidence.Standing, bool) {
	if len(c.Subject) != 3 || c.Subject[0] != "degraded" {
		return evidence.Standing{}, false
	}
	for _, d := range drops {
		bad, _, ok := v.culprit(d)
		if !ok || !slices.Equal(d.claim(bad).Subject, c.Subject) {
			continue
		}
		d.since = slices.DeleteFunc(slices.Clone(d.since), func(r *Run) bool { return r.First <= after })
		if len(d.since) == 0 {
			break
		}
		d.measure()
		s := d.strength()
		switch {
		case d.interval.Low > 0:
			s = events.Reversed
		case d.interval.High >= 0:
			s = events.Gone
		}
		return evidence.Standing{
			Strength: s, Reason: d.reason(), Evidence: d.evidence(),
			Expected: events.Expected{Metric: "success_rate", Change: -stats.Round(d.difference), Low: -stats.Round(d.interval.High), High: -stats.Round(d.interval.Low)},
		}, true
	}
	// It has come back, was changed since, or nothing is known of it any more.
	_, runs := v.agents()
	mine := slices.DeleteFunc(slices.Clone(runs[c.Subject[1]]), func(r *Run) bool { return r.First <= after })
	return gone(mine, "%s does no worse than it did (%d of %d runs succeed).", c.Subject[1])
}

// gone is how a claim about an agent stands that its runs no longer carry; says has its name, and how many of how many of them succeed.
func gone(mine []*Run, says, agent string) (evidence.Standing, bool) {
	if len(mine) == 0 {
		return evidence.Standing{}, false
	}
	good, n := good(mine), int64(len(mine))
	i := stats.Wilson(good, n, confidence)
	return evidence.Standing{
		Strength: events.Gone, Reason: fmt.Sprintf(says, agent, good, n),
		Evidence: events.Evidence{
			From: mine[0].First, To: mine[n-1].Last, Statistic: "success rate, Wilson's interval", Confidence: confidence, N: n,
			Value: stats.Round(float64(good) / float64(n)), Low: stats.Round(i.Low), High: stats.Round(i.High),
		},
	}, true
}
