package aggregates

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// mostOthers is how many candidates may be tried at once beside the first: each has the least chance of an arm, and most runs are left to
// tell them apart.
const mostOthers = 7

// drawOne draws one of several arms by their shares: each draws a lot by the hash of the unit, and the best one for its share wins (weighted
// rendezvous hashing: Schindelhauer and Schomaker, SPAA 2005). A unit leaves its arm only where that loses or another one wins.
func drawOne(experiment, unit string, shares []int) (arm int) {
	best := math.Inf(1)
	for i, share := range shares {
		if share <= 0 {
			continue
		}
		digest := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", experiment, unit, i))
		lot := (float64(binary.BigEndian.Uint64(digest[:])>>11) + .5) / (1 << 53)
		if score := -math.Log(lot) / float64(share); score < best {
			arm, best = i, score
		}
	}
	return arm
}

// checkArms refuses what nobody can have drawn.
func checkArms(arms []events.Arm) error {
	for _, a := range arms {
		if a.Permille < 1 || a.Permille > 1000 {
			return fmt.Errorf("%w: an arm of %s has a chance of %d permille", ErrInvalid, a.Experiment, a.Permille)
		}
	}
	return nil
}

func allocateExperiment(c commands.AllocateExperiment, s Experiment) (events.Experiment, error) {
	if len(s.Others) == 0 || len(c.Shares) != len(s.Shares) {
		return nil, fmt.Errorf("%w: %s has %d shares to give, not %d", ErrInvalid, c.Stream(), len(s.Shares), len(c.Shares))
	}
	sum, dropped := 0, -1
	for i, share := range c.Shares {
		sum += share
		switch {
		case share == 0 && i > 0 && s.Shares[i] == 0:
		case share == 0 && i > 0 && c.Dropped == events.Candidate(i-1):
			dropped = i
		case share < floorPermille || s.Shares[i] == 0:
			return nil, fmt.Errorf("%w: an arm that is in has at least %d permille, and one that is out none: %d of %d", ErrInvalid, floorPermille, c.Shares, s.Shares)
		}
	}
	switch {
	case sum != 1000:
		return nil, fmt.Errorf("%w: the shares %d are %d permille, not all runs", ErrInvalid, c.Shares, sum)
	case 1000-c.Shares[0] > s.MaxShare:
		return nil, fmt.Errorf("%w: without a person the changes may reach %d permille, not %d", ErrPolicy, s.MaxShare, 1000-c.Shares[0])
	case (dropped > 0) != (c.Dropped != ""):
		return nil, fmt.Errorf("%w: %q goes out and keeps a share", ErrInvalid, c.Dropped)
	}
	check := checkProof
	if dropped > 0 {
		check = func(p events.Proof) error { return checkProved(p, float64(s.Plan.FalseAlarms)/1000) }
	}
	if err := check(c.Proof); err != nil {
		return nil, fmt.Errorf("%s can't be allocated: %w", c.Stream(), err)
	}
	return events.ExperimentAllocated{
		Shares: slices.Clone(c.Shares), Dropped: c.Dropped, Guardrail: c.Guardrail, Reason: c.Reason, Proof: c.Proof,
	}, nil
}
