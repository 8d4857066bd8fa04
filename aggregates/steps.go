package aggregates

import (
	"math/bits"
	"slices"
)

// pageBits is the number of steps in a page of openSteps.
const pageBits = 1024

// openSteps is the set of a run's steps that have started and not finished. It is a value: with and without leave the
// set they are called on as it was, and copy one page, so that a run of 100,000 steps open at once folds in a blink.
type openSteps struct {
	pages []*[pageBits / 64]uint64
}

func (o openSteps) has(step int) bool {
	return step >= 0 && step/pageBits < len(o.pages) && o.pages[step/pageBits][step%pageBits/64]>>(step%64)&1 == 1
}

// with adds a step.
func (o openSteps) with(step int) openSteps {
	for step/pageBits >= len(o.pages) {
		o.pages = append(slices.Clip(o.pages), new([pageBits / 64]uint64))
	}
	return o.flip(step)
}

// all lists the steps in the set.
func (o openSteps) all() (steps []int) {
	for p, page := range o.pages {
		for w, word := range page {
			for ; word != 0; word &= word - 1 {
				steps = append(steps, p*pageBits+w*64+bits.TrailingZeros64(word))
			}
		}
	}
	return steps
}

// without takes a step out that is in the set.
func (o openSteps) without(step int) openSteps { return o.flip(step) }

func (o openSteps) flip(step int) openSteps {
	page := *o.pages[step/pageBits]
	page[step%pageBits/64] ^= 1 << (step % 64)
	o.pages = slices.Clone(o.pages)
	o.pages[step/pageBits] = &page
	return o
}
