package projections_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/projections"
)

// The figures are what fractions of whole numbers give, however many trials there are, but for a float64's last bit.
func TestPassHatIsThatOfFractions(t *testing.T) {
	t.Parallel()
	// What can be held exactly is.
	hats, over := projections.PassHat(map[projections.Trials]int64{{Succeeded: 4, Rated: 4}: 3, {Succeeded: 2, Rated: 4}: 3, {Succeeded: 0, Rated: 3}: 6, {Succeeded: 1, Rated: 1}: 0})
	if !slices.Equal(hats, []float64{.375, 7. / 24, .25, .5}) || !slices.Equal(over, []int64{12, 12, 12, 6}) {
		t.Errorf("%v over %v", hats, over)
	}
	rapid.Check(t, func(t *rapid.T) {
		counts := map[projections.Trials]int64{}
		for range rapid.IntRange(0, 6).Draw(t, "groups") {
			rated := rapid.OneOf(rapid.Int64Range(1, 12), rapid.Int64Range(1, 1<<30)).Draw(t, "rated")
			counts[projections.Trials{Succeeded: rapid.Int64Range(0, rated).Draw(t, "succeeded"), Rated: rated}] = rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, 1<<28)).Draw(t, "tasks")
		}
		hats, over := projections.PassHat(counts)
		for k := int64(1); ; k++ {
			sum, n := new(big.Rat), int64(0)
			for of, tasks := range counts {
				if of.Rated >= k {
					chance := new(big.Rat).SetFrac(new(big.Int).Binomial(of.Succeeded, k), new(big.Int).Binomial(of.Rated, k))
					sum.Add(sum, chance.Mul(chance, new(big.Rat).SetInt64(tasks)))
					n += tasks
				}
			}
			if n == 0 || k > 10 {
				if int64(len(hats)) != k-1 {
					t.Fatalf("%v: there are %d figures, want %d", counts, len(hats), k-1)
				}
				return
			}
			want, _ := sum.Quo(sum, new(big.Rat).SetInt64(n)).Float64()
			if over[k-1] != n || math.Abs(hats[k-1]-want) > want*0x1p-52+0x1p-90 {
				t.Fatalf("%v: pass^%d is %v over %d, want %v over %d", counts, k, hats[k-1], over[k-1], want, n)
			}
		}
	})
}
