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

// Index knows texts by their words. The zero value is empty. It is not safe for concurrent use.
type Index struct {
	profiles map[string]*profile
	// having are those that have a word, and how.
	having map[string][]having
	length int
}

type profile struct {
	name   string
	words  []string
	length int
}

// having is somebody who has a word.
type having struct {
	*profile
	times int
	// special tells that it stands in the name or in the specialty.
	special bool
}

// Put takes in what a name stands for from now on.
func (x *Index) Put(name, role, prompt string) {
	x.Drop(name)
	if x.profiles == nil {
		x.profiles, x.having = map[string]*profile{}, map[string][]having{}
	}
	p := &profile{name: strings.Clone(name)}
	found := map[string]having{}
	add := func(text string, times int) {
		for _, word := range Words(text) {
			h := found[word]
			found[word] = having{p, h.times + times, h.special || times == specialty}
			p.length += times
		}
	}
	add(name+" "+role, specialty)
	add(prompt, 1)
	p.words = make([]string, 0, len(found))
	for word, h := range found {
		p.words = append(p.words, word)
		x.having[word] = append(x.having[word], h)
	}
	x.profiles[p.name] = p
	x.length += p.length
}

// Drop forgets a name.
func (x *Index) Drop(name string) {
	p := x.profiles[name]
	if p == nil {
		return
	}
	delete(x.profiles, name)
	x.length -= p.length
	for _, word := range p.words {
		rest := slices.DeleteFunc(x.having[word], func(other having) bool { return other.profile == p })
		if x.having[word] = rest; len(rest) == 0 {
			delete(x.having, word)
		}
	}
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
	scored := map[*profile]*found{}
	count := float64(len(x.profiles))
	for _, word := range slices.Compact(words) {
		all := x.having[word]
		n := float64(len(all))
		weight := math.Log1p((count - n + 0.5) / (n + 0.5))
		for _, p := range all {
			times := float64(p.times)
			norm := 1 - lengthens + lengthens*float64(p.length)*count/float64(x.length)
			score := weight * times * (saturation + 1) / (times + saturation*norm)
			f := scored[p.profile]
			if f == nil {
				f = &found{Match: Match{Name: p.name}}
				scored[p.profile] = f
			}
			f.Score += float64(score)
			f.Words, f.weights = append(f.Words, word), append(f.weights, score)
			switch {
			case len(x.profiles) >= common && 2*len(all) > len(x.profiles):
			case p.special:
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
