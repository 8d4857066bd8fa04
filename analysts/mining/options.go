package mining

import (
	"errors"
	"fmt"
	"math"
)

// Options bounds what is mined. The zero value works.
type Options struct {
	// MinSupport is how many runs must hold a sequence: below 1 a share of all runs, two at the least, since what one run did does
	// not recur; from 1 on a number of runs. Default 0.05.
	MinSupport float64
	// MaxLength is the greatest number of steps in a sequence, at most Longest. Default 6.
	MaxLength int
	// MaxPatterns is how many sequences may be listed before ErrTooMany. Default 100,000.
	MaxPatterns int
	// All lists every frequent sequence, not only those that tell something of their own.
	All bool
}

// Longest is the greatest MaxLength.
const Longest = 64

const (
	defaultSupport  = 0.05
	defaultLength   = 6
	defaultPatterns = 100_000
	// visitsPerPattern bounds the search where most of what it visits is not listed.
	visitsPerPattern = 50
)

// ErrOptions tells that an option is out of its range.
var ErrOptions = errors.New("mining option out of range")

// ErrTooMany tells that there are more frequent sequences than may be listed. It comes as a *TooManyError.
var ErrTooMany = errors.New("too many frequent sequences")

// TooManyError carries the bounds that were too wide. Nothing was listed: a part of the answer would look like all.
type TooManyError struct {
	// Limit is MaxPatterns; Support the runs that were asked for, Runs all runs; MaxLength the longest sequence.
	Limit         int
	Support, Runs int64
	MaxLength     int
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("%v: more than %d sequences of up to %d steps are in at least %d of %d runs; raise --min-support or lower --max-length",
		ErrTooMany, e.Limit, e.MaxLength, e.Support, e.Runs)
}

// Is makes errors.Is(err, ErrTooMany) true.
func (e *TooManyError) Is(target error) bool { return target == ErrTooMany }

// Support is the number of runs that MinSupport means among so many, at least 1, and 2 of a share. It returns ErrOptions for a negative
// number, a fraction above 1, or what is no number at all.
func (o Options) Support(runs int64) (int64, error) {
	s := o.MinSupport
	switch {
	case math.IsNaN(s) || s < 0 || s > math.MaxInt32:
		return 0, fmt.Errorf("%w: min support %v; give a share below 1 or a number of runs", ErrOptions, s)
	case s > 1 && s != math.Trunc(s):
		return 0, fmt.Errorf("%w: min support %v is no whole number of runs; give a share below 1 or a whole number", ErrOptions, s)
	case s >= 1:
		return int64(s), nil
	case s == 0:
		s = defaultSupport
	}
	// The tolerance keeps a tenth of 30 runs at 3, where binary fractions make it a hair more.
	return max(2, int64(math.Ceil(s*float64(runs)-1e-9))), nil
}

// Check tells whether all options are in their ranges: it returns ErrOptions.
func (o Options) Check() error {
	if _, err := o.Support(0); err != nil {
		return err
	}
	_, err := o.bounded()
	return err
}

// bounded fills in the defaults and checks the rest.
func (o Options) bounded() (Options, error) {
	if o.MaxLength == 0 {
		o.MaxLength = defaultLength
	}
	if o.MaxLength < 1 || o.MaxLength > Longest {
		return o, fmt.Errorf("%w: max length %d; give 1 to %d", ErrOptions, o.MaxLength, Longest)
	}
	if o.MaxPatterns == 0 {
		o.MaxPatterns = defaultPatterns
	}
	if o.MaxPatterns < 1 {
		return o, fmt.Errorf("%w: at most %d patterns; give 1 or more", ErrOptions, o.MaxPatterns)
	}
	return o, nil
}
