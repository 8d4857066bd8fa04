package workflow

import (
	"cmp"
	"slices"
	"strings"
)

// ordered is how many times as many runs must hold a sequence as hold it backwards: below that its order says nothing
// that its steps don't say.
const ordered = 2

// goOn is the share of a part's runs that must hold the longer sequence for it to stand in the part's place.
const goOn = 0.4

// maxSequences is how many sequences of a workflow are tested beside one another, the most frequent ones.
const maxSequences = 30

// held is who holds a sequence.
type held struct {
	members []int32
	places  []int
	runs    int64
}

// sequenceHypotheses: the run holds a frequent sequence of two steps or more, beside all others that are tested: what goes
// with one sequence would blur the comparison of another.
//
// Few are tested, chosen without a look at how runs end. The closed ones are; whose order is more than chance; and of a
// sequence and its parts the one that most runs mean: a longer one where enough runs of a part go on to it, and then in its
// place.
func (c *cohort) sequenceHypotheses(o Options) []*hypothesis {
	supports := map[string]held{}
	holding := func(seq []string) held {
		key := strings.Join(seq, "\x00")
		h, ok := supports[key]
		if !ok {
			h = c.holding(seq)
			supports[key] = h
		}
		return h
	}
	var chosen [][]string
	for _, p := range c.mined.Patterns {
		if len(chosen) == o.MaxHypotheses {
			break
		}
		if len(p.Steps) > 1 {
			chosen = append(chosen, p.Steps)
		}
	}
	covered := map[string]bool{} // parts that most runs mean as something longer
	var kept [][]string
	for _, seq := range chosen {
		runs := holding(seq).runs
		back := slices.Clone(seq)
		slices.Reverse(back)
		if runs < ordered*holding(back).runs {
			continue
		}
		parts := partsOf(seq)
		meant := len(parts) == 0
		for _, part := range parts {
			meant = meant || goOn*float64(holding(part).runs) <= float64(runs)
		}
		if !meant {
			continue
		}
		kept = append(kept, seq)
		for _, part := range parts {
			if goOn*float64(holding(part).runs) <= float64(runs) {
				covered[strings.Join(part, "\x00")] = true
			}
		}
	}
	kept = slices.DeleteFunc(kept, func(seq []string) bool { return covered[strings.Join(seq, "\x00")] })

	kept = kept[:min(len(kept), maxSequences)]

	of := make([][]int8, len(kept))
	for i, seq := range kept {
		of[i] = make([]int8, len(c.variants))
		for _, v := range holding(seq).members {
			of[i][v] = 1
		}
	}
	var all []*hypothesis
	for i, seq := range kept {
		own := holding(seq)
		var beside [][]int8
		for k, other := range kept {
			if k != i && endOf(other, seq) < 0 && endOf(seq, other) < 0 {
				beside = append(beside, of[k])
			}
		}
		all = append(all, &hypothesis{
			cohort: c, feature: sequence, subject: seq, beside: beside, mark: c.onVariants(own.members, own.places, nil),
		})
	}
	return all
}

// partsOf are the sequences of two steps or more that lack one step of it.
func partsOf(seq []string) [][]string {
	if len(seq) < 3 {
		return nil
	}
	parts := make([][]string, len(seq))
	for i := range seq {
		parts[i] = slices.Concat(seq[:i], seq[i+1:])
	}
	return parts
}

// holding finds the variants that hold a sequence. Only those that hold its rarest step can.
func (c *cohort) holding(seq []string) held {
	var h held
	rarest := slices.MinFunc(seq, func(a, b string) int { return cmp.Compare(len(c.coded.Holders(a)), len(c.coded.Holders(b))) })
	for _, v := range c.coded.Holders(rarest) {
		if end := endOf(c.variants[v].Steps, seq); end >= 0 {
			h.members, h.places = append(h.members, v), append(h.places, end)
			h.runs += c.variants[v].Runs
		}
	}
	return h
}
