package stats

import "math"

// Race compares several arms, after each run and for as long as one likes. Each two of them are compared by bets on the runs that were drawn
// into one of the two, of the chance that the draw gave the one against the other: what was drawn how often, and why, can't bend that,
// as long as it was settled before the draw. The zero value of a number of arms is a test before its first run.
type Race struct {
	// Runs and Sums are the runs of each arm, and what they came to.
	Runs []int64   `json:"runs,omitempty"`
	Sums []float64 `json:"sums,omitempty"`
	// Pairs are the bets that the second of two arms does better or worse than the first: 0 and 1, 0 and 2, 1 and 2, 0 and 3, and so on.
	Pairs []Bets `json:"pairs,omitempty"`
}

// NewRace is one of so many arms.
func NewRace(arms int) Race {
	return Race{Runs: make([]int64, arms), Sums: make([]float64, arms), Pairs: make([]Bets, arms*(arms-1)/2)}
}

func pairOf(first, second int) int { return second*(second-1)/2 + first }

// Take takes a run: the arm that it was drawn into, the chances of all arms, and its value from 0 to 1. It changes the race in place.
func (r *Race) Take(arm int, chances []float64, value float64) {
	r.Runs[arm]++
	r.Sums[arm] += value
	for other := range r.Runs {
		if other == arm || chances[other] <= 0 {
			continue
		}
		first, second := min(arm, other), max(arm, other)
		pair := &r.Pairs[pairOf(first, second)]
		*pair = pair.Take(arm == second, chances[second]/(chances[first]+chances[second]), value)
	}
}

// LogBeats is the logarithm of the e-value against "the arm is no better than the other".
func (r *Race) LogBeats(arm, other int) float64 {
	if arm > other {
		return r.Pairs[pairOf(other, arm)].LogBetter()
	}
	return r.Pairs[pairOf(arm, other)].LogWorse()
}

// Wins is the logarithm of the e-value that proves an arm to be better than another one, where the best of all may be taken for a worse one with
// a chance of wrong.
func (r *Race) Wins(wrong float64) float64 { return math.Log(float64(len(r.Runs)-1) / wrong) }

// Beaten is an arm that another one is proved to be better than, -1 where there is none: what is proved needs no more runs.
func (r *Race) Beaten(out []bool, needed float64) (arm, by int) {
	for arm := range r.Runs {
		for by := range r.Runs {
			if arm != by && !out[arm] && !out[by] && r.LogBeats(by, arm) >= needed {
				return arm, by
			}
		}
	}
	return -1, -1
}

// Difference estimates how much more an arm gives than another, as Bets does.
func (r *Race) Difference(arm, other int, confidence float64) (float64, Interval) {
	if arm > other {
		return r.Pairs[pairOf(other, arm)].Difference(confidence)
	}
	d, i := r.Pairs[pairOf(arm, other)].Difference(confidence)
	return -d, Interval{Low: -i.High, High: -i.Low}
}

// beta is the share of the runs that the arm gets which looks best: a half, as where nothing is known of the gaps.
const beta = .5

// TopTwo are the chances that arms get in the next draws, by top-two Thompson sampling (Russo, Simple Bayesian algorithms for best arm
// identification, Operations Research 2020, 68:1625): one arm is drawn by how probable it is the best, and half of the time another one
// in its place, by how little it is proved yet that the first is better. E-values are what proves it, so that the runs go where the proof lacks
// them. Arms that are out get none, all others at least the floor.
func (r *Race) TopTwo(out []bool, floor float64) []float64 {
	chances := make([]float64, len(r.Runs))
	for first, p := range r.bests(out) {
		if p < 1e-6 {
			continue
		}
		chances[first] += p * beta
		challengers, sum := r.challengers(first, out)
		if sum == 0 { // it is the only one
			chances[first] += p * (1 - beta)
		}
		for other, weight := range challengers {
			if weight > 0 {
				chances[other] += p * (1 - beta) * (weight / sum)
			}
		}
	}
	sum := 0.0
	for _, chance := range chances {
		sum += chance
	}
	left := 1.0
	for i := range chances {
		if !out[i] {
			left -= floor
		}
	}
	for i := range chances {
		if !out[i] {
			chances[i] = floor + left*chances[i]/sum
		}
	}
	return chances
}

// challengers weighs the arms that may be better than one after all.
func (r *Race) challengers(first int, out []bool) (weights []float64, sum float64) {
	weights = make([]float64, len(r.Runs))
	least := math.Inf(1)
	for other := range weights {
		if other != first && !out[other] {
			least = min(least, r.LogBeats(first, other))
		}
	}
	for other := range weights {
		if other != first && !out[other] {
			weights[other] = math.Exp(least - r.LogBeats(first, other))
			sum += weights[other]
		}
	}
	return weights, sum
}

// cells is how finely rates are told apart where arms are compared.
const cells = 1000

// bests are how probable it is of each arm that it is the best one, from what its runs came to, and from nothing before.
func (r *Race) bests(out []bool) []float64 {
	density := make([][]float64, len(r.Runs))
	below := make([][]float64, len(r.Runs))
	for a, n := range r.Runs {
		if out[a] {
			continue
		}
		density[a], below[a] = make([]float64, cells), make([]float64, cells)
		s, f := r.Sums[a], float64(n)-r.Sums[a]
		most := math.Inf(-1)
		for c := range cells {
			x := (float64(c) + .5) / cells
			density[a][c] = float64(s*math.Log(x)) + float64(f*math.Log1p(-x))
			most = max(most, density[a][c])
		}
		sum := 0.0
		for c := range cells {
			density[a][c] = math.Exp(density[a][c] - most)
			sum += density[a][c]
		}
		under := 0.0
		for c := range cells {
			density[a][c] /= sum
			below[a][c] = under + density[a][c]/2
			under += density[a][c]
		}
	}
	best := make([]float64, len(r.Runs))
	for a := range best {
		if out[a] {
			continue
		}
		for c := range cells {
			p := density[a][c]
			for b := range best {
				if b != a && !out[b] {
					p *= below[b][c]
				}
			}
			best[a] += p
		}
	}
	total := 0.0
	for _, p := range best {
		total += p
	}
	for a := range best {
		best[a] /= total
	}
	return best
}

// Leader is the arm of the best mean among those that are not out.
func (r *Race) Leader(out []bool) int {
	leader, most := -1, math.Inf(-1)
	for a, n := range r.Runs {
		if mean := (r.Sums[a] + .5) / (float64(n) + 1); !out[a] && mean > most {
			leader, most = a, mean
		}
	}
	return leader
}
