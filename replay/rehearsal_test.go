package replay_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

// day is the day on which the histories here begin; its times are written as "15:04", those of the next day as
// "1 15:04".
var day = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func on(clock string) time.Time {
	days := 0
	if d, rest, ok := strings.Cut(clock, " "); ok {
		days, clock = int(d[0]-'0'), rest
	}
	at, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err)
	}
	return day.AddDate(0, 0, days).Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)
}

func clockOf(at time.Time) string {
	return strings.TrimPrefix(fmt.Sprintf("%d %s", int(at.Sub(day).Hours())/24, at.Format("15:04")), "0 ")
}

func wishAt(name string, at time.Time, actor string) commands.Meta {
	return commands.Meta{ID: events.NameID(at, name), At: at, Actor: actor}
}

// history is a log that a test writes: each run has a start and an end, which are two facts.
type history struct {
	t     testing.TB
	store eventstore.Store
	d     *orchestrator.Dispatcher
	runs  int
}

func newHistory(t testing.TB) *history {
	store := eventstore.NewMemory(logtest.Clock)
	return &history{t: t, store: store, d: orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))}
}

func (h *history) do(cmds ...commands.Command) {
	h.t.Helper()
	if _, err := h.d.Dispatch(h.t.Context(), cmds...); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) run(from, to time.Time) {
	h.t.Helper()
	h.runs++
	name := fmt.Sprintf("r%d", h.runs)
	h.do(
		commands.StartRun{Meta: wishAt(name, from, "user:anna"), Run: name, Workflow: "w"},
		commands.FinishRun{Meta: wishAt(name+"/end", to, "user:anna"), Run: name, Outcome: events.Succeeded},
	)
}

func (h *history) rehearse(c replay.RehearsalConfig, runners ...analysts.Runner) replay.Rehearsal {
	h.t.Helper()
	models, err := projections.Open(h.t.Context(), readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = models.Close() }()
	found, err := replay.Rehearse(h.t.Context(), logtest.ReadOnly{Store: h.store, T: h.t}, models, runners, c, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}

// claim is a proposal about a step.
func claim(step string, n, to int64) evidence.Proposal {
	return evidence.Proposal{
		Analyst: "fake", AnalystVersion: 1,
		Change: events.Change{Kind: events.ChangeWorkflow, Workflow: "w", Steps: []string{step}},
		Reason: "because of " + step,
		Evidence: events.Evidence{
			From: 1, To: uint64(to), Positions: []uint64{1, uint64(to)}, Statistic: "count", Value: .5, Low: .25, High: .75, Confidence: .95, N: n, //nolint:gosec // small
		},
		Expected: events.Expected{Metric: "success_rate", Change: .1, High: .2},
	}
}

// saying is an analyst that says what it is told to, given how many runs have ended and what it has seen.
func saying(say func(ended, position int64) []evidence.Proposal) analysts.Runner {
	return analysts.Runner{Name: "fake", Version: 1, Every: 6 * time.Hour, Load: func(ctx context.Context, r projections.Reader) (func() evidence.Result, error) {
		position, err := r.Position(ctx)
		ended := int64(0)
		for run, failed := range r.Runs(ctx, projections.RunFilter{}) {
			if err == nil {
				err = failed
			}
			if run.Outcome != projections.Running {
				ended++
			}
		}
		return func() evidence.Result { return evidence.Result{Proposals: say(ended, int64(position))} }, err //nolint:gosec // small
	}}
}

// talkative proposes something else at every position.
var talkative = saying(func(_, position int64) []evidence.Proposal {
	return []evidence.Proposal{claim(fmt.Sprint(position), 1, position)}
})

// paced is an analyst at another pace.
func paced(every time.Duration, runner analysts.Runner) analysts.Runner {
	runner.Every = every
	return runner
}

// looks are the times and positions at which a talkative analyst looked.
func looks(found replay.Rehearsal) []string {
	var out []string
	for _, p := range found.Proposals {
		if p.Would != nil {
			out = append(out, fmt.Sprintf("%s@%d", clockOf(p.Would.At), p.Would.Position))
		}
	}
	return out
}

// twoDays is a history with quiet and busy hours, and a run that was recorded a day late.
func twoDays(t *testing.T) *history {
	h := newHistory(t)
	h.run(on("01:00"), on("01:10"))     // 1, 2
	h.run(on("05:59"), on("06:00"))     // 3, 4
	h.run(on("06:01"), on("06:05"))     // 5, 6
	h.run(on("1 13:00"), on("1 13:01")) // 7, 8
	h.run(on("02:00"), on("02:05"))     // 9, 10
	h.run(on("1 19:00"), on("1 19:01")) // 11, 12
	return h
}

func TestARehearsalLooksInTheHistorysOwnTime(t *testing.T) {
	t.Parallel()
	all := []string{"06:00@4", "12:00@6", "1 18:00@10", "1 19:01@12"}
	for what, c := range map[string]struct {
		config replay.RehearsalConfig
		want   []string
		every  time.Duration // six hours where it is zero
	}{
		"every six hours":             {want: all},
		"every hour":                  {every: time.Hour, want: []string{"01:00@1", "02:00@2", "06:00@4", "07:00@6", "1 13:00@7", "1 14:00@10", "1 19:00@11", "1 19:01@12"}},
		"every week":                  {every: 7 * 24 * time.Hour, want: []string{"1 19:01@12"}},
		"every nanosecond":            {every: 1, want: []string{"01:00@1", "01:10@2", "05:59@3", "06:00@4", "06:01@5", "06:05@6", "1 13:00@7", "1 13:01@10", "1 19:00@11", "1 19:01@12"}},
		"from between":                {config: replay.RehearsalConfig{From: on("06:01")}, want: all[1:]},
		"from on the dot":             {config: replay.RehearsalConfig{From: on("06:00")}, want: all},
		"from behind the end":         {config: replay.RehearsalConfig{From: on("2 00:00")}, want: nil},
		"to on the dot":               {config: replay.RehearsalConfig{To: on("12:00")}, want: all[:2]},
		"to between":                  {config: replay.RehearsalConfig{To: on("1 13:00")}, want: []string{"06:00@4", "12:00@6", "1 13:00@7"}},
		"to before the next look":     {config: replay.RehearsalConfig{To: on("11:00")}, want: []string{"06:00@4", "06:05@6"}},
		"to behind the end":           {config: replay.RehearsalConfig{To: on("3 00:00")}, want: all},
		"to before the start":         {config: replay.RehearsalConfig{To: on("00:30")}, want: nil},
		"up to a position":            {config: replay.RehearsalConfig{UpTo: 5}, want: []string{"06:00@4", "06:01@5"}},
		"a part":                      {config: replay.RehearsalConfig{From: on("06:01"), To: on("1 18:30")}, want: []string{"12:00@6", "1 18:00@10"}},
		"a time in which nothing was": {config: replay.RehearsalConfig{From: on("18:00"), To: on("1 12:59")}, want: []string{"18:00@6"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := twoDays(t)
			found := h.rehearse(c.config, paced(cmp.Or(c.every, talkative.Every), talkative))
			if got := looks(found); !slices.Equal(got, c.want) || found.Looks != len(c.want) {
				t.Errorf("looked %d times: %v, want %v", found.Looks, got, c.want)
			}
			if found.Looks > 0 && (found.First.Before(c.config.From) || !found.Last.Equal(found.Proposals[len(found.Proposals)-1].Would.At)) {
				t.Errorf("the looks were from %s to %s", found.First, found.Last)
			}
		})
	}
}

func TestARehearsalLooksWhereItsDefinitionSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		h := newHistory(t)
		minutes := rapid.SliceOfN(rapid.IntRange(-3000, 3000), 1, 24).Draw(r, "minutes")
		every := rapid.IntRange(1, 2000).Draw(r, "every")
		epoch := time.Unix(0, 0).UTC()
		for i, m := range minutes {
			h.do(commands.StartRun{Meta: wishAt(fmt.Sprint(i), epoch.Add(time.Duration(m)*time.Minute), "user:anna"), Run: fmt.Sprint(i), Workflow: "w"})
		}
		var want []string
		seen := 0
		for tick := -10_000 / every * every; tick < 10_000; tick += every {
			// All that stands before the first fact from beyond the tick.
			if before := slices.IndexFunc(minutes, func(m int) bool { return m > tick }); before > seen {
				want = append(want, fmt.Sprintf("%d@%d", tick, before))
				seen = before
			}
		}
		if seen < len(minutes) {
			want = append(want, fmt.Sprintf("%d@%d", slices.Max(minutes), len(minutes)))
		}
		var got []string
		for _, p := range h.rehearse(replay.RehearsalConfig{}, paced(time.Duration(every)*time.Minute, talkative)).Proposals {
			got = append(got, fmt.Sprintf("%d@%d", int(p.Would.At.Sub(epoch).Minutes()), p.Would.Position))
		}
		if !slices.Equal(got, want) {
			r.Errorf("every %d of %v: looked at %v, want %v", every, minutes, got, want)
		}
	})
}

// TestWhatTheLogSaysOfItselfTurnsNoClock has seals and proposals stand in the log with the time of whoever made them.
func TestWhatTheLogSaysOfItselfTurnsNoClock(t *testing.T) {
	t.Parallel()
	plain := twoDays(t).rehearse(replay.RehearsalConfig{}, countingRuns)
	h := newHistory(t)
	h.run(on("01:00"), on("01:10"))
	if _, err := audit.Seal(t.Context(), h.store, h.d.Dispatch, logtest.Clock, 1); err != nil {
		t.Fatal(err)
	}
	h.run(on("05:59"), on("06:00"))
	h.run(on("06:01"), on("06:05"))
	if _, err := audit.Seal(t.Context(), h.store, h.d.Dispatch, logtest.Clock, 1); err != nil {
		t.Fatal(err)
	}
	h.run(on("1 13:00"), on("1 13:01"))
	h.run(on("02:00"), on("02:05"))
	h.run(on("1 19:00"), on("1 19:01"))
	h.propose(claim("other", 1, 1), logtest.Noon)
	sealed := h.rehearse(replay.RehearsalConfig{}, countingRuns)
	if sealed.Looks != plain.Looks || sealed.Digest != plain.Digest || !sealed.Last.Equal(*plain.Last) {
		t.Errorf("got %+v\nwant %+v", sealed, plain)
	}
}

// countingRuns proposes by how many runs ended, with evidence that names the positions of the first and last run.
var countingRuns = analysts.Runner{Name: "fake", Version: 1, Every: 6 * time.Hour, Load: func(ctx context.Context, r projections.Reader) (func() evidence.Result, error) {
	ended, last := int64(0), int64(1)
	for run, err := range r.Runs(ctx, projections.RunFilter{}) {
		if err != nil {
			return nil, err
		}
		ended++
		last = max(last, int64(run.LastPosition)) //nolint:gosec // small
	}
	return func() evidence.Result {
		return evidence.Result{Proposals: []evidence.Proposal{claim(fmt.Sprint(ended), ended, last)}}
	}, nil
}}

func (h *history) propose(p evidence.Proposal, at time.Time) {
	h.t.Helper()
	h.do(commands.ProposeImprovement{
		Meta: wishAt("propose "+p.ID(), at, "analyst:"+p.Analyst), Improvement: p.ID(), Analyst: p.Analyst, AnalystVersion: p.AnalystVersion,
		Change: p.Change, Reason: p.Reason, Evidence: p.Evidence, Expected: p.Expected,
	})
}

func TestARehearsalTellsWhatIsNewGoneAndChanged(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.run(on("01:00"), on("01:10"))
	h.propose(claim("stood before", 1, 2), on("02:00"))
	h.run(on("05:00"), on("05:10"))
	h.propose(claim("same", 2, 4), on("06:00"))
	h.propose(claim("same, recorded elsewhere", 2, 40_000), on("06:03"))
	h.propose(claim("other evidence", 20, 4), on("06:00"))
	reworded := claim("other words", 2, 4)
	reworded.Reason, reworded.AnalystVersion, reworded.Expected.Change = "as it was put once", 7, .15
	h.propose(reworded, on("06:00"))
	h.propose(claim("gone", 2, 4), on("06:00"))
	h.propose(claim("sooner today", 3, 6), on("18:00"))
	h.run(on("12:01"), on("12:02"))
	// A person's proposal is none of the analysts'.
	byHand := claim("by hand", 1, 1)
	h.do(commands.ProposeImprovement{
		Meta: wishAt("by hand", on("12:03"), "user:anna"), Improvement: "by-hand", Analyst: "anna", Change: byHand.Change, Reason: "hm", Evidence: byHand.Evidence,
	})
	h.propose(claim("after the time looked at", 1, 1), on("3 00:00"))

	today := saying(func(ended, _ int64) []evidence.Proposal {
		out := []evidence.Proposal{
			claim("stood before", ended, 2*ended), claim("same", ended, 4), claim("same, recorded elsewhere", ended, 4), claim("other evidence", ended, 4), claim("other words", ended, 4),
		}
		if ended == 2 {
			out = append(out, claim("sooner today", 3, 6))
		}
		if ended == 3 {
			// Proposed at the first look already: what counts is how it was put then.
			out = append(out, claim("new", ended, 6), claim("after the time looked at", 1, 1))
		}
		return out
	})
	found := h.rehearse(replay.RehearsalConfig{From: on("03:00"), To: on("2 00:00")}, today)
	var got []string
	for _, p := range found.Proposals {
		c := p.Would
		if c == nil {
			c = p.Did
		}
		got = append(got, fmt.Sprintf("%s %s: %s %v", clockOf(p.At()), c.Change.Steps[0], p.Difference, p.Differs))
		if (p.Would == nil) != (p.Difference == replay.DifferenceGone) || (p.Did == nil) != (p.Difference == replay.DifferenceNew) {
			t.Errorf("%+v has a side too many or too few", p)
		}
	}
	slices.Sort(got)
	want := []string{
		"06:00 gone: gone []",
		"06:00 other evidence: changed [evidence]",
		"06:00 other words: changed [analyst reason expected]",
		"06:00 same, recorded elsewhere: same []",
		"06:00 same: same []",
		"06:00 sooner today: changed [when]",
		"06:00 stood before: standing []",
		"12:02 after the time looked at: new []",
		"12:02 new: new []",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !slices.IsSortedFunc(found.Proposals, func(a, b replay.Rehearsed) int {
		return strings.Compare(a.At().String()+a.ID, b.At().String()+b.ID)
	}) {
		t.Error("the proposals are not by time and id")
	}
	again := h.rehearse(replay.RehearsalConfig{From: on("03:00"), To: on("2 00:00")}, today)
	if a, b := asJSON(t, found), asJSON(t, again); a != b {
		t.Errorf("a second run says\n%s\nthe first said\n%s", b, a)
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWhatThePolicyRefusesIsTold(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.run(on("01:00"), on("01:10"))
	h.run(on("07:00"), on("07:10"))
	stranger := claim("stranger", 1, 1)
	stranger.Change = events.Change{Kind: events.ChangeModel, Agent: "a", Config: &events.AgentConfig{Model: "their-model"}}
	found := h.rehearse(replay.RehearsalConfig{Policy: aggregates.Policy{Models: []string{"our-model"}}}, saying(func(ended, _ int64) []evidence.Proposal {
		unfounded := claim("unfounded at first", 0, 1)
		unfounded.Evidence.N = ended - 1
		return []evidence.Proposal{stranger, unfounded}
	}))
	if found.Looks != 2 || len(found.Proposals) != 2 {
		t.Fatalf("got %s", asJSON(t, found))
	}
	if first := found.Proposals[0].Would; !strings.Contains(first.Refused, "their-model") || !first.At.Equal(on("06:00")) {
		t.Errorf("got %+v", first)
	}
	if second := found.Proposals[1].Would; second.Refused != "" || !second.At.Equal(on("07:10")) {
		t.Errorf("a proposal counts from when it would be taken: got %+v", second)
	}
}

func TestARehearsalGoesOnWhereAStreamCannotBeRead(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.run(on("01:00"), on("01:10"))
	for _, stream := range []string{"improvement-x", "run-x", "improvement-y"} {
		if stream == "improvement-y" { // behind what the analysts look at, but proposed in that time
			h.run(on("10:00"), on("10:01"))
		}
		unknown := events.Envelope{ID: uuid.Must(uuid.NewV7()), Stream: stream, Kind: "improvement.proposed", Version: 99, OccurredAt: on("02:00"), Actor: "analyst:fake", Data: []byte(`{}`)}
		if _, err := h.store.Append(t.Context(), stream, eventstore.NoStream, []events.Envelope{unknown}); err != nil {
			t.Fatal(err)
		}
	}
	found := h.rehearse(replay.RehearsalConfig{To: on("05:00")}, talkative)
	if found.Parked != 3 || found.Looks != 1 {
		t.Errorf("got %s", asJSON(t, found))
	}
}

func TestARehearsalThatCannotBeginSaysWhy(t *testing.T) {
	t.Parallel()
	h := twoDays(t)
	models := logtest.Models(t)
	_, err := replay.Rehearse(t.Context(), h.store, models, nil, replay.RehearsalConfig{UpTo: 13}, nil)
	if err == nil || !strings.Contains(err.Error(), "it ends at position 12") {
		t.Errorf("behind the end: %v", err)
	}
	if err := replay.CatchUp(t.Context(), h.store, models, nil); err != nil {
		t.Fatal(err)
	}
	_, err = replay.Rehearse(t.Context(), h.store, models, nil, replay.RehearsalConfig{}, nil)
	if err == nil || !strings.Contains(err.Error(), "empty read models") {
		t.Errorf("into read models that are full: %v", err)
	}
	if found := newHistory(t).rehearse(replay.RehearsalConfig{}, talkative); found.Looks != 0 || found.First != nil || found.Digest == "" {
		t.Errorf("an empty log: %s", asJSON(t, found))
	}
}
