package mining

import (
	"iter"
	"slices"
)

// Coded are variants by the numbers of their steps. A history may have as many names of steps as it has steps, and nearly as many pairs
// of neighbours: what is counted of each is kept small.
type Coded struct {
	Variants []Variant
	// Names are the steps in the order in which they came, Number is the place of each in it.
	Names  []string
	Number map[string]int32
	// steps are those of all variants, one after another; ends is where each one's end. holders and until are likewise the variants
	// that hold each step.
	steps, holders []int32
	ends, until    []int
	pairs          map[uint64]pairSum
}

// pairSum is how often a step comes directly after another, and in how many runs.
type pairSum struct {
	count, runs int64
	seen        int32
}

// Code numbers the steps of variants.
func Code(variants []Variant) *Coded {
	c := &Coded{Variants: variants, Number: map[string]int32{}, ends: make([]int, len(variants)), pairs: map[uint64]pairSum{}}
	total := 0
	for i := range variants {
		total += len(variants[i].Steps)
	}
	c.steps = make([]int32, 0, total)
	var seen []int32 // the last variant with each, from 1
	for i := range variants {
		v, latest := &variants[i], int32(i+1) //nolint:gosec // a variant's number
		for k, s := range v.Steps {
			n, ok := c.Number[s]
			if !ok {
				n = int32(len(c.Names)) //nolint:gosec // at most one a step
				c.Number[s] = n
				c.Names, c.until, seen = append(c.Names, s), append(c.until, 0), append(seen, 0)
			}
			if seen[n] != latest {
				seen[n] = latest
				c.until[n]++
			}
			c.steps = append(c.steps, n)
			if k > 0 && v.Runs > 0 {
				pair := pairOf(c.steps[len(c.steps)-2], n)
				sum := c.pairs[pair]
				if sum.count += v.Runs; sum.seen != latest {
					sum.seen, sum.runs = latest, sum.runs+v.Runs
				}
				c.pairs[pair] = sum
			}
		}
		c.ends[i] = len(c.steps)
	}
	held := 0
	for n, holders := range c.until {
		c.until[n], held = held, held+holders
	}
	c.holders = make([]int32, held)
	clear(seen)
	for i := range variants {
		latest := int32(i + 1) //nolint:gosec // a variant's number
		for _, n := range c.Trace(i) {
			if seen[n] != latest {
				seen[n] = latest
				c.holders[c.until[n]] = latest - 1
				c.until[n]++
			}
		}
	}
	return c
}

func pairOf(from, to int32) uint64 { return uint64(from)<<32 | uint64(to) } //nolint:gosec // numbers are not negative

// Trace is the steps of a variant.
func (c *Coded) Trace(variant int) []int32 {
	from := 0
	if variant > 0 {
		from = c.ends[variant-1]
	}
	return c.steps[from:c.ends[variant]]
}

// Holders are the variants with a step, ascending.
func (c *Coded) Holders(step string) []int32 {
	n, ok := c.Number[step]
	if !ok {
		return nil
	}
	from := 0
	if n > 0 {
		from = c.until[n-1]
	}
	return c.holders[from:c.until[n]:c.until[n]]
}

// Pair is a step that comes directly after another in runs.
type Pair struct {
	From, To int32
	Count    int64 // how often
	Runs     int64 // in how many runs
}

// Pairs are all pairs of neighbours, in no order.
func (c *Coded) Pairs() iter.Seq[Pair] {
	return func(yield func(Pair) bool) {
		for pair, sum := range c.pairs {
			if !yield(Pair{int32(pair >> 32), int32(pair & (1<<32 - 1)), sum.count, sum.runs}) { //nolint:gosec // two numbers
				return
			}
		}
	}
}

// Top are the first n by an order, sorted, without room for the others.
func Top[T any](all iter.Seq[T], n int, compare func(a, b T) int) []T {
	const more = 1024
	var top []T
	for x := range all {
		if len(top) >= n+more {
			slices.SortFunc(top, compare)
			clear(top[n:])
			top = top[:n]
		}
		top = append(top, x)
	}
	slices.SortFunc(top, compare)
	return top[:min(len(top), n)]
}
