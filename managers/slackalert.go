package managers

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// SlackAlert is the work of telling in Slack that something goes wrong: once an episode, whose message is changed when it is over.
type SlackAlert struct {
	SlackCard
	// Agent does worse, as the latest of its runs tell beside those before.
	Agent  string `json:"agent,omitempty"`
	Latest Tally  `json:"latest,omitzero"`
	Before Tally  `json:"before,omitzero"`
	// Budget has reached Percent of its limit.
	Budget  string `json:"budget,omitempty"`
	Percent int    `json:"percent,omitempty"`
	// Position is that of the fact which tells it.
	Position uint64 `json:"position,omitempty"`
}

// Kind implements Work.
func (SlackAlert) Kind() string { return "slack.alert" }

// Tally counts runs, and those of them that succeeded.
type Tally struct {
	Runs int64 `json:"runs"`
	Good int64 `json:"good"`
}

// What an alert is shown as.
const (
	Degraded  = "degraded"
	Recovered = "recovered"
)

const (
	// watchLatest is how many of an agent's latest runs are held beside those before, watchBefore the least number of those.
	watchLatest = 30
	watchBefore = 50
	// watchFalse is of how many agents that stay as they are for ever one at most is told to do worse.
	watchFalse = 20
	// watchOver is how sure it may still be when the episode is over: it is over when nothing speaks for it.
	watchOver = .5
)

// watched is how the runs of an agent went.
type watched struct {
	// Latest are the latest ones, "1" for each that succeeded and "0" for each that failed, the oldest first. Before are those before,
	// which an episode leaves as they were when it began.
	Latest string `json:"latest,omitempty"`
	Before Tally  `json:"before"`
	// Episode is that in which it does worse.
	Episode *slackAlert `json:"episode,omitempty"`
}

type slackAlert struct {
	slackCard
	Alert SlackAlert `json:"alert"`
}

func (a *slackAlert) want() []Want {
	if a.done() {
		return nil
	}
	work := a.Alert
	work.SlackCard = a.SlackCard
	return []Want{{ID: a.wantID(), Work: work}}
}

type slackWatchState struct {
	Workspace string `json:"workspace,omitempty"`
	// Running are the agents of the runs under way.
	Running map[string]string   `json:"running,omitempty"`
	Agents  map[string]*watched `json:"agents,omitempty"`
}

// slackWatch has it told that an agent does worse than it did, once an episode.
func slackWatch() Manager[slackWatchState] {
	return Manager[slackWatchState]{
		Name: "slack_watch", Version: 2, Opens: []string{"run.assigned"}, Follows: []string{"run.finished", "run.failed", "run.cancelled", "slack.posted"},
		Key: func(e *events.Envelope) string { return e.Workspace },
		Evolve: func(s slackWatchState, e *events.Envelope, fact events.Event) slackWatchState {
			s.Workspace = e.Workspace
			if s.Running == nil {
				s.Running = map[string]string{}
			}
			if s.Agents == nil {
				s.Agents = map[string]*watched{}
			}
			run := events.Identity(e.Stream)
			switch f := fact.(type) {
			case events.RunAssigned:
				s.Running[run] = f.Agent
			case events.RunFinished:
				s.ended(e, run, f.Outcome)
			case events.RunFailed:
				s.ended(e, run, events.Failed)
			case events.RunCancelled:
				delete(s.Running, run)
			case events.SlackPosted:
				for _, w := range s.Agents {
					w.posted(f)
				}
			}
			return s
		},
		Wants: func(s slackWatchState) (wants []Want) {
			for _, agent := range slices.Sorted(maps.Keys(s.Agents)) {
				if episode := s.Agents[agent].Episode; episode != nil {
					wants = append(wants, episode.want()...)
				}
			}
			return wants
		},
		Over: func(slackWatchState) bool { return false },
	}
}

func (w *watched) posted(f events.SlackPosted) {
	if w.Episode == nil || f.Post != w.Episode.Of && !strings.HasPrefix(f.Post, w.Episode.Of+"/") {
		return
	}
	if w.Episode.posted(f); w.Episode.done() && w.Episode.As == Recovered {
		w.Episode = nil
	}
}

func (s *slackWatchState) ended(e *events.Envelope, run string, outcome events.Outcome) {
	agent, known := s.Running[run]
	delete(s.Running, run)
	if !known || outcome != events.Succeeded && outcome != events.Failed {
		return
	}
	w := s.Agents[agent]
	if w == nil {
		w = &watched{}
		s.Agents[agent] = w
	}
	w.take(outcome == events.Succeeded)
	latest, before := w.tally(), w.Before
	if latest.Runs < watchLatest || before.Runs < watchBefore {
		return
	}
	switch {
	case w.Episode == nil && fewer(latest, before):
		w.Episode = &slackAlert{Alert: SlackAlert{Agent: agent, Latest: latest, Before: before, Position: e.Position}}
		w.Episode.SlackCard = SlackCard{Workspace: s.Workspace, Of: fmt.Sprintf("alert:agent:%d", e.Position), Since: e.OccurredAt}
		w.Episode.become(Degraded, e)
	case w.Episode != nil && w.Episode.As == Degraded && !still(latest, before):
		w.Episode.Alert.Latest = latest
		if w.Episode.become(Recovered, e); w.Episode.None {
			w.Episode = nil
		}
	}
}

// fewer tells that so few of the latest runs succeed by chance too seldom, if they are as those before (Fisher's exact test, in
// whole numbers). It is asked after each run: the levels of all times add up to one in watchFalse.
func fewer(latest, before Tally) bool {
	if latest.Good*before.Runs >= before.Good*latest.Runs {
		return false
	}
	good, n := latest.Good+before.Good, latest.Runs
	bad := n + before.Runs - good
	x := max(0, n-bad)
	var all, ways, each, by big.Int
	for each.Mul(each.Binomial(good, x), by.Binomial(bad, n-x)); ; x++ {
		ways.Add(&ways, &each)
		if x == latest.Good {
			break
		}
		each.Quo(each.Mul(&each, by.SetInt64((good-x)*(n-x))), all.SetInt64((x+1)*(bad-n+x+1)))
	}
	// The level is n/((k+n)(k+n+1)) of one in watchFalse, at the look k.
	look := before.Runs - watchBefore + n
	ways.Mul(ways.Mul(&ways, by.SetInt64(look)), all.SetInt64((look+1)*watchFalse))
	return ways.Cmp(all.Mul(all.Binomial(good+bad, n), by.SetInt64(n))) <= 0
}

// still tells that the latest runs look worse than those before.
func still(latest, before Tally) bool {
	_, i := stats.Newcombe(latest.Good, latest.Runs, before.Good, before.Runs, watchOver)
	return i.High < 0
}

// take takes in how a run went.
func (w *watched) take(good bool) {
	if len(w.Latest) == watchLatest {
		if w.Episode == nil {
			w.Before.Runs++
			w.Before.Good += int64(w.Latest[0] - '0')
		}
		w.Latest = w.Latest[1:]
	}
	w.Latest += map[bool]string{true: "1", false: "0"}[good]
}

func (w *watched) tally() Tally {
	return Tally{Runs: int64(len(w.Latest)), Good: int64(strings.Count(w.Latest, "1"))}
}

// slackMark has it told that a budget has reached one of its marks, once a period.
func slackMark() Manager[slackAlert] {
	return Manager[slackAlert]{
		Name: "slack_mark", Version: 1, Opens: []string{"budget.reached"}, Follows: []string{"slack.posted"},
		Key: func(e *events.Envelope) string {
			id := events.Identity(e.Stream)
			if of, ok := strings.CutPrefix(id, markAlerts); ok && e.Kind == "slack.posted" {
				for range 2 { // the period and the mark
					of = of[:max(strings.LastIndexByte(of, ':'), 0)]
				}
				id = of
			}
			return events.StreamName("budget", e.Workspace, id)
		},
		Evolve: func(s slackAlert, e *events.Envelope, fact events.Event) slackAlert {
			switch f := fact.(type) {
			case events.BudgetReached:
				budget := events.Identity(e.Stream)
				s = slackAlert{Alert: SlackAlert{Budget: budget, Percent: f.Percent, Position: e.Position}}
				s.SlackCard = SlackCard{Workspace: e.Workspace, Of: fmt.Sprintf("%s%s:%s:%d", markAlerts, budget, f.Starting, f.Percent), Since: e.OccurredAt}
				s.become("reached", e)
			case events.SlackPosted:
				s.posted(f)
			}
			return s
		},
		Wants: func(s slackAlert) []Want { return s.want() },
		Over:  func(s slackAlert) bool { return s.done() },
	}
}

// markAlerts begin the names of the alerts of budgets.
const markAlerts = "alert:budget:"
