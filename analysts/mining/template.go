package mining

import (
	"regexp"
	"strings"
	"unicode"
)

// Templates groups texts that differ in what was filled into them only (Drain: He, Zhu, Zheng and Lyu, ICWS 2017): by their
// number of words, then their first words, then to the most similar group where enough words are equal. The zero value is
// ready. A group keeps its number; the same texts in the same order have the same groups.
type Templates struct {
	lengths map[int]*templateNode
	groups  []templateGroup
}

type templateNode struct {
	children map[string]*templateNode
	groups   []int
}

type templateGroup struct {
	words []string
	first string
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
	{regexp.MustCompile(`[+-]?\b\d+(?:[.,:]\d+)*`), "<num>"},
}

// Mask writes what is usually filled in (addresses, paths, numbers) as what it is.
func Mask(text string) string {
	for _, m := range masks {
		text = m.found.ReplaceAllString(text, m.as)
	}
	return text
}

// Add puts a text into its group, and returns the group's number.
func (t *Templates) Add(text string) int {
	masked := Mask(text)
	words := strings.Fields(masked)
	words = words[:min(len(words), templateWords)]
	if t.lengths == nil {
		t.lengths = map[int]*templateNode{}
	}
	node := t.lengths[len(words)]
	if node == nil {
		node = &templateNode{}
		t.lengths[len(words)] = node
	}
	for _, w := range words[:min(len(words), templateDepth)] {
		if strings.ContainsFunc(w, unicode.IsDigit) || strings.Contains(w, "<") {
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
		node.groups = append(node.groups, len(t.groups))
		t.groups = append(t.groups, templateGroup{words, strings.Join(words, " ")})
		return len(t.groups) - 1
	}
	group := t.groups[best].words
	for i, w := range words {
		if group[i] != w {
			group[i] = Blank
		}
	}
	return best
}

// Template is what the texts of a group have in common, with blanks.
func (t *Templates) Template(group int) string { return strings.Join(t.groups[group].words, " ") }

// First is the first text of a group with what is usually filled in taken out: it stays while the template gets more blanks.
func (t *Templates) First(group int) string { return t.groups[group].first }
