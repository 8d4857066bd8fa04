package managers

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

const (
	// keptWithin is the time within which a run counts as a success.
	keptWithin = 30 * time.Minute
	// keptUnits bounds how many conversations are remembered: the first run of each counts.
	keptUnits = 20_000
)

// keepingState are the agents of a workspace that improvements have changed.
type keepingState struct {
	Workspace string           `json:"workspace,omitempty"`
	Agents    map[string]*kept `json:"agents,omitempty"`
	// Paused tells that no step is taken.
	Paused bool `json:"paused,omitempty"`
}

// kept is what an agent's runs came to since improvements changed it: Arms are those that stay on it as a person made it, and the others.
type kept struct {
	Waiting []drawnRun      `json:"waiting,omitempty"`
	Seen    units           `json:"seen"`
	Worse   stats.Worsening `json:"worse"`
	// From is where something began to speak for it doing worse, To what was counted last, Arms what came since From.
	From    uint64             `json:"from,omitempty"`
	To      uint64             `json:"to,omitempty"`
	Arms    [2]events.ArmCount `json:"arms"`
	Verdict *keptVerdict       `json:"verdict,omitempty"`
}

// keptVerdict is that the agent is to be taken back.
type keptVerdict struct {
	Cause uuid.UUID    `json:"cause"`
	At    time.Time    `json:"at"`
	Proof events.Proof `json:"proof"`
}

// keeping takes agents back to what a person made where improvements that were kept for all turn out to do harm later: because the work has become another,
// or since a fix does not hold any more. It goes by the runs that stay on the agent as it was, at the same time and on the same work.
func keeping() Manager[keepingState] {
	return Manager[keepingState]{
		Name: "keeping", Version: 1, Key: func(e *events.Envelope) string { return e.Workspace }, Opens: []string{"agent.configured", "loop.paused"},
		Follows: []string{"agent.retired", "run.assigned", "run.finished", "run.failed", "run.cancelled", "verdict.given", "loop.resumed"},
		Evolve:  evolveKeeping,
		Wants:   wantsOfKeeping,
		// Whether it is paused counts for the next one.
		Over: func(s keepingState) bool { return len(s.Agents) == 0 && !s.Paused },
	}
}

func evolveKeeping(s keepingState, e *events.Envelope, fact events.Event) keepingState {
	s.Workspace = e.Workspace
	name := events.Identity(e.Stream)
	switch f := fact.(type) {
	case events.LoopPaused:
		s.Paused = true
	case events.LoopResumed:
		s.Paused = false
	case events.AgentConfigured:
		// What it was compared with is another one, or none.
		delete(s.Agents, name)
		if f.Improvement != "" {
			if s.Agents == nil {
				s.Agents = map[string]*kept{}
			}
			s.Agents[name] = &kept{Seen: units{}, Arms: newKeptArms()}
		}
	case events.AgentRetired:
		delete(s.Agents, name)
	case events.RunAssigned:
		s.draw(e, f)
	case events.RunFinished:
		s.ended(e, name, f.Outcome)
	case events.RunFailed:
		s.ended(e, name, events.Failed)
	case events.RunCancelled:
		s.ended(e, name, events.Cancelled)
	case events.VerdictGiven:
		for _, k := range s.Agents {
			if i := k.waits(f.Run); i >= 0 {
				k.Waiting[i].judge(f)
			}
		}
	}
	return s
}

func newKeptArms() [2]events.ArmCount {
	return [2]events.ArmCount{{Arm: events.FrozenArm}, {Arm: events.CurrentArm}}
}

// draw takes a run in, but for one that tries something else besides.
func (s keepingState) draw(e *events.Envelope, f events.RunAssigned) {
	k := s.Agents[f.Agent]
	i := slices.IndexFunc(f.Arms, func(a events.Arm) bool { return a.Experiment == events.Holdback(f.Agent) })
	if k == nil || i < 0 || slices.ContainsFunc(f.Arms, events.Arm.Tried) {
		return
	}
	arm := f.Arms[i]
	if arm.Permille < 1 || arm.Permille > 999 || !k.Seen.take(arm.Unit) {
		return
	}
	if len(k.Seen) > keptUnits {
		k.Seen = units{}
	}
	run := drawnRun{Run: events.Identity(e.Stream), Shares: []int{arm.Permille, 1000 - arm.Permille}, At: e.OccurredAt}
	if arm.Arm == events.CurrentArm {
		run.Arm = 1
		slices.Reverse(run.Shares)
	}
	k.Waiting = append(k.Waiting, run)
}

func (k *kept) waits(run string) int {
	return slices.IndexFunc(k.Waiting, func(r drawnRun) bool { return r.Run == run })
}

func (s keepingState) ended(e *events.Envelope, run string, outcome events.Outcome) {
	for _, agent := range slices.Sorted(maps.Keys(s.Agents)) {
		k := s.Agents[agent]
		if i := k.waits(run); i >= 0 {
			r := &k.Waiting[i]
			r.Outcome, r.Ended, r.Milliseconds = outcome, e.OccurredAt, max(e.OccurredAt.Sub(r.At).Milliseconds(), 0)
			k.To = e.Position
			k.count(e)
			return
		}
	}
}

// count counts runs in the order in which they were drawn: a run waits until all that were drawn before it have ended, or took too long.
func (k *kept) count(e *events.Envelope) {
	for len(k.Waiting) > 0 && k.Verdict == nil {
		run := k.Waiting[0]
		if run.Outcome == "" && e.OccurredAt.Sub(run.At) <= keptWithin {
			return
		}
		k.Waiting = k.Waiting[1:]
		result, judged := run.result()
		if result == events.Cancelled || result == events.Unrated {
			continue
		}
		arm := &k.Arms[run.Arm]
		arm.Runs++
		value := 0.
		if result == events.Succeeded && time.Duration(run.Milliseconds)*time.Millisecond <= keptWithin {
			arm.Succeeded++
			value = 1
		}
		if judged {
			arm.Judged++
		}
		if k.From == 0 {
			k.From = e.Position
		}
		k.Worse = k.Worse.Take(run.Arm == 1, float64(run.Shares[1])/1000, value)
		switch level := k.Worse.LogLevel(); {
		case level >= math.Log(events.TakenBackAt):
			k.Verdict = &keptVerdict{Cause: e.ID, At: e.OccurredAt, Proof: k.proof(level)}
		case k.Worse.Calm():
			k.From, k.Arms = 0, newKeptArms()
		}
	}
}

func (k *kept) proof(level float64) events.Proof {
	const confidence = .95
	d, i := k.Worse.Bets.Difference(confidence)
	return events.Proof{
		From: k.From, To: max(k.To, k.From), Arms: k.Arms[:], Statistic: "the agent does no worse than as a person made it", LogE: math.Ceil(level*1e6) / 1e6,
		Needed: stats.Round(math.Log(events.TakenBackAt)), Difference: stats.Round(d), Low: stats.Round(i.Low), High: stats.Round(i.High), Confidence: confidence,
	}
}

func wantsOfKeeping(s keepingState) (wants []Want) {
	if s.Paused {
		return nil
	}
	for _, agent := range slices.Sorted(maps.Keys(s.Agents)) {
		v := s.Agents[agent].Verdict
		if v == nil {
			continue
		}
		frozen, current := v.Proof.Arms[0], v.Proof.Arms[1]
		c := commands.RestoreAgent{
			Meta: meta("keeping", v.Cause, 9, v.At, s.Workspace, ""), Agent: agent, Made: true, Proof: &v.Proof,
			Reason: fmt.Sprintf("as improvements have made it, it does worse by now than as a person made it: %d of %d runs succeed, and %d of %d of those that stayed on that",
				current.Succeeded, current.Runs, frozen.Succeeded, frozen.Runs),
		}
		wants = append(wants, Want{ID: c.ID, Command: c})
	}
	return wants
}
