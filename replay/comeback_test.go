package replay_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// A claim whose evidence went is withdrawn in a rehearsal, as it would have been: what says it again is the next generation.
func TestAClaimThatWasWithdrawnComesBackAsTheNextOne(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	for _, at := range []string{"01:00", "07:00", "13:00", "19:00"} {
		h.run(on(at), on(at))
	}
	strengths := map[int64]events.Strength{1: events.Strong, 2: events.Gone, 3: events.Strong, 4: events.Strong}
	var since []uint64
	wavering := analysts.Runner{Name: "fake", Version: 1, Every: 6 * time.Hour, Load: func(ctx context.Context, r projections.Reader) (func() evidence.Result, error) {
		report, err := r.Report(ctx, projections.MetricsFilter{})
		return func() evidence.Result {
			p := claim("a", report.Runs, 2*report.Runs)
			p.Claim.Subject, p.Strength = []string{"a"}, strengths[report.Runs]
			out := evidence.Result{Weigh: func(_ events.Claim, after uint64) (evidence.Standing, bool) {
				if after > 0 {
					since = append(since, after)
				}
				return evidence.Standing{Strength: p.Strength, Reason: p.Reason, Evidence: p.Evidence, Expected: p.Expected}, true
			}}
			if p.Strength.Claims() {
				out.Proposals = []evidence.Proposal{p}
			}
			return out
		}, err
	}}
	var got []string
	for _, p := range h.rehearse(replay.RehearsalConfig{}, wavering).Proposals {
		got = append(got, fmt.Sprintf("%s %s", clockOf(p.Would.At), p.Would.Strength))
	}
	if want := []string{"06:00 gone", "18:00 strong"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// What counts is what came behind the look at which it was withdrawn.
	if !slices.Equal(since, []uint64{4}) {
		t.Errorf("the claim was weighed by what came behind %v", since)
	}
}

// The digest tells where the evidence lies.
func TestTheDigestOfARehearsalTellsWhereTheEvidenceLies(t *testing.T) {
	t.Parallel()
	digest := func(to int64) string {
		h := newHistory(t)
		h.run(on("01:00"), on("01:10"))
		h.run(on("02:00"), on("02:10"))
		return h.rehearse(replay.RehearsalConfig{}, saying(func(int64, int64) []evidence.Proposal {
			return []evidence.Proposal{claim("a", 2, to)}
		})).Digest
	}
	if digest(2) == digest(4) {
		t.Error("evidence at other facts has the same digest")
	}
}
