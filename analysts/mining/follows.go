package mining

import (
	"cmp"
	"slices"
)

// Follows is one step coming directly after another, within runs.
type Follows struct {
	From, To string
	// Count is the occurrences, Runs the runs with at least one; Succeeded and Failed are of those runs.
	Count, Runs, Succeeded, Failed int64
	First, Last                    uint64
}

// DirectlyFollows counts the pairs of neighbours in all variants, the most frequent first, then by name. It is the
// directly-follows graph of process mining (van der Aalst, Process Mining, 2016, chapter 6).
func DirectlyFollows(variants []Variant) []Follows {
	type pair struct{ from, to string }
	type sum struct {
		tally
		count int64
		seen  int
	}
	sums := map[pair]*sum{}
	for i, v := range variants {
		for j := 1; j < len(v.Steps) && v.Runs > 0; j++ {
			p := pair{v.Steps[j-1], v.Steps[j]}
			s := sums[p]
			if s == nil {
				s = &sum{}
				sums[p] = s
			}
			s.count += v.Runs
			if s.seen != i+1 {
				s.seen = i + 1
				s.add(v.tally())
			}
		}
	}
	follows := make([]Follows, 0, len(sums))
	for p, s := range sums {
		follows = append(follows, Follows{
			From: p.from, To: p.to, Count: s.count,
			Runs: s.runs, Succeeded: s.succeeded, Failed: s.failed, First: s.first, Last: s.last,
		})
	}
	slices.SortFunc(follows, func(a, b Follows) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return follows
}
