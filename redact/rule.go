package redact

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"

	_ "embed"

	jsonv2 "github.com/go-json-experiment/json"
)

// rule is the shape of one kind of credential.
type rule struct {
	id string
	// keywords are texts of which one stands in all that the pattern matches. In lower case they stand for any case.
	keywords []string
	pattern  func() *regexp.Regexp
	// anchored tells that a match begins with its keyword. Then the text before it is not looked at, but for whole:
	// the keyword must not be the end of a longer word.
	anchored, whole bool
	// group is the part of a match that is the secret. 0 is the first group that matched, or all of it.
	group int
	// entropy is how many bits a byte of the secret must have at least: words have fewer than keys.
	entropy float64
	// valid, where it is set, has the last word.
	valid func(secret string) bool
}

// compiled compiles a pattern when it is first needed: most programs need none.
func compiled(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// gitleaks is what `make rules` wrote: the rules of that project, under the licence in gitleaks.LICENSE.
//
//go:embed gitleaks.json
var gitleaks []byte

func gitleaksRules() []rule {
	var file struct {
		Rules []struct {
			ID       string   `json:"id"`
			Regex    string   `json:"regex"`
			Group    int      `json:"group"`
			Entropy  float64  `json:"entropy"`
			Keywords []string `json:"keywords"`
		} `json:"rules"`
	}
	if err := jsonv2.Unmarshal(gitleaks, &file); err != nil {
		panic("redact: gitleaks.json: " + err.Error()) // it is part of the program
	}
	rules := make([]rule, len(file.Rules))
	for i, r := range file.Rules {
		rules[i] = rule{id: r.ID, keywords: r.Keywords, pattern: compiled(r.Regex), group: r.Group, entropy: r.Entropy}
	}
	return rules
}

// rules are all rules, with the automaton that finds their keywords and the rules of each keyword.
type rules struct {
	all      []rule
	keywords *keywords
	of       [][]int
}

// known is built when the first fact is looked at.
var known = sync.OnceValue(func() *rules {
	r := &rules{all: append(own(), gitleaksRules()...)}
	index := map[string]int{}
	var words []keyword
	for i := range r.all {
		for _, text := range r.all[i].keywords {
			w := keyword{word: strings.ToLower(text), whole: r.all[i].whole}
			if w.word != text {
				w.exact = text
			}
			at, there := index[w.word]
			if !there {
				at = len(words)
				index[w.word], words, r.of = at, append(words, w), append(r.of, nil)
			}
			r.of[at] = append(r.of[at], i)
			// What one rule takes, another may not miss.
			words[at].whole = words[at].whole && w.whole
			if words[at].exact != w.exact {
				words[at].exact = ""
			}
		}
	}
	r.keywords = newKeywords(words)
	return r
})

// Beyond a keyword a pattern is tried on a window of the text: a conversation can be of megabytes, and regular
// expressions are slow on them. A match that reaches a window's end is looked for again behind it.
const (
	windowBefore = 128
	windowBehind = 1024
)

type span struct{ from, to int }

// hit is a secret in a text, and the rule that knows it.
type hit struct {
	span
	rule string
}

// find lists the secrets in a text, in order and apart.
func (r *rules) find(text string) []hit {
	hits := r.scan(text)
	if strings.IndexByte(text, '\\') >= 0 {
		more := r.scan(unescaped(text))
		var places []*int
		for i := range more {
			places = append(places, &more[i].from, &more[i].to)
		}
		slices.SortFunc(places, func(a, b *int) int { return *a - *b })
		escapedAt(text, places)
		hits = append(hits, more...)
	}
	slices.SortFunc(hits, func(a, b hit) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.to - a.to
	})
	apart := hits[:0]
	for _, h := range hits {
		if last := len(apart) - 1; last >= 0 && h.from < apart[last].to {
			apart[last].to = max(apart[last].to, h.to)
			continue
		}
		apart = append(apart, h)
	}
	return apart
}

func (r *rules) scan(text string) (hits []hit) {
	var windows map[int][]span
	r.keywords.each(text, func(word, start int) {
		for _, i := range r.of[word] {
			rule := &r.all[i]
			if rule.anchored {
				if !rule.whole || start == 0 || !wordByte(text[start-1]) {
					hits = rule.at(hits, text, start)
				}
				continue
			}
			w := span{max(0, start-windowBefore), min(len(text), start+windowBehind)}
			if windows == nil {
				windows = map[int][]span{}
			}
			if last := len(windows[i]) - 1; last >= 0 && w.from <= windows[i][last].to {
				windows[i][last].to = w.to
				continue
			}
			windows[i] = append(windows[i], w)
		}
	})
	for i, spans := range windows {
		for _, w := range spans {
			hits = r.all[i].within(hits, text, w)
		}
	}
	return hits
}

// at looks for a match that begins at a place.
func (r *rule) at(hits []hit, text string, start int) []hit {
	end := min(len(text), start+windowBehind)
	m := r.pattern().FindStringSubmatchIndex(text[start:end])
	if end < len(text) && (m == nil || m[1] == end-start) {
		// It may be a long one. Where it is none, a pattern that begins at a place gives up at once.
		m = r.pattern().FindStringSubmatchIndex(text[start:])
	}
	return r.take(hits, text, start, m)
}

// within looks for matches in a part of a text.
func (r *rule) within(hits []hit, text string, w span) []hit {
	for from := w.from; from < w.to; {
		m := r.pattern().FindStringSubmatchIndex(text[from:w.to])
		if m == nil {
			return hits
		}
		if m[1] == w.to-from && w.to < len(text) {
			w.to = min(len(text), w.to+(w.to-w.from))
			continue
		}
		hits = r.take(hits, text, from, m)
		from += max(m[1], m[0]+1)
	}
	return hits
}

// take adds what a match holds of a secret, if it is one.
func (r *rule) take(hits []hit, text string, offset int, m []int) []hit {
	if m == nil {
		return hits
	}
	group := r.group
	for g := 1; group == 0 && 2*g < len(m); g++ {
		if m[2*g] >= 0 {
			group = g
		}
	}
	from, to := m[2*group], m[2*group+1]
	if from < 0 || from == to {
		return hits
	}
	secret := text[offset+from : offset+to]
	if r.entropy > 0 && entropy(secret) < r.entropy || r.valid != nil && !r.valid(secret) {
		return hits
	}
	return append(hits, hit{span{offset + from, offset + to}, r.id})
}

// entropy is Shannon's, in bits a byte.
func entropy(s string) float64 {
	var counts [256]int
	for i := range len(s) {
		counts[s[i]]++
	}
	bits := 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(s))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
