package managers

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// trial is an experiment that is not over, and all that its decisions rest on.
type trial struct {
	Experiment string               `json:"experiment"`
	Agent      string               `json:"agent"`
	Change     events.ChangeKind    `json:"change"`
	Config     events.AgentConfig   `json:"config"`
	Others     []events.AgentConfig `json:"others,omitempty"`
	// Book is the version of a runbook that is tried, nil where an agent is.
	Book *events.RunbookSaved `json:"book,omitempty"`
	// Spawn is the agent that is made for it, and Spawned tells that it is there.
	Spawn    *events.NewAgent      `json:"spawn,omitempty"`
	Spawned  bool                  `json:"spawned,omitempty"`
	Plan     events.ExperimentPlan `json:"plan"`
	MaxShare int                   `json:"max_share"`
	// Share is the candidate's, 0 before the start. Proved tells that it is better, and waits for a person.
	Share  int       `json:"share,omitempty"`
	Level  float64   `json:"level,omitempty"`
	Proved bool      `json:"proved,omitempty"`
	Since  time.Time `json:"since"`
	// Cause is its latest fact of its own, at At; Last the latest fact that changed anything.
	Cause uuid.UUID `json:"cause"`
	At    time.Time `json:"at"`
	Last  uuid.UUID `json:"last"`
	// From and To are the positions of what was counted.
	From uint64 `json:"from,omitempty"`
	To   uint64 `json:"to,omitempty"`
	// Waiting are the runs that were drawn and are not counted yet, in the order of their draws. A run is counted when all that
	// were drawn before it are: how long runs take can't bend what is seen of them. Seen are the units that had a run: the
	// first one of each counts.
	Waiting []drawnRun   `json:"waiting,omitempty"`
	Seen    units        `json:"seen"`
	Success stats.Bets   `json:"success"`
	Cost    guard        `json:"cost"`
	Time    guard        `json:"time"`
	Shares  stats.Shares `json:"shares"`
	// Tasks are those of the runs, in the order in which they came up.
	Tasks tasks `json:"tasks,omitempty"`
	// Field is what is known where there are several candidates, nil where there is one. Success, Cost, Time, Shares and Tasks are of one.
	Field   *field            `json:"field,omitempty"`
	Arms    []events.ArmCount `json:"arms"`
	Verdict *verdict          `json:"verdict,omitempty"`
	// expiry is what is wanted when its days are over, as of the fact expiryOf: it is wanted anew at each fact.
	expiry   *Want
	expiryOf uuid.UUID
}

// drawnRun is a run that was drawn into an arm.
type drawnRun struct {
	Run  string `json:"run"`
	Task string `json:"task,omitempty"`
	// Arm is the one that it was drawn into, the control is 0, and Shares are the chances of all arms then.
	Arm    int       `json:"arm,omitempty"`
	Shares []int     `json:"shares"`
	At     time.Time `json:"at"`
	// Outcome is empty while it goes on.
	Outcome events.Outcome `json:"outcome,omitempty"`
	Ended   time.Time      `json:"ended,omitzero"`
	// Verdicts are the latest by each origin.
	Verdicts     map[events.VerdictOrigin]events.Outcome `json:"verdicts,omitempty"`
	Cost         events.Cost                             `json:"cost,omitzero"`
	Milliseconds int64                                   `json:"milliseconds,omitempty"`
}

// judge takes a verdict in; unrated takes back what was said before.
func (r *drawnRun) judge(v events.VerdictGiven) {
	r.Verdicts = maps.Clone(r.Verdicts)
	if v.Verdict == events.Unrated {
		delete(r.Verdicts, v.From)
		return
	}
	if r.Verdicts == nil {
		r.Verdicts = map[events.VerdictOrigin]events.Outcome{}
	}
	r.Verdicts[v.From] = v.Verdict
}

// result is how the run counts: by its verdict where it has one, else by how it ended.
func (r *drawnRun) result() (result events.Outcome, judged bool) {
	for _, from := range []events.VerdictOrigin{events.ByPerson, events.BySource, events.ByRule} {
		if v, ok := r.Verdicts[from]; ok {
			return v, true
		}
	}
	return r.Outcome, false
}

// subject is what an experiment is about: an agent or a runbook. What one is tried of stands in a line.
type subject struct{ Agent, Runbook string }

func (t *trial) subject() subject { return subject{t.Agent, t.runbook()} }

// runbook is the one that is tried, empty where an agent is.
func (t *trial) runbook() string {
	if t.Book == nil {
		return ""
	}
	return t.Book.Runbook
}

// Started tells that it has its share of the runs.
func (t *trial) Started() bool { return t.Share > 0 }

// draw takes a run in. What another experiment's share was, or what is no arm of this one, is none of it.
func (t *trial) draw(e *events.Envelope, arm events.Arm, task string) {
	i := slices.IndexFunc(t.Arms, func(a events.ArmCount) bool { return a.Arm == arm.Arm })
	if !t.Started() || i < 0 || !t.Seen.take(arm.Unit) {
		return
	}
	shares := arm.Shares
	if t.Field == nil {
		shares = []int{1000 - arm.Permille, arm.Permille}
		if i == 0 {
			slices.Reverse(shares)
		}
	}
	if len(shares) != len(t.Arms) || shares[i] < 1 || shares[i] > 999 {
		return
	}
	if t.From == 0 {
		t.From = e.Position
	}
	t.To = e.Position
	t.Waiting = append(t.Waiting, drawnRun{Run: events.Identity(e.Stream), Task: task, Arm: i, Shares: shares, At: e.OccurredAt})
}

// count counts the runs that have ended and need no longer wait for a verdict, or that have taken too long to be called a
// success, and decides after each.
func (t *trial) count(now time.Time) {
	within, verdictWithin := time.Duration(t.Plan.Within)*time.Second, time.Duration(t.Plan.JudgedWithin)*time.Second
	for len(t.Waiting) > 0 && t.Verdict == nil {
		run := t.Waiting[0]
		_, judged := run.result()
		switch {
		case run.Outcome == "" && now.Sub(run.At) <= within:
			return
		case run.Outcome != "" && !judged && now.Sub(run.Ended) < verdictWithin:
			return
		}
		t.Waiting = t.Waiting[1:]
		t.take(run, run.Outcome != "" && time.Duration(run.Milliseconds)*time.Millisecond <= within)
		t.decide(now)
	}
}

func (t *trial) take(run drawnRun, inTime bool) {
	arm := &t.Arms[run.Arm]
	arm.Runs++
	spent := arm.Cost().Plus(run.Cost)
	arm.CostNanos, arm.UnpricedCalls = spent.CostNanos, spent.UnpricedCalls
	arm.Milliseconds += run.Milliseconds
	result, judged := run.result()
	if judged {
		arm.Judged++
	}
	if result == events.Cancelled || result == events.Unrated {
		arm.Unrated++
		return
	}
	value := 0.
	if result == events.Succeeded && inTime {
		arm.Succeeded++
		value = 1
	}
	if t.Field != nil {
		t.Field.take(run, value, t.Plan)
		return
	}
	candidate, share := run.Arm == 1, float64(run.Shares[1])/1000
	t.Success = t.Success.Take(candidate, share, value)
	if run.Cost.Whole() { // else nobody knows how much it was, and it is not nothing
		t.Cost = t.Cost.take(candidate, share, float64(run.Cost.CostNanos), t.Plan.CostMore)
	}
	t.Time = t.Time.take(candidate, share, float64(run.Milliseconds), t.Plan.TimeMore)
	t.Shares = t.Shares.Take(candidate, share)
	t.Tasks = t.Tasks.take(run.Task, candidate, share, value)
}

// wrongShares is the chance that an experiment is stopped for its shares where they are right.
const wrongShares = .001

// decide decides by what is counted. The false alarms are shared: half for success, a fifth each for cost and time, and the rest for
// single tasks.
func (t *trial) decide(now time.Time) {
	if t.Field != nil {
		t.decideField(now)
		return
	}
	alarms := float64(t.Plan.FalseAlarms) / 1000
	for _, g := range []wall{
		{"success", "runs of the candidate succeed no less often", "its runs succeed less often", t.Success.LogWorse(), -math.Log(alarms / 2)},
		{"cost", fmt.Sprintf("a run of the candidate costs at most %d%% more", t.Plan.CostMore/10), "its runs cost more than they may", t.Cost.Bets.LogBetter(), -math.Log(alarms / 5)},
		{"time", fmt.Sprintf("a run of the candidate takes at most %d%% longer", t.Plan.TimeMore/10), "its runs take longer than they may", t.Time.Bets.LogBetter(), -math.Log(alarms / 5)},
		flipped(t.Tasks.flips(alarms/10), t.Plan.Flips, "runs of the candidate succeed no less often at any task"),
	} {
		if g.guardrail != "" && g.logE >= g.needed {
			t.decided(now, verdict{Guardrail: g.guardrail, Reason: g.reason, Proof: t.tested(g.statistic, g.logE, g.needed)})
			return
		}
	}
	better, needed := t.Success.LogBetter(), -math.Log(t.Level)
	switch share := t.next(); {
	case t.Shares.LogOther() >= -math.Log(wrongShares):
		t.decided(now, verdict{Reason: "the arms did not get the runs that were drawn for them: some are lost on the way, so nothing can be compared"})
	case t.Proved:
	case share == 0 && better >= needed:
		t.decided(now, verdict{Promote: true, Proof: t.tested("runs of the candidate succeed no more often", better, needed)})
	case share > 0 && t.Arms[1].Runs >= t.Plan.CanaryRuns:
		t.decided(now, verdict{Share: share, Proof: t.proof()})
	case t.Arms[0].Runs+t.Arms[1].Runs >= t.Plan.MaxRuns:
		t.decided(now, verdict{Expire: true, Reason: fmt.Sprintf("%d runs showed nothing that is sure", t.Plan.MaxRuns), Proof: t.proof()})
	}
}

func (t *trial) decided(now time.Time, v verdict) {
	// One fact may end several.
	v.ID, v.Cause, v.At = events.NameID(now, "verdict on "+t.Experiment+" at "+t.Last.String()), t.Last, now
	t.Verdict = &v
}

// stop ends it without a verdict.
func (t *trial) stop(e *events.Envelope, reason string) {
	t.Last = e.ID
	t.decided(e.OccurredAt, verdict{Reason: reason})
}

// tested is the proof of what a test found.
func (t *trial) tested(statistic string, logE, needed float64) events.Proof {
	p := t.proof()
	// Rounded up, so that it proves no less.
	p.Statistic, p.LogE, p.Needed = statistic, math.Ceil(logE*1e6)/1e6, stats.Round(needed)
	return p
}

func (t *trial) proof() events.Proof {
	const confidence = .95
	d, i := t.Success.Difference(confidence)
	if t.Field != nil {
		d, i = t.Field.ahead(confidence)
	}
	return events.Proof{
		From: t.From, To: max(t.To, t.From, 1), Arms: slices.Clone(t.Arms), Difference: stats.Round(d), Low: stats.Round(i.Low), High: stats.Round(i.High),
		Confidence: confidence, Flips: t.Tasks.flips(float64(t.Plan.FalseAlarms) / 10_000),
	}
}

// guard tests whether what runs take grew by more than it may. The first runs that take something tell how much is much.
type guard struct {
	First int        `json:"first,omitempty"`
	Sum   float64    `json:"sum,omitempty"`
	Bets  stats.Bets `json:"bets"`
}

const (
	// firstRuns is how many runs tell the scale, and much how many times their mean counts as no more than that.
	firstRuns = 20
	much      = 5
)

func (g guard) take(candidate bool, share, amount float64, more int) guard {
	if g.First < firstRuns {
		if amount > 0 { // what takes nothing has no scale
			g.First++
			g.Sum += amount
		}
		return g
	}
	if !candidate {
		amount *= 1 + float64(more)/1000
	}
	g.Bets = g.Bets.Take(candidate, share, min(1, amount*float64(g.First)/(much*g.Sum)))
	return g
}

// units are the conversations or requesters that had a run, by 32 bits of a hash: two of 10,000 that look the same cost one
// run that is not counted. As JSON they are packed.
type units map[uint32]struct{}

// take takes a unit, and tells whether it is new.
func (u units) take(unit string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(unit)) // it never fails
	if _, known := u[h.Sum32()]; known {
		return false
	}
	u[h.Sum32()] = struct{}{}
	return true
}

// MarshalJSON packs them, four bytes each, ascending.
func (u units) MarshalJSON() ([]byte, error) {
	packed := make([]byte, 0, 4*len(u))
	for _, h := range slices.Sorted(maps.Keys(u)) {
		packed = binary.BigEndian.AppendUint32(packed, h)
	}
	return json.Marshal(packed)
}

// UnmarshalJSON unpacks them.
func (u *units) UnmarshalJSON(data []byte) error {
	var packed []byte
	if err := json.Unmarshal(data, &packed); err != nil {
		return fmt.Errorf("units: %w", err)
	}
	*u = make(units, len(packed)/4)
	for ; len(packed) >= 4; packed = packed[4:] {
		(*u)[binary.BigEndian.Uint32(packed)] = struct{}{}
	}
	return nil
}
