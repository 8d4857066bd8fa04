package routing

import (
	"slices"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// Record is how somebody did on tasks that are like one.
type Record struct {
	// Rated counts those that have a verdict or an end that tells, and Succeeded those of them that succeeded.
	Rated, Succeeded int64
}

// tells is how many have to be rated: of fewer no lower bound can be a half, so that nothing is known yet.
const tells = 4

// Holds tells that nothing speaks against the one that has the record: the lower bound of its success, at 95%, is a half or
// more, or too little is known.
func (r Record) Holds() bool { return r.Rated < tells || r.Low() >= 0.5 }

// Known tells that there is enough to go by.
func (r Record) Known() bool { return r.Rated >= tells }

// Low is the lower bound of the success, at 95%.
func (r Record) Low() float64 { return stats.Wilson(r.Succeeded, r.Rated, 0.95).Low }

// Like tells whether a text is a task like the one that fits by those words: it has half of them or more.
func Like(words []string, text string) bool {
	has := Words(text)
	n := 0
	for _, word := range words {
		if slices.Contains(has, word) {
			n++
		}
	}
	return n > 0 && 2*n >= len(words)
}
