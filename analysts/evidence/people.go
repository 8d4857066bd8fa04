package evidence

import (
	"maps"
	"slices"
)

// Advised is the kind of claim that people write what to do about an error. What they wish for stands there, and is said by no other analyst again.
const Advised = "advised"

// several people are no one of them: what runs of so many have in common is nobody's words.
const several = 3

// People are those who asked for the runs that a text tells of.
type People map[string]bool

// Met counts whoever asked for a run, who may be nobody.
func (p People) Met(requester string) { p[requester] = true }

// Few are the people whose words a text is that all of their runs have in common: one or two. What runs of three people, or of nobody, have in
// common is nobody's words, and stays when one of them is forgotten.
func (p People) Few() []string {
	if len(p) >= several || p[""] {
		return nil
	}
	return slices.Sorted(maps.Keys(p))
}
