package mining_test

import (
	"cmp"
	"context"
	"encoding/csv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/mining"
)

// sepsis reads the hospital log of the data folder: each case once, with its activities by time, and by row where
// times are equal.
func sepsis(tb testing.TB) []mining.Variant {
	tb.Helper()
	data := os.Getenv("VIRTUOUS6_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(data, "process-logs", "sepsis.csv"))
	if err != nil {
		tb.Skip("the sepsis log is not here: ", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	rows = rows[1:]
	slices.SortStableFunc(rows, func(a, b []string) int { return cmp.Compare(a[2], b[2]) })
	byCase := map[string][]string{}
	for _, row := range rows {
		byCase[row[0]] = append(byCase[row[0]], row[1])
	}
	variants := make([]mining.Variant, 0, len(byCase))
	for _, steps := range byCase {
		variants = append(variants, mining.Variant{Steps: steps, Runs: 1})
	}
	return variants
}

func TestSepsisCountsEqualBruteForce(t *testing.T) {
	t.Parallel()
	variants := sepsis(t)
	steps, brute := 0, map[[2]string]int64{}
	for _, v := range variants {
		steps += len(v.Steps)
		for i := 1; i < len(v.Steps); i++ {
			brute[[2]string{v.Steps[i-1], v.Steps[i]}]++
		}
	}
	if len(variants) != 1050 || steps != 15214 {
		t.Fatalf("%d cases and %d events, want 1050 and 15214", len(variants), steps)
	}
	follows, _ := mining.Code(variants).DirectlyFollows(len(brute) + 1)
	if len(follows) != len(brute) {
		t.Errorf("%d pairs, want %d", len(follows), len(brute))
	}
	for _, f := range follows {
		if f.Count != brute[[2]string{f.From, f.To}] {
			t.Errorf("%s before %s: %d, want %d", f.From, f.To, f.Count, brute[[2]string{f.From, f.To}])
		}
	}

	res, err := mining.Sequences(context.Background(), variants, mining.Options{MinSupport: 0.2, MaxLength: 4})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Patterns) < 500 || res.MinSupport != 210 {
		t.Errorf("%d patterns at %d runs", len(res.Patterns), res.MinSupport)
	}
	for _, p := range res.Patterns {
		var n int64
		for _, v := range variants {
			if holds(v.Steps, p.Steps) {
				n++
			}
		}
		if n != p.Support {
			t.Errorf("%v is in %d runs, not in %d", p.Steps, n, p.Support)
		}
	}
}

func BenchmarkSepsis(b *testing.B) {
	variants := sepsis(b)
	for b.Loop() {
		res, err := mining.Sequences(context.Background(), variants, mining.Options{MinSupport: 0.05, MaxLength: 6, MaxPatterns: 1_000_000})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(res.Patterns)), "patterns")
	}
}

// A million steps: 200,000 runs in about 10,000 variants of a process with noise.
func BenchmarkMillion(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	runs := map[string]int64{}
	for range 200_000 {
		route := rng.IntN(8)
		var steps []string
		for i := range 5 {
			step := (route*5 + i*3) % 20
			switch rng.IntN(20) {
			case 0:
				step = rng.IntN(20)
			case 1:
				continue
			case 2:
				steps = append(steps, strconv.Itoa(step))
			}
			steps = append(steps, strconv.Itoa(step))
		}
		runs[strings.Join(steps, " ")]++
	}
	variants := make([]mining.Variant, 0, len(runs))
	for s, n := range runs {
		variants = append(variants, mining.Variant{Steps: strings.Fields(s), Runs: n, Succeeded: n})
	}
	for b.Loop() {
		res, err := mining.Sequences(context.Background(), variants, mining.Options{MinSupport: 0.001, MaxLength: 6})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(res.Patterns)), "patterns")
		b.ReportMetric(float64(len(variants)), "variants")
	}
}
