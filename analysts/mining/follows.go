package mining

import "cmp"

// Follows is one step coming directly after another, within runs.
type Follows struct {
	From, To string
	// Count is the occurrences, Runs the runs with at least one; Succeeded and Failed are of those runs.
	Count, Runs, Succeeded, Failed int64
	First, Last                    uint64
}

// DirectlyFollows counts the pairs of neighbours in all variants, and tells those that are the most frequent first, then by name, and how
// many there are. It is the directly-follows graph of process mining (van der Aalst, Process Mining, 2016, chapter 6).
func (c *Coded) DirectlyFollows(top int) (follows []Follows, of int) {
	most := Top(c.Pairs(), top, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(c.Names[a.From], c.Names[b.From]), cmp.Compare(c.Names[a.To], c.Names[b.To]))
	})
	place := map[uint64]int{}
	sums := make([]tally, len(most))
	seen := make([]int, len(most))
	for i, p := range most {
		place[pairOf(p.From, p.To)] = i
	}
	for v := range c.Variants {
		trace := c.Trace(v)
		for k := 1; k < len(trace) && c.Variants[v].Runs > 0; k++ {
			if i, ok := place[pairOf(trace[k-1], trace[k])]; ok && seen[i] != v+1 {
				seen[i] = v + 1
				sums[i].add(c.Variants[v].tally())
			}
		}
	}
	for i, p := range most {
		s := sums[i]
		follows = append(follows, Follows{
			From: c.Names[p.From], To: c.Names[p.To], Count: p.Count,
			Runs: s.runs, Succeeded: s.succeeded, Failed: s.failed, First: s.first, Last: s.last,
		})
	}
	return follows, len(c.pairs)
}
