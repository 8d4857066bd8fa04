package mining

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Templates groups texts that differ in what was filled into them only (Drain: He, Zhu, Zheng and Lyu, ICWS 2017): by their
// number of words, then their first words, then to the most similar group where enough words are equal. The zero value is
// ready. A group keeps its number; the same texts in the same order have the same groups.
type Templates struct {
	lengths map[int]*templateNode
	groups  []templateGroup
	// merged is the group that each has become one with, by Settle.
	merged []int
}

type templateNode struct {
	children map[string]*templateNode
	groups   []int
}

type templateGroup struct {
	words []string
	first []string
	texts int
	// seen are the words that stood in each place, while they are few.
	seen []map[string]int
	// apart are the places in which each word makes an error of its own.
	apart []int
}

const (
	// templateDepth is how many first words lead to a group, templateChildren how many different ones a place may have.
	templateDepth    = 2
	templateChildren = 100
	// templateSimilarity is the share of equal words from which on a text belongs to a group.
	templateSimilarity = 0.4
	// templateWords is how many words of a text are looked at.
	templateWords = 200
	// Blank stands for a word that differs.
	Blank = "<*>"
)

// masks are what is filled in, whatever the text, the longer kinds first.
var masks = []struct {
	found *regexp.Regexp
	as    string
}{
	{regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"'<>)\]]+`), "<url>"},
	{regexp.MustCompile(`\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b`), "<uuid>"},
	{regexp.MustCompile(`(^|[\s=("'\[:,])(?:/|\./|~/|[A-Za-z]:\\)[\w.\-@+\\/]*`), "$1<path>"},
	{regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b`), "<ip>"},
	{regexp.MustCompile(`\b0[xX][0-9a-fA-F]+\b|\b[0-9a-fA-F]*(?:[0-9][a-fA-F]|[a-fA-F][0-9])[0-9a-fA-F]{6,}\b`), "<hex>"},
	{regexp.MustCompile(`<?\b\d+(?:\.\d+)? (ms|secs?|seconds?|minutes?|hours?|[KMG]i?B)\b`), "<num>$1"},
	{regexp.MustCompile(`[+-]?\b\d+(?:[.,:]\d+)*`), "<num>"},
}

// Mask writes what is usually filled in (addresses, paths, numbers) as what it is.
func Mask(text string) string {
	for _, m := range masks {
		text = m.found.ReplaceAllString(text, m.as)
	}
	return text
}

// words are a text's words with what is usually filled in taken out.
func words(text string) []string {
	list := strings.Fields(Mask(text))
	return list[:min(len(list), templateWords)]
}

// Add puts a text into its group, and returns the group's number.
func (t *Templates) Add(text string) int {
	words := words(text)
	if t.lengths == nil {
		t.lengths = map[int]*templateNode{}
	}
	node := t.lengths[len(words)]
	if node == nil {
		node = &templateNode{}
		t.lengths[len(words)] = node
	}
	for _, w := range words[:min(len(words), templateDepth)] {
		if key, _, ok := strings.Cut(w, "="); ok && key != "" {
			w = key // what it is set to tells no errors apart
		}
		if filled(w) {
			w = Blank
		}
		if node.children == nil {
			node.children = map[string]*templateNode{}
		}
		next := node.children[w]
		if next == nil {
			if len(node.children) >= templateChildren {
				w = Blank
			}
			if next = node.children[w]; next == nil {
				next = &templateNode{}
				node.children[w] = next
			}
		}
		node = next
	}
	best, most, blanks := -1, -1, -1
	for _, g := range node.groups {
		same, open := 0, 0
		for i, w := range t.groups[g].words {
			switch w {
			case Blank:
				open++
			case words[i]:
				same++
			}
		}
		if float64(same) >= templateSimilarity*float64(len(words)) && (same > most || same == most && open > blanks) {
			best, most, blanks = g, same, open
		}
	}
	if best < 0 {
		best = len(t.groups)
		node.groups = append(node.groups, best)
		t.groups = append(t.groups, templateGroup{words: slices.Clone(words), first: words, seen: make([]map[string]int, len(words))})
	}
	t.groups[best].add(words)
	return best
}

func (g *templateGroup) add(words []string) {
	g.texts++
	for i, w := range words {
		if g.words[i] != w {
			g.words[i] = Blank
		}
		g.see(i, w, 1)
	}
}

func (g *templateGroup) see(place int, word string, times int) {
	if g.seen[place] == nil {
		g.seen[place] = map[string]int{}
	}
	if _, ok := g.seen[place][word]; ok || len(g.seen[place]) <= mostKinds {
		g.seen[place][word] += times
	}
}

// filled tells a word that something was filled into.
func filled(word string) bool {
	return strings.ContainsFunc(word, unicode.IsDigit) || strings.Contains(word, "<")
}

// Template is what the texts of a group have in common, with blanks.
func (t *Templates) Template(group int) string { return strings.Join(t.groups[group].words, " ") }

// First is the first text of a group with what is usually filled in taken out: it stays while the template gets more blanks.
func (t *Templates) First(group int) string { return strings.Join(t.groups[group].first, " ") }

const (
	// manyWords is from how many words on, in one of the first places of texts that are alike in all else, these are values.
	manyWords = 6
	// mostKinds is how many words may stand in a place, each kindTexts times on average, to be kinds and not values.
	mostKinds = 4
	kindTexts = 5
)

// Settle looks at all texts that were added together. Groups that differ in one of their first words only, which has many values,
// become one; a place with few words that come often tells kinds of texts.
func (t *Templates) Settle() {
	t.merged = make([]int, len(t.groups))
	for g := range t.groups {
		t.merged[g] = g
		t.groups[g].apart = nil
	}
	for place := range templateDepth {
		alike := map[string][]int{}
		var order []string
		for g := range t.groups {
			if t.merged[g] != g || len(t.groups[g].words) <= place || filled(t.groups[g].words[place]) || constants(t.groups[g].words) < 3 {
				continue
			}
			key := slices.Clone(t.groups[g].words)
			key[place] = Blank
			of := strings.Join(key, " ")
			if alike[of] == nil {
				order = append(order, of)
			}
			alike[of] = append(alike[of], g)
		}
		for _, of := range order {
			if members := alike[of]; len(members) >= manyWords {
				t.merge(members, place)
			}
		}
	}
	for g := range t.groups {
		group := &t.groups[g]
		for place, word := range group.words {
			if t.merged[g] == g && word == Blank && group.kinds(place) {
				group.apart = append(group.apart, place)
			}
		}
	}
}

// constants counts the words of a template that nothing was filled into.
func constants(words []string) (n int) {
	for _, w := range words {
		if !filled(w) {
			n++
		}
	}
	return n
}

func (t *Templates) merge(members []int, place int) {
	into := &t.groups[members[0]]
	for _, g := range members[1:] {
		t.merged[g] = members[0]
		into.texts += t.groups[g].texts
		for i, seen := range t.groups[g].seen {
			for _, word := range slices.Sorted(maps.Keys(seen)) {
				into.see(i, word, seen[word])
			}
		}
	}
	into.words[place] = Blank
}

// answers are words that are values, however few there are of them.
var answers = map[string]bool{"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "null": true, "none": true, "nil": true}

// kinds tells that few words stand in a place, each of which comes again and is nothing but letters.
func (g *templateGroup) kinds(place int) bool {
	seen := g.seen[place]
	if len(seen) < 2 || len(seen) > mostKinds || g.texts < kindTexts*len(seen) {
		return false
	}
	for word, times := range seen {
		letters := strings.TrimFunc(word, unicode.IsPunct)
		if times < 2 || letters == "" || answers[strings.ToLower(letters)] || strings.ContainsFunc(letters, func(r rune) bool { return !unicode.IsLetter(r) }) {
			return false
		}
	}
	return true
}

// Settled is the first text of the group that a text of a group is in after Settle, and what that group has in common.
func (t *Templates) Settled(group int, text string) (first, template string) {
	g := &t.groups[t.merged[group]]
	own, begin, common := words(text), slices.Clone(g.first), slices.Clone(g.words)
	for _, place := range g.apart {
		begin[place], common[place] = own[place], own[place]
	}
	return strings.Join(begin, " "), strings.Join(common, " ")
}

// Fits tells of a text that it is one of those that a template is of.
func Fits(template, text string) bool {
	blanks, own := words(template), words(text)
	return len(own) > 0 && slices.EqualFunc(blanks, own, func(blank, word string) bool { return blank == Blank || blank == word })
}
