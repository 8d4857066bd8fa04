package replay_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// chatty proposes something else at every position, under its own name.
func chatty(name string, every time.Duration) analysts.Runner {
	return analysts.Runner{Name: name, Version: 1, Every: every, Load: func(ctx context.Context, r projections.Reader) (func() evidence.Result, error) {
		position, err := r.Position(ctx)
		return func() evidence.Result {
			p := claim(fmt.Sprint(name, position), 1, int64(position)) //nolint:gosec // small
			p.Analyst = name
			return evidence.Result{Proposals: []evidence.Proposal{p}}
		}, err
	}}
}

// looksOf are the times and positions at which an analyst looked.
func looksOf(found replay.Rehearsal, analyst string) []string {
	found.Proposals = slices.DeleteFunc(slices.Clone(found.Proposals), func(p replay.Rehearsed) bool { return p.Would.Analyst != analyst })
	return looks(found)
}

// Each analyst looks at its own pace, one that never looks does not, and who looks at one time does so together.
func TestEachAnalystLooksAtItsOwnPaceInARehearsal(t *testing.T) {
	t.Parallel()
	found := twoDays(t).rehearse(replay.RehearsalConfig{}, chatty("slow", 6*time.Hour), chatty("quick", 4*time.Hour), chatty("never", 0))
	for name, want := range map[string][]string{
		"slow":  {"06:00@4", "12:00@6", "1 18:00@10", "1 19:01@12"},
		"quick": {"04:00@2", "08:00@6", "1 16:00@10", "1 19:01@12"},
		"never": nil,
	} {
		if got := looksOf(found, name); !slices.Equal(got, want) {
			t.Errorf("%s looked at %v, want %v", name, got, want)
		}
	}
	want := []replay.Pace{{Analyst: "slow", EverySeconds: 21600, Looks: 4}, {Analyst: "quick", EverySeconds: 14400, Looks: 4}, {Analyst: "never"}}
	if !slices.Equal(found.Paces, want) || found.Looks != 7 || clockOf(*found.First) != "04:00" {
		t.Errorf("%d looks from %s, paces %+v", found.Looks, found.First, found.Paces)
	}
}

// What an analyst says in a rehearsal of several is what it says alone.
func TestWhoLooksBesideAnAnalystChangesNoLook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		h := newHistory(t)
		epoch := time.Unix(0, 0).UTC()
		for i, m := range rapid.SliceOfN(rapid.IntRange(-3000, 3000), 1, 24).Draw(r, "minutes") {
			h.do(commands.StartRun{Meta: wishAt(fmt.Sprint(i), epoch.Add(time.Duration(m)*time.Minute), "user:anna"), Run: fmt.Sprint(i), Workflow: "w"})
		}
		var c replay.RehearsalConfig
		if rapid.Bool().Draw(r, "bounded") {
			c.From = epoch.Add(time.Duration(rapid.IntRange(-3000, 0).Draw(r, "from")) * time.Minute)
			c.To = epoch.Add(time.Duration(rapid.IntRange(0, 3000).Draw(r, "to")) * time.Minute)
		}
		var all []analysts.Runner
		for i := range rapid.IntRange(2, 4).Draw(r, "analysts") {
			all = append(all, chatty(fmt.Sprint("a", i), time.Duration(rapid.IntRange(0, 2000).Draw(r, "every"))*time.Minute))
		}
		together := h.rehearse(c, all...)
		for i, one := range all {
			alone := h.rehearse(c, one)
			if got, want := looksOf(together, one.Name), looksOf(alone, one.Name); !slices.Equal(got, want) || together.Paces[i] != alone.Paces[0] {
				r.Errorf("%s every %s: %v beside others, %v alone", one.Name, one.Every, got, want)
			}
		}
	})
}

// A proposal is made at another time than it was where that is off by one look of its analyst.
func TestWhenIsToldByTheAnalystsOwnPace(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.run(on("01:00"), on("05:00"))
	hourly, slow := claim("hourly", 1, 1), claim("slow", 1, 1)
	hourly.Analyst, slow.Analyst = "hourly", "slow"
	h.propose(hourly, on("10:30"))
	h.propose(slow, on("10:30"))
	h.run(on("13:00"), on("13:10"))
	saying := func(p evidence.Proposal, every time.Duration) analysts.Runner {
		return analysts.Runner{Name: p.Analyst, Version: 1, Every: every, Load: func(context.Context, projections.Reader) (func() evidence.Result, error) {
			return func() evidence.Result { return evidence.Result{Proposals: []evidence.Proposal{p}} }, nil
		}}
	}
	// The first would be at 01:00, the second at 06:00, 4:30 before it was.
	found := h.rehearse(replay.RehearsalConfig{}, saying(hourly, time.Hour), saying(slow, 6*time.Hour))
	got := map[string][]string{}
	for _, p := range found.Proposals {
		got[p.Would.Analyst] = p.Differs
	}
	if !slices.Equal(got["hourly"], []string{"when"}) || len(got["slow"]) > 0 {
		t.Errorf("differing in %v", got)
	}
}
