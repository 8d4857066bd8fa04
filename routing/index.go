package routing

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// The constants of BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009), and how often a word of a name
// or of a specialty counts: that is what somebody said the agent is there for.
const (
	saturation = 1.2
	lengthens  = 0.75
	specialty  = 3
)

// Index knows texts by their words. The zero value is empty. It is not safe for concurrent use. Thousands of prompts are in it, so that
// both words and those who have them are numbers.
type Index struct {
	stems stems
	// numbers are those of words by their stems, and having who has the word of a number. A word that nobody has any more keeps its number.
	numbers map[string]uint32
	having  [][]having
	// profiles are those who were put in, by their number: free ones are those of who was dropped.
	profiles []profile
	named    map[string]uint32
	free     []uint32
	length   int
}

type profile struct {
	name   string
	words  []uint32
	length int
}

// having is somebody who has a word, and how often.
type having struct {
	of    uint32
	times uint16
	// special tells that it stands in the name or in the specialty.
	special bool
}

// Put takes in what a name stands for from now on.
func (x *Index) Put(name, role, prompt string) {
	x.Drop(name)
	if x.named == nil {
		x.numbers, x.named = map[string]uint32{}, map[string]uint32{}
	}
	at := uint32(len(x.profiles)) //nolint:gosec // there are not so many
	if n := len(x.free); n > 0 {
		at, x.free = x.free[n-1], x.free[:n-1]
	} else {
		x.profiles = append(x.profiles, profile{})
	}
	p := profile{name: strings.Clone(name)}
	add := func(text string, times int) {
		for word := range x.stems.words(text) {
			number, known := x.numbers[word]
			if !known {
				number = uint32(len(x.having)) //nolint:gosec // nor are there so many words
				x.numbers[word], x.having = number, append(x.having, nil)
			}
			all := x.having[number]
			if n := len(all); n == 0 || all[n-1].of != at {
				all = append(all, having{of: at})
				p.words = append(p.words, number)
			}
			h := &all[len(all)-1]
			h.times = uint16(min(int(h.times)+times, math.MaxUint16)) //nolint:gosec // bounded
			h.special = h.special || times == specialty
			x.having[number] = all
			p.length += times
		}
	}
	add(name+" "+role, specialty)
	add(prompt, 1)
	p.words = slices.Clip(p.words)
	x.profiles[at], x.named[p.name] = p, at
	x.length += p.length
}

// Drop forgets a name.
func (x *Index) Drop(name string) {
	at, known := x.named[name]
	if !known {
		return
	}
	p := x.profiles[at]
	delete(x.named, name)
	x.length -= p.length
	for _, word := range p.words {
		x.having[word] = slices.DeleteFunc(x.having[word], func(h having) bool { return h.of == at })
	}
	x.profiles[at], x.free = profile{}, append(x.free, at)
}

// Match is somebody that a task fits.
type Match struct {
	Name string
	// Score is by BM25: the higher, the rarer and the more often said are the words that the two share.
	Score float64
	// Words are those, by their stems, the weightiest first.
	Words []string
}

// Told are the weightiest of its words, for a person.
func (m Match) Told() string { return strings.Join(m.Words[:min(len(m.Words), 8)], ", ") }

// common is how many there have to be before a word that most of them have tells nobody apart.
const common = 4

// Fitting are those whose words a task shares, the best first: one word of a name or a specialty, or two of a prompt. One that
// more than half of them have does not count.
func (x *Index) Fitting(task string) []Match {
	words := Words(task)
	slices.Sort(words)
	type found struct {
		Match
		weights []float64
		fits    int
	}
	scored := map[uint32]*found{}
	count := float64(len(x.named))
	for _, word := range slices.Compact(words) {
		number, known := x.numbers[word]
		if !known {
			continue
		}
		all := x.having[number]
		n := float64(len(all))
		weight := math.Log1p((count - n + 0.5) / (n + 0.5))
		for _, h := range all {
			p := &x.profiles[h.of]
			times := float64(h.times)
			norm := 1 - lengthens + lengthens*float64(p.length)*count/float64(x.length)
			score := weight * times * (saturation + 1) / (times + saturation*norm)
			f := scored[h.of]
			if f == nil {
				f = &found{Match: Match{Name: p.name}}
				scored[h.of] = f
			}
			f.Score += float64(score)
			f.Words, f.weights = append(f.Words, word), append(f.weights, score)
			switch {
			case len(x.named) >= common && 2*len(all) > len(x.named):
			case h.special:
				f.fits += 2
			default:
				f.fits++
			}
		}
	}
	var fitting []Match
	for _, f := range scored {
		if f.fits < 2 {
			continue
		}
		order := make([]int, len(f.Words))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(f.weights[b], f.weights[a]) })
		sorted := make([]string, len(order))
		for i, at := range order {
			sorted[i] = f.Words[at]
		}
		f.Words = sorted
		fitting = append(fitting, f.Match)
	}
	slices.SortFunc(fitting, func(a, b Match) int { return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.Name, b.Name)) })
	return fitting
}
