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
	// having are those that have a word.
	having map[string][]*profile
	length int
}

type profile struct {
	name   string
	terms  []term
	length int
}

type term struct {
	word  string
	times int
	// special tells that it stands in the name or in the specialty.
	special bool
}

// Put takes in what a name stands for from now on.
func (x *Index) Put(name, role, prompt string) {
	x.Drop(name)
	if x.profiles == nil {
		x.profiles, x.having = map[string]*profile{}, map[string][]*profile{}
	}
	p := &profile{name: strings.Clone(name)}
	at := map[string]int{}
	add := func(text string, times int) {
		for _, word := range Words(text) {
			i, known := at[word]
			if !known {
				i = len(p.terms)
				at[word] = i
				p.terms = append(p.terms, term{word: x.spelled(word)})
			}
			p.terms[i].times += times
			p.terms[i].special = p.terms[i].special || times == specialty
			p.length += times
		}
	}
	add(name+" "+role, specialty)
	add(prompt, 1)
	p.terms = slices.Clip(p.terms)
	for _, t := range p.terms {
		x.having[t.word] = append(x.having[t.word], p)
	}
	x.profiles[p.name] = p
	x.length += p.length
}

// spelled is a word as it is kept already, so that ten thousand prompts share one.
func (x *Index) spelled(word string) string {
	if all := x.having[word]; len(all) > 0 {
		i := slices.IndexFunc(all[0].terms, func(t term) bool { return t.word == word })
		return all[0].terms[i].word
	}
	return strings.Clone(word)
}

// Drop forgets a name.
func (x *Index) Drop(name string) {
	p := x.profiles[name]
	if p == nil {
		return
	}
	delete(x.profiles, name)
	x.length -= p.length
	for _, t := range p.terms {
		rest := slices.DeleteFunc(x.having[t.word], func(other *profile) bool { return other == p })
		if x.having[t.word] = rest; len(rest) == 0 {
			delete(x.having, t.word)
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
	all := map[*profile]*found{}
	count := float64(len(x.profiles))
	for _, word := range slices.Compact(words) {
		having := x.having[word]
		n := float64(len(having))
		weight := math.Log1p((count - n + 0.5) / (n + 0.5))
		for _, p := range having {
			i := slices.IndexFunc(p.terms, func(t term) bool { return t.word == word })
			times := float64(p.terms[i].times)
			norm := 1 - lengthens + lengthens*float64(p.length)*count/float64(x.length)
			score := weight * times * (saturation + 1) / (times + saturation*norm)
			f := all[p]
			if f == nil {
				f = &found{Match: Match{Name: p.name}}
				all[p] = f
			}
			f.Score += float64(score)
			f.Words, f.weights = append(f.Words, word), append(f.weights, score)
			switch {
			case len(x.profiles) >= common && 2*len(having) > len(x.profiles):
			case p.terms[i].special:
				f.fits += 2
			default:
				f.fits++
			}
		}
	}
	var fitting []Match
	for _, f := range all {
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
