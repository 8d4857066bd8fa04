// Package events holds the facts: everything that ever happened, as immutable values with a wire name chosen once.
//
// A fact outlives the code. Its kind is never derived from a Go type, its golden JSON must decode for ever, and a
// changed shape gets a new schema version with an upcaster from the old one.
package events
