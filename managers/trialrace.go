package managers

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// field is what is known of an experiment on several candidates. The arms are counted from the control, which is 0.
type field struct {
	Race stats.Race `json:"race"`
	// Shares are those of the arms by now, in permille. A candidate without any is out.
	Shares []int `json:"shares"`
	// Allocated tells that the canary is over, and Counted how many runs were counted when the shares were settled last.
	Allocated bool  `json:"allocated,omitempty"`
	Counted   int64 `json:"counted,omitempty"`
	// Rivals are the candidates, each against the control.
	Rivals []rival `json:"rivals"`
}

// rival is a candidate against what there is, by the runs of both.
type rival struct {
	Cost   guard        `json:"cost"`
	Time   guard        `json:"time"`
	Shares stats.Shares `json:"shares"`
	Tasks  tasks        `json:"tasks,omitempty"`
}

func newField(candidates int) *field {
	return &field{Race: stats.NewRace(candidates + 1), Rivals: make([]rival, candidates)}
}

// start gives each candidate its first share.
func (f *field) start(share int) {
	f.Shares = slices.Repeat([]int{share}, len(f.Rivals)+1)
	f.Shares[0] = 1000 - share*len(f.Rivals)
}

// take takes a run in that succeeded or failed.
func (f *field) take(run drawnRun, value float64, plan events.ExperimentPlan) {
	chances := make([]float64, len(run.Shares))
	for i, share := range run.Shares {
		chances[i] = float64(share) / 1000
	}
	f.Race.Take(run.Arm, chances, value)
	for i := range f.Rivals {
		if run.Arm != 0 && run.Arm != i+1 || chances[i+1] == 0 {
			continue
		}
		r, is, share := &f.Rivals[i], run.Arm == i+1, chances[i+1]/(chances[0]+chances[i+1])
		if run.Cost.Whole() {
			r.Cost = r.Cost.take(is, share, float64(run.Cost.CostNanos), plan.CostMore)
		}
		r.Time = r.Time.take(is, share, float64(run.Milliseconds), plan.TimeMore)
		r.Shares = r.Shares.Take(is, share)
		r.Tasks = r.Tasks.take(run.Task, is, share, value)
	}
}

// out tells which arms are.
func (f *field) out() []bool {
	out := make([]bool, len(f.Shares))
	for i, share := range f.Shares {
		out[i] = share == 0
	}
	return out
}

const (
	// allocateEvery is how many runs are counted between two allocations.
	allocateEvery = 50
	// wrongPick is the chance that a candidate is promoted as the best of several that is not, and near how much better than it another one may be.
	wrongPick = .05
	near      = .03
)

// decideField decides by what is counted, where there are several candidates: each is held to the guardrails by itself, with its part of the
// false alarms, and goes out by itself, as does one that another one is proved to be better than. What remains gets its runs by how likely it is the best. That one is promoted once it is better than
// what there is, at the level of the experiment, and no other one is more than a little better than it.
func (t *trial) decideField(now time.Time) {
	f := t.Field
	for i := range f.Rivals {
		if f.Shares[i+1] == 0 {
			continue
		}
		if f.Rivals[i].Shares.LogOther() >= -math.Log(wrongShares) {
			t.decided(now, verdict{Reason: "the arms did not get the runs that were drawn for them: some are lost on the way, so nothing can be compared"})
			return
		}
		if v := t.broken(i); v != nil {
			t.decided(now, *v)
			return
		}
	}
	if t.Proved {
		return
	}
	if v := t.behind(); v != nil {
		t.decided(now, *v)
		return
	}
	counted, fewest := t.Arms[0].Runs, int64(math.MaxInt64)
	for i, arm := range t.Arms[1:] {
		counted += arm.Runs
		if f.Shares[i+1] > 0 {
			fewest = min(fewest, arm.Runs)
		}
	}
	best, sure := t.best()
	if over := counted >= t.Plan.MaxRuns; best > 0 && f.Allocated && (sure || over) {
		v := verdict{Promote: true, Arm: events.Candidate(best - 1)}
		v.Proof = t.testedArm(best, 0, "runs of "+v.Arm+" succeed no more often", f.Race.LogBeats(best, 0), t.neededOf())
		t.decided(now, v)
		return
	} else if over {
		t.decided(now, verdict{Expire: true, Reason: fmt.Sprintf("%d runs showed nothing that is sure", t.Plan.MaxRuns), Proof: t.proof()})
		return
	}
	if fewest >= t.Plan.CanaryRuns && counted >= f.Counted+allocateEvery || fewest >= t.Plan.CanaryRuns && !f.Allocated {
		f.Counted = counted
		if shares := t.allocation(); !slices.Equal(shares, f.Shares) || !f.Allocated {
			t.decided(now, verdict{Shares: shares, Proof: t.proof()})
		}
	}
}

// neededOf is what proves that one of several candidates is better than what there is.
func (t *trial) neededOf() float64 { return math.Log(float64(len(t.Field.Rivals)) / t.Level) }

// best is the candidate that is proved to be better than what there is and does best of those, 0 where there is none. It is sure where no other
// one is more than a little better.
func (t *trial) best() (best int, sure bool) {
	f, out := t.Field, t.Field.out()
	worse := slices.Clone(out)
	for arm := range worse {
		worse[arm] = worse[arm] || arm == 0 || f.Race.LogBeats(arm, 0) < t.neededOf()
	}
	if !slices.Contains(worse, false) {
		return 0, false
	}
	best = f.Race.Leader(worse)
	for other := 1; other < len(out); other++ {
		if other == best || out[other] || f.Race.LogBeats(best, other) >= f.Race.Wins(wrongPick) {
			continue
		}
		if _, i := f.Race.Difference(other, best, 1-wrongPick/float64(len(out)-1)); i.High > near {
			return best, false
		}
	}
	return best, true
}

// broken is what follows where a candidate has broken a guardrail: it goes out, and with the last one the experiment ends.
func (t *trial) broken(i int) *verdict {
	f, r, arm := t.Field, t.Field.Rivals[i], events.Candidate(i)
	alarms := float64(t.Plan.FalseAlarms) / 1000 / float64(len(f.Rivals))
	flips := r.Tasks.flips(alarms / 10)
	for _, g := range []wall{
		{"success", "runs of " + arm + " succeed no less often", "its runs succeed less often", f.Race.LogBeats(0, i+1), -math.Log(alarms / 2)},
		{"cost", fmt.Sprintf("a run of %s costs at most %d%% more", arm, t.Plan.CostMore/10), "its runs cost more than they may", r.Cost.Bets.LogBetter(), -math.Log(alarms / 5)},
		{"time", fmt.Sprintf("a run of %s takes at most %d%% longer", arm, t.Plan.TimeMore/10), "its runs take longer than they may", r.Time.Bets.LogBetter(), -math.Log(alarms / 5)},
		flipped(flips, t.Plan.Flips, "runs of "+arm+" succeed no less often at any task"),
	} {
		if g.guardrail == "" || g.logE < g.needed {
			continue
		}
		v := &verdict{Guardrail: g.guardrail, Reason: g.reason, Proof: t.testedArm(i+1, 0, g.statistic, g.logE, g.needed)}
		v.Proof.Flips = flips
		if shares := f.without(i); slices.ContainsFunc(shares[1:], func(share int) bool { return share > 0 }) {
			v.Drop, v.Shares = arm, shares
		}
		return v
	}
	return nil
}

// without are the shares once a candidate is out: what it had is the control's.
func (f *field) without(i int) []int {
	shares := slices.Clone(f.Shares)
	shares[0], shares[i+1] = shares[0]+shares[i+1], 0
	return shares
}

// behind is what follows where a candidate is proved to be worse than another one: it goes out, and the others get its runs. That costs no
// chance of being wrong that the promotion does not count already: both go by the same bets.
func (t *trial) behind() *verdict {
	f, out := t.Field, t.Field.out()
	out[0] = true // what there is is held against each by itself
	needed := max(f.Race.Wins(wrongPick), -math.Log(float64(t.Plan.FalseAlarms)/1000))
	arm, by := f.Race.Beaten(out, needed)
	if arm < 0 {
		return nil
	}
	name, other := events.Candidate(arm-1), events.Candidate(by-1)
	return &verdict{
		Drop: name, Shares: f.without(arm - 1), Reason: "its runs succeed less often than those of " + other,
		Proof: t.testedArm(arm, by, fmt.Sprintf("runs of %s succeed no less often than those of %s", name, other), f.Race.LogBeats(by, arm), needed),
	}
}

// allocation are the shares of the arms in what comes next, in permille. Together the candidates get no more than they may.
func (t *trial) allocation() []int {
	f, out := t.Field, t.Field.out()
	chances := f.Race.TopTwo(out, floorShare)
	if tried, most := 1-chances[0], float64(t.MaxShare)/1000; tried > most {
		// All of them give up in proportion to what they have beyond the least chance.
		least := 0.0
		for i := 1; i < len(chances); i++ {
			if !out[i] {
				least += floorShare
			}
		}
		keep := (most - least) / (tried - least)
		for i := 1; i < len(chances); i++ {
			if !out[i] {
				chances[i] = floorShare + (chances[i]-floorShare)*keep
			}
		}
	}
	shares, sum := make([]int, len(chances)), 0
	for i := 1; i < len(chances); i++ {
		if !out[i] {
			shares[i] = max(int(math.Floor(chances[i]*1000)), floorPermille)
		}
		sum += shares[i]
	}
	shares[0] = 1000 - sum
	return shares
}

// floorPermille is the least chance of an arm.
const (
	floorPermille = 50
	floorShare    = float64(floorPermille) / 1000
)

// testedArm is the proof of what a test of an arm against another one found.
func (t *trial) testedArm(arm, other int, statistic string, logE, needed float64) events.Proof {
	p := t.tested(statistic, logE, needed)
	d, i := t.Field.Race.Difference(arm, other, p.Confidence)
	p.Difference, p.Low, p.High = stats.Round(d), stats.Round(i.Low), stats.Round(i.High)
	return p
}

// ahead is how much more the best of the candidates that are in gives than what there is.
func (f *field) ahead(confidence float64) (float64, stats.Interval) {
	out := f.out()
	if out[0] = true; !slices.Contains(out, false) {
		return 0, stats.Interval{Low: -1, High: 1}
	}
	return f.Race.Difference(f.Race.Leader(out), 0, confidence)
}
