// Package aggregates holds the pure deciders: what a wish becomes, given what happened so far. No clock, no
// randomness, no I/O.
package aggregates
