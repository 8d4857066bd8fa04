package evals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// Item is a run that is asked again, and what its answer is held to.
type Item struct {
	Recording
	Checks []events.Check
}

// Forgotten tells that somebody is forgotten whose words the run, or what its answer is held to, was in: nothing can be asked then.
func (i Item) Forgotten() bool {
	return i.Answer == events.Erased || slices.ContainsFunc(i.Checks, func(c events.Check) bool { return c.Text == events.Erased }) ||
		slices.ContainsFunc(i.Asked, func(m events.Message) bool { return m.Content == events.Erased })
}

// Asker asks an agent of a configuration. Its runner's tools are those of the configuration: they are described to the model
// and never called, but for the one that loads its skills.
type Asker struct {
	Runner agents.Runner
	Config events.AgentConfig
	// Aside sets aside in budgets what a call can take, before it is made, and settles what it took. An error of it ends the eval. Nil sets nothing
	// aside.
	Aside func(ctx context.Context, runner agents.Runner, config events.AgentConfig, conversation []events.Message) (settle func(agents.Turn, error) error, err error)
	// Shown is what the runs say that are its examples.
	Shown []events.Message
	// Turns bounds how often a run goes to its model. Default 16.
	Turns int
}

// Attempt is what came of asking a run again.
type Attempt struct {
	Answer string `json:"answer"`
	// Failed are the checks that it does not pass; Error is why there is no answer.
	Failed []string `json:"failed,omitempty"`
	Error  string   `json:"error,omitempty"`
	Called []string `json:"called,omitempty"`
	// Missed are calls of which no result was recorded. They were not made.
	Missed    []string     `json:"missed,omitempty"`
	CostNanos events.Nanos `json:"cost_nanos"`
	Unpriced  bool         `json:"unpriced,omitempty"`
	// Judged is what judges said of it.
	Judged []Said `json:"judged,omitempty"`
	// Seconds is how long the model took: what tools gave back was known.
	Seconds float64 `json:"seconds"`
}

// Passed tells that it passed every check.
func (a Attempt) Passed() bool { return a.Error == "" && len(a.Failed) == 0 }

// Compared is a run with what came of it, Against being nil where nothing is compared.
type Compared struct {
	Run     string   `json:"run"`
	With    Attempt  `json:"with"`
	Against *Attempt `json:"against,omitempty"`
}

// atATime is how many runs are under way at a time.
const atATime = 8

// Eval asks every run again, of both where there are two. told hears of each that has ended; it is called concurrently.
func Eval(ctx context.Context, items []Item, with Asker, against *Asker, told func()) ([]Compared, error) {
	out := make([]Compared, len(items))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atATime)
	for i, item := range items {
		group.Go(func() (err error) {
			out[i].Run = item.Run
			if out[i].With, err = with.ask(ctx, item); err != nil {
				return err
			}
			if against != nil {
				other, err := against.ask(ctx, item)
				if err != nil {
					return err
				}
				out[i].Against = &other
			}
			told()
			return nil
		})
	}
	return out, group.Wait()
}

// ask asks a run again. A model that does not answer is an answer that fails; it is an error where ctx is done.
func (k Asker) ask(ctx context.Context, item Item) (Attempt, error) {
	var a Attempt
	runner, next := k.Runner, map[string]int{}
	described := k.Runner.Tools.All()
	for i := range described {
		tool := described[i].Name
		if tool == events.LoadSkill { // its text is a part of what is evaluated
			continue
		}
		described[i].Call = func(_ context.Context, c agents.Call) (string, error) {
			key := keyOf(tool, c.Arguments)
			a.Called, next[key] = append(a.Called, tool), next[key]+1
			if n := next[key]; n <= len(item.results[key]) {
				return item.results[key][n-1], nil
			}
			a.Missed = append(a.Missed, fmt.Sprintf("%s(%s), call %d", tool, strings.TrimSpace(string(c.Arguments)), next[key]))
			return "", errors.New("no result of this call was recorded")
		}
	}
	runner.Tools = agents.NewTools(described...)
	conversation := agents.Instructed(k.Config, slices.Concat(k.Shown, item.Asked)...)
	repaired := false
	turns := k.Turns
	if turns == 0 {
		turns = 16
	}
	for range turns {
		turn, err := k.turn(ctx, runner, conversation)
		if ctx.Err() != nil {
			return a, ctx.Err()
		}
		if errors.Is(err, errAside) {
			return a, err
		}
		if err != nil {
			a.Error = err.Error()
			return a, nil
		}
		a.CostNanos, a.Seconds = events.Add(a.CostNanos, turn.Answer.CostNanos), a.Seconds+turn.Answer.Latency.Seconds()
		a.Unpriced = a.Unpriced || !turn.Answer.Priced && !turn.Answer.Scripted
		conversation = append(conversation[:len(conversation):len(conversation)], turn.Answer.Message)
		switch {
		case turn.Invalid != "" && repaired:
			a.Error = agents.Unrepaired(turn.Invalid)
			return a, nil
		case turn.Invalid != "":
			repaired = true
			conversation = append(conversation, agents.Repair(turn.Invalid))
			continue
		}
		if len(turn.Calls) == 0 {
			a.Answer = turn.Answer.Message.Content
			if wrong := turn.Ending.Failure(); wrong != nil {
				a.Error = wrong.Error()
				return a, nil
			}
			for _, c := range item.Checks {
				if why := fails(c, item.Recording, a); why != "" {
					a.Failed = append(a.Failed, why)
				}
			}
			return a, nil
		}
		for _, call := range turn.Calls {
			conversation = append(conversation, runner.Perform(ctx, k.Config, call, "").Message)
		}
	}
	a.Error = fmt.Sprintf("it has no answer after %d turns", turns)
	return a, nil
}

// errAside tells that budgets let a call not be made, or could not be told what it took.
var errAside = errors.New("it is asked no further")

// turn asks the model once, within budgets.
func (k Asker) turn(ctx context.Context, runner agents.Runner, conversation []events.Message) (agents.Turn, error) {
	if k.Aside == nil {
		return runner.Turn(ctx, k.Config, conversation, nil)
	}
	settle, err := k.Aside(ctx, runner, k.Config, conversation)
	if err != nil {
		return agents.Turn{}, fmt.Errorf("%w: %w", errAside, err)
	}
	turn, err := runner.Turn(ctx, k.Config, conversation, nil)
	if serr := settle(turn, err); serr != nil {
		return turn, fmt.Errorf("%w: %w", errAside, serr)
	}
	return turn, err
}

// Verdict is what an eval comes to.
type Verdict struct {
	Runs   int64 `json:"runs"`
	Passed int64 `json:"passed"`
	// Rate is the share that passed, with its interval.
	Rate     float64        `json:"rate"`
	Interval stats.Interval `json:"interval"`
	// Paired compares with another version on the same runs, nil where nothing is compared.
	Paired *Paired `json:"paired,omitempty"`
	// Missed counts calls of which no result was recorded.
	Missed    int64        `json:"missed"`
	CostNanos events.Nanos `json:"cost_nanos"`
	Unpriced  bool         `json:"unpriced,omitempty"`
}

// Paired is what differs on the same runs.
type Paired struct {
	Passed int64 `json:"passed"`
	// Gained are the runs that pass only now, Lost those that passed and fail now.
	Gained []string `json:"gained"`
	Lost   []string `json:"lost"`
	// Difference is that of the shares that passed, with its interval.
	Difference float64        `json:"difference"`
	Interval   stats.Interval `json:"interval"`
}

// confidence is that of every interval here.
const confidence = .95

// Sum sums up what came of an eval.
func Sum(all []Compared) Verdict {
	v := Verdict{Runs: int64(len(all))}
	var p Paired
	p.Gained, p.Lost = []string{}, []string{}
	paired := false
	for _, c := range all {
		now := c.With.Passed()
		if now {
			v.Passed++
		}
		v.take(c.With)
		if c.Against == nil {
			continue
		}
		v.take(*c.Against)
		paired = true
		switch before := c.Against.Passed(); {
		case now && !before:
			p.Gained = append(p.Gained, c.Run)
		case before && !now:
			p.Lost = append(p.Lost, c.Run)
		}
		if c.Against.Passed() {
			p.Passed++
		}
	}
	v.Interval = stats.Wilson(v.Passed, v.Runs, confidence)
	v.Rate = float64(v.Passed) / float64(max(v.Runs, 1))
	if paired {
		p.Difference, p.Interval = stats.PairedDifference(int64(len(p.Gained)), int64(len(p.Lost)), v.Runs, confidence)
		v.Paired = &p
	}
	return v
}

func (v *Verdict) take(a Attempt) {
	v.Missed += int64(len(a.Missed))
	v.CostNanos, v.Unpriced = events.Add(v.CostNanos, a.CostNanos), v.Unpriced || a.Unpriced
}

// Exported is an item as it leaves the program.
type Exported struct {
	Run    string           `json:"run"`
	Asked  []events.Message `json:"messages"`
	Answer string           `json:"answer,omitempty"`
	Called []string         `json:"called,omitempty"`
	Checks []events.Check   `json:"checks"`
}

// Export is an item as a line of JSON.
func (i Item) Export() ([]byte, error) {
	return json.Marshal(Exported{i.Run, i.Asked, i.Answer, i.Called, i.Checks})
}

// Counts counts what the answers were held to, and what passed.
func Counts(items []Item, all []Compared) []events.CheckCount {
	var counts []events.CheckCount
	for _, kind := range events.CheckKinds() {
		n := events.CheckCount{Kind: kind}
		for i, item := range items {
			for _, c := range item.Checks {
				if c.Kind != kind {
					continue
				}
				if n.Held++; all[i].With.passes(c) {
					n.Passed++
				}
			}
		}
		if n.Held > 0 {
			counts = append(counts, n)
		}
	}
	return counts
}

// passes tells whether an attempt passed one of its checks.
func (a Attempt) passes(c events.Check) bool {
	if a.Error != "" {
		return false
	}
	if c.Kind == events.JudgeCheck {
		return slices.ContainsFunc(a.Judged, func(s Said) bool { return s.Criterion == c.Text && s.Good })
	}
	return !slices.ContainsFunc(a.Failed, func(why string) bool { return strings.HasPrefix(why, string(c.Kind)+":") })
}
