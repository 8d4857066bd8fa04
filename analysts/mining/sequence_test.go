package mining_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/analysts/mining"
)

func letters(s string) []string { return strings.Split(s, "") }

func holds(trace, seq []string) bool {
	for _, s := range trace {
		if len(seq) > 0 && s == seq[0] {
			seq = seq[1:]
		}
	}
	return len(seq) == 0
}

// bruteForce enumerates every subsequence of every variant, and tells of each frequent one whether it is closed by
// trying every item at every place.
func bruteForce(variants []mining.Variant, support int64) map[string]mining.Pattern {
	alphabet := map[string]bool{}
	candidates := map[string][]string{}
	for _, v := range variants {
		for _, s := range v.Steps {
			alphabet[s] = true
		}
		for mask := 1; mask < 1<<len(v.Steps); mask++ {
			var seq []string
			for i, s := range v.Steps {
				if mask>>i&1 == 1 {
					seq = append(seq, s)
				}
			}
			candidates[strings.Join(seq, " ")] = seq
		}
	}
	count := func(seq []string) mining.Pattern {
		p := mining.Pattern{Steps: seq, Closed: true}
		for _, v := range variants {
			if !holds(v.Steps, seq) {
				continue
			}
			if p.Support == 0 || v.First < p.First {
				p.First = v.First
			}
			p.Last = max(p.Last, v.Last)
			p.Support += v.Runs
			p.Succeeded += v.Succeeded
			p.Failed += v.Failed
		}
		return p
	}
	all := map[string]mining.Pattern{}
	for key, seq := range candidates {
		p := count(seq)
		if p.Support < support {
			continue
		}
		for i := 0; i <= len(seq); i++ {
			for x := range alphabet {
				if count(slices.Insert(slices.Clone(seq), i, x)).Support == p.Support {
					p.Closed = false
				}
			}
		}
		all[key] = p
	}
	return all
}

func sorted(ps []mining.Pattern) []mining.Pattern {
	slices.SortFunc(ps, func(a, b mining.Pattern) int {
		return cmp.Or(cmp.Compare(b.Support, a.Support), cmp.Compare(len(b.Steps), len(a.Steps)), slices.Compare(a.Steps, b.Steps))
	})
	return ps
}

func drawVariants(t *rapid.T) []mining.Variant {
	alphabet := rapid.IntRange(1, 4).Draw(t, "alphabet")
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) mining.Variant {
		steps := rapid.SliceOfN(rapid.SampledFrom(letters("abcd")[:alphabet]), 0, 8).Draw(t, "steps")
		runs := rapid.Int64Range(1, 4).Draw(t, "runs")
		succeeded := rapid.Int64Range(0, runs).Draw(t, "succeeded")
		first := rapid.Uint64Range(1, 50).Draw(t, "first")
		return mining.Variant{
			Steps: steps, Runs: runs, Succeeded: succeeded, Failed: rapid.Int64Range(0, runs-succeeded).Draw(t, "failed"),
			First: first, Last: first + rapid.Uint64Range(0, 9).Draw(t, "span"),
		}
	}), 0, 6).Draw(t, "variants")
}

func TestSequencesEqualBruteForce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		variants := drawVariants(t)
		support := rapid.Int64Range(1, 8).Draw(t, "support")
		length := rapid.IntRange(1, 9).Draw(t, "length")
		every := rapid.Bool().Draw(t, "all")

		want := []mining.Pattern{}
		for _, p := range bruteForce(variants, support) {
			if len(p.Steps) <= length && (every || p.Closed || len(p.Steps) == length) {
				want = append(want, p)
			}
		}
		got, err := mining.Sequences(context.Background(), variants, mining.Options{MinSupport: float64(support), MaxLength: length, All: every})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := fmt.Sprintf("%+v", got.Patterns), fmt.Sprintf("%+v", sorted(want)); a != b {
			t.Fatalf("mined\n%s, want\n%s", a, b)
		}
	})
}

func TestSequences(t *testing.T) {
	t.Parallel()
	type row struct {
		steps   string
		support int64
		closed  bool
	}
	for _, c := range []struct {
		name     string
		variants map[string]int64
		options  mining.Options
		want     []row
	}{
		// The example of Wang and Han, ICDE 2004: CAABC, ABCB, CABC, ABBCA at support 2.
		{"BIDE's own example", map[string]int64{"CAABC": 1, "ABCB": 1, "CABC": 1, "ABBCA": 1}, mining.Options{MinSupport: 2},
			[]row{{"ABC", 4, true}, {"CA", 3, true}, {"CB", 3, true}, {"AA", 2, true}, {"ABB", 2, true}, {"CABC", 2, true}}},
		{"each run counts once", map[string]int64{"ABABAB": 3}, mining.Options{MinSupport: 3},
			[]row{{"ABABAB", 3, true}}},
		{"at the limit of length nothing is lost", map[string]int64{"ABC": 3}, mining.Options{MinSupport: 3, MaxLength: 2},
			[]row{{"AB", 3, false}, {"AC", 3, false}, {"BC", 3, false}}},
		{"weights decide what is frequent", map[string]int64{"AB": 9, "AC": 1}, mining.Options{MinSupport: 0.5},
			[]row{{"A", 10, true}, {"AB", 9, true}}},
		{"nothing is frequent", map[string]int64{"A": 1, "B": 1}, mining.Options{MinSupport: 2}, nil},
		{"runs without steps count as runs", map[string]int64{"A": 1, "": 9}, mining.Options{MinSupport: 0.2}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var variants []mining.Variant
			for s, n := range c.variants {
				v := mining.Variant{Runs: n}
				if s != "" {
					v.Steps = letters(s)
				}
				variants = append(variants, v)
			}
			got, err := mining.Sequences(context.Background(), variants, c.options)
			if err != nil {
				t.Fatal(err)
			}
			var rows []row
			for _, p := range got.Patterns {
				rows = append(rows, row{strings.Join(p.Steps, ""), p.Support, p.Closed})
			}
			slices.SortFunc(rows, func(a, b row) int {
				return cmp.Or(cmp.Compare(b.support, a.support), cmp.Compare(a.steps, b.steps))
			})
			slices.SortFunc(c.want, func(a, b row) int {
				return cmp.Or(cmp.Compare(b.support, a.support), cmp.Compare(a.steps, b.steps))
			})
			if !slices.Equal(rows, c.want) {
				t.Errorf("mined %v, want %v", rows, c.want)
			}
		})
	}
}

// Forty different steps in every run hold 10^11 sequences of twenty steps: all or none are listed.
func TestSequencesRefuseAnExplosion(t *testing.T) {
	t.Parallel()
	var steps []string
	for i := range 40 {
		steps = append(steps, fmt.Sprintf("step %02d", i))
	}
	res, err := mining.Sequences(context.Background(), []mining.Variant{{Steps: steps, Runs: 3}}, mining.Options{MaxLength: 20, MaxPatterns: 1000})
	var many *mining.TooManyError
	if !errors.Is(err, mining.ErrTooMany) || !errors.As(err, &many) || many.Limit != 1000 || len(res.Patterns) != 0 {
		t.Fatalf("%d patterns, %v", len(res.Patterns), err)
	}
	for _, advice := range []string{"--min-support", "--max-length"} {
		if !strings.Contains(err.Error(), advice) {
			t.Errorf("%q does not tell of %s", err, advice)
		}
	}
	// The same without a limit that binds is one sequence, found without a detour.
	res, err = mining.Sequences(context.Background(), []mining.Variant{{Steps: steps, Runs: 3}}, mining.Options{MaxLength: 64, MaxPatterns: 100})
	if err != nil || len(res.Patterns) != 1 || len(res.Patterns[0].Steps) != 40 {
		t.Fatalf("%d patterns, %v", len(res.Patterns), err)
	}
}

func TestSequencesOfVeryLongRuns(t *testing.T) {
	t.Parallel()
	var loop, other []string
	for i := range 20_000 {
		loop = append(loop, fmt.Sprint("step ", i%7))
		other = append(other, fmt.Sprint("step ", i*i%7))
	}
	res, err := mining.Sequences(context.Background(), []mining.Variant{{Steps: loop, Runs: 5}, {Steps: other, Runs: 5}}, mining.Options{MaxLength: 4})
	if err != nil || len(res.Patterns) != 7*7*7*7 {
		t.Fatalf("%d patterns, %v", len(res.Patterns), err)
	}
}

func TestSequencesStopWhenCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var steps []string
	for i := range 30 {
		steps = append(steps, fmt.Sprint(i))
	}
	if _, err := mining.Sequences(ctx, []mining.Variant{{Steps: steps, Runs: 2}}, mining.Options{MaxLength: 12}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		support    float64
		runs, want int64
	}{{0, 1050, 53}, {0.05, 1050, 53}, {0.1, 30, 3}, {1, 30, 1}, {7, 3, 7}, {0.05, 0, 2}, {0.05, 20, 2}, {0.05, 1, 2}, {0.999, 10, 10}} {
		if got, err := (mining.Options{MinSupport: c.support}).Support(c.runs); err != nil || got != c.want {
			t.Errorf("%v of %d runs = %d %v, want %d", c.support, c.runs, got, err, c.want)
		}
	}
	for _, o := range []mining.Options{
		{MinSupport: -1}, {MinSupport: math.NaN()}, {MinSupport: math.Inf(1)}, {MinSupport: 1.5}, {MaxLength: -1}, {MaxLength: 65}, {MaxPatterns: -1},
	} {
		if _, err := mining.Sequences(context.Background(), nil, o); !errors.Is(err, mining.ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestDirectlyFollows(t *testing.T) {
	t.Parallel()
	coded := mining.Code([]mining.Variant{
		{Steps: letters("ABAB"), Runs: 2, Succeeded: 1, Failed: 1, First: 5, Last: 9},
		{Steps: letters("AB"), Runs: 3, Succeeded: 3, First: 2, Last: 4},
		{Steps: letters("A"), Runs: 1},
		{Steps: letters("BA"), Runs: 0},
	})
	got, of := coded.DirectlyFollows(9)
	want := []mining.Follows{
		{From: "A", To: "B", Count: 7, Runs: 5, Succeeded: 4, Failed: 1, First: 2, Last: 9},
		{From: "B", To: "A", Count: 2, Runs: 2, Succeeded: 1, Failed: 1, First: 5, Last: 9},
	}
	if !slices.Equal(got, want) || of != 2 {
		t.Errorf("%d: %+v, want %+v", of, got, want)
	}
	if first, of := coded.DirectlyFollows(1); !slices.Equal(first, want[:1]) || of != 2 {
		t.Errorf("of %d the first is %+v, want %+v", of, first, want[:1])
	}
	if a, b, none := coded.Holders("A"), coded.Holders("B"), coded.Holders("C"); !slices.Equal(a, []int32{0, 1, 2, 3}) || !slices.Equal(b, []int32{0, 1, 3}) || none != nil {
		t.Errorf("held by %v, %v and %v", a, b, none)
	}
}

// The first of many are those that sorting them all brings to the front.
func TestTopIsTheFrontOfAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.IntRange(0, 5000), 0, 4000).Draw(t, "all")
		n := rapid.IntRange(0, 50).Draw(t, "n")
		want := slices.Sorted(slices.Values(all))
		if got := mining.Top(slices.Values(all), n, cmp.Compare[int]); !slices.Equal(got, want[:min(n, len(want))]) {
			t.Fatalf("the first %d are %v, want %v", n, got, want[:min(n, len(want))])
		}
	})
}
