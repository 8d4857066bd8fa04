package evidence

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// Known is an improvement as the log holds it.
type Known struct {
	Improvement, Analyst string
	Generation           int
	Change               events.Change
	Claim                events.Claim
	// Strength is what the log holds of its evidence.
	Strength events.Strength
	// Evidence is what it rests on, and Erased tells that somebody is forgotten whose words it held.
	Evidence events.Evidence
	Erased   bool
	// Open tells that it waits to be decided or applied; Ended that it was rejected, rolled back or withdrawn. Applied ones
	// are neither.
	Open, Ended bool
	// EndedAt is the log position of the fact that ended it.
	EndedAt uint64
}

// Change is a new standing of an improvement's claim, with what it is worth where it is proposed still.
type Change struct {
	Improvement string
	Standing
	Worth *events.Worth
}

// forgotten is why a proposal is withdrawn that nobody can read any more.
const forgotten = "Somebody is forgotten whose words it was made of."

// Settle compares what an analyst says today with what the log holds of its improvements. It gives the proposals to
// record (those that stand in the log already keep the generation that stands there), and the improvements whose
// evidence changed.
//
// A change that was rejected, rolled back or withdrawn is proposed again, as the next generation, only when what was
// recorded since carries its claim alone: evidence that was known when a person said no is no reason to ask again.
func Settle(analyst string, known []Known, r Result) (proposals []Proposal, changes []Change) {
	latest := map[string]Known{}
	for _, k := range known {
		if k.Analyst != analyst {
			continue
		}
		first := ProposalID(k.Analyst, k.Change, 1)
		if k.Erased { // what it would change can't be read any more
			first = strings.TrimSuffix(k.Improvement, fmt.Sprintf("-%d", k.Generation))
		}
		if old, ok := latest[first]; !ok || k.Generation > old.Generation {
			latest[first] = k
		}
	}
	worth := map[string]*events.Worth{}
	for _, p := range r.Proposals {
		p.Generation = 1
		if k, ok := latest[p.ID()]; ok {
			p.Generation = max(k.Generation, 1)
			if k.Erased && !k.Ended { // it is said anew, of those who are left
				p.Generation, p.Previous = p.Generation+1, k.Improvement
			}
			if k.Ended && r.Weigh != nil {
				since, tested := r.Weigh(p.Claim, k.EndedAt)
				if !tested || !since.Strength.Claims() {
					continue
				}
				p.Generation, p.Previous = p.Generation+1, k.Improvement
				p.Strength, p.Reason, p.Of, p.Evidence, p.Expected = since.Strength, since.Reason, since.Of, since.Evidence, since.Expected
			}
		}
		if r.OneEach && slices.ContainsFunc(known, func(k Known) bool {
			return k.Open && k.Analyst == analyst && k.Change.Agent == p.Change.Agent && k.Change.Kind == p.Change.Kind && k.Improvement != p.ID()
		}) {
			continue
		}
		proposals = append(proposals, p)
		worth[p.ID()] = p.Worth
	}
	for _, k := range latest {
		if k.Open && k.Erased {
			changes = append(changes, Change{Improvement: k.Improvement, Standing: Standing{Strength: events.Gone, Reason: forgotten, Evidence: k.Evidence}})
			continue
		}
		if !k.Open || r.Weigh == nil || len(k.Claim.Subject) == 0 {
			continue
		}
		if now, tested := r.Weigh(k.Claim, 0); tested && now.Strength != k.Strength {
			changes = append(changes, Change{k.Improvement, now, worth[k.Improvement]})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Improvement, b.Improvement) })
	return proposals, changes
}
