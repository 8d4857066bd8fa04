package projections

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
)

// Whatever the order and the parts that durations come in, they are the same, survive being stored, and their quantiles are
// within the error that is stated.
func TestDurationsAreMergeable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 2, fewDurations - 1, fewDurations, fewDurations + 1, 3 * fewDurations}).Draw(t, "n")
		value := rapid.OneOf(rapid.Int64Range(0, 200), rapid.Int64Range(1e6, 1e11), rapid.SampledFrom([]int64{0, math.MaxInt64}))
		all := rapid.SliceOfN(value, n, n).Draw(t, "durations")
		var one, merged durations
		for _, ns := range all {
			one.add(ns)
		}
		parts := make([]durations, rapid.IntRange(1, 4).Draw(t, "parts"))
		for i, ns := range rapid.Permutation(all).Draw(t, "order") {
			parts[i%len(parts)].add(ns)
		}
		for i := range parts {
			var read durations
			if err := read.decode(parts[i].append(nil)); err != nil {
				t.Fatal(err)
			}
			merged.merge(&read)
		}
		if !bytes.Equal(one.append(nil), merged.append(nil)) || one.n != merged.n {
			t.Fatalf("%d parts are another than the whole", len(parts))
		}
		slices.Sort(all)
		got := one.quantiles()
		for percent, got := range map[int64]float64{50: *got.P50, 95: *got.P95} {
			want := seconds(quantile(all, percent))
			allowed := 1e-9
			if n > fewDurations {
				// Interpolating between two that are off alike.
				allowed += want / 128
			}
			if math.Abs(got-want) > allowed {
				t.Fatalf("the %d%% quantile of %d is %v, want %v", percent, n, got, want)
			}
		}
	})
}

func TestCutOffColumnsAreRefused(t *testing.T) {
	t.Parallel()
	var d durations
	for i := range int64(300) {
		d.add(i * 1e9)
	}
	b := d.append(nil)
	if err := d.decode(b[:len(b)-1]); err == nil {
		t.Error("durations that are cut off were read")
	}
	var c trialCounts
	c.add(Trials{1, 2}, 3)
	if err := c.decode(c.append(nil)[:2]); err == nil {
		t.Error("trials that are cut off were read")
	}
	var e tries
	e[0].count([]string{"bert"}, &result{after: events.Succeeded}, nil)
	e[2].count([]string{"a", "z"}, &result{after: events.Failed}, nil)
	got := e[2].count([]string{"b", "z"}, &result{after: events.Succeeded}, nil)
	if want := []trialMove{{Trials{}, Trials{1, 1}}, {Trials{0, 1}, Trials{1, 2}}}; !slices.Equal(got, want) {
		t.Errorf("trials %v, want %v", got, want)
	}
	got = e[2].count([]string{"z"}, &result{before: events.Succeeded, after: events.Failed}, nil)
	if want := []trialMove{{Trials{1, 2}, Trials{0, 2}}}; !slices.Equal(got, want) {
		t.Errorf("after another verdict: trials %v, want %v", got, want)
	}
	b = e.append(nil)
	var again tries
	if err := again.decode(b); err != nil || !reflect.DeepEqual(again, e) {
		t.Errorf("read %+v, %v, want %+v", again, err, e)
	}
	for n := range b {
		if err := again.decode(b[:n]); err == nil {
			t.Errorf("tries cut off at %d were read", n)
		}
	}
}

// The bounds of the 95% quantile hold it in 95 of 100 samples, whatever is sampled; of few values there are none.
func TestTheQuantilesBoundsCover(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(95, 1))
	for _, n := range []int{72, 73, 200, 2000} {
		held := 0
		for range 1000 {
			var d durations
			for range n {
				d.add(int64(1e9 * math.Exp(dice.NormFloat64())))
			}
			q := d.quantiles()
			if (q.P95Low == nil) != (n < fewestBounded) {
				t.Fatalf("%d values have the bounds %v and %v", n, q.P95Low, q.P95High)
			}
			if truth := math.Exp(1.6448536); q.P95Low != nil && *q.P95Low <= truth*129/128 && *q.P95High >= truth*127/128 {
				held++
			}
		}
		if n >= fewestBounded && (held < 930 || held > 990) {
			t.Errorf("of %d values the bounds hold the quantile in %d of 1000 samples", n, held)
		}
	}
}
