package mining

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/kljensen/snowball/english"
)

// Text is what somebody wrote.
type Text struct{ By, Says string }

// Theme is what several people's texts share: a word, or two that follow one another.
type Theme struct {
	// Term are their stems, Word how they are written most often.
	Term, Word string
	// Texts are the places of the texts, ascending.
	Texts []int
	// People is how many of the texts each person wrote.
	People map[string]int64
}

// Themes puts texts together by the words that they share: the term that most people use first, then the one that most of the others do. A
// text is in one of them. Of one person's texts the latest count, so many as perPerson says; what one person alone writes is left out, and
// so are words by these stems.
func Themes(texts []Text, perPerson int, without map[string]bool) []*Theme {
	type use struct {
		term string
		text int
	}
	by := map[string]*Theme{}
	var uses []use
	spelled := map[string]map[string]int{}
	counted := map[string]int{}
	for i, t := range slices.Backward(texts) {
		if counted[t.By]++; counted[t.By] > perPerson {
			continue
		}
		for term, word := range termsOf(t.Says, without) {
			uses = append(uses, use{term, i})
			if spelled[term] == nil {
				spelled[term] = map[string]int{}
			}
			spelled[term][word]++
		}
	}
	taken := make([]bool, len(texts))
	var list []*Theme
	for {
		clear(by)
		for _, u := range uses {
			if taken[u.text] {
				continue
			}
			x := by[u.term]
			if x == nil {
				x = &Theme{Term: u.term, People: map[string]int64{}}
				by[u.term] = x
			}
			x.Texts = append(x.Texts, u.text)
			x.People[texts[u.text].By]++
		}
		var best *Theme
		for _, x := range by {
			if len(x.People) > 1 && (best == nil || better(x, best) < 0) {
				best = x
			}
		}
		if best == nil {
			return list
		}
		for _, i := range best.Texts {
			taken[i] = true
		}
		slices.Sort(best.Texts)
		words := spelled[best.Term]
		best.Word = slices.MinFunc(slices.Collect(maps.Keys(words)), func(a, b string) int {
			return cmp.Or(cmp.Compare(words[b], words[a]), cmp.Compare(a, b))
		})
		list = append(list, best)
	}
}

// better orders themes: by people, by how often, two words before one, then by the alphabet.
func better(a, b *Theme) int {
	pair := func(x *Theme) int { return strings.Count(x.Term, " ") }
	return cmp.Or(
		cmp.Compare(len(b.People), len(a.People)), cmp.Compare(len(b.Texts), len(a.Texts)), cmp.Compare(pair(b), pair(a)), cmp.Compare(a.Term, b.Term),
	)
}

// MaxText is how much of a text is looked at, in bytes: more is an answer, or a pasted document.
const MaxText = 2000

// Terms are the words of a text that mean something, and those that follow one another, by their stems (Porter2), with how they
// are written.
func Terms(text string) map[string]string { return termsOf(text, nil) }

func termsOf(text string, without map[string]bool) map[string]string {
	if len(text) > MaxText {
		text = strings.ToValidUTF8(text[:MaxText], "")
	}
	found := map[string]string{}
	before, written := "", ""
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' }) {
		word = strings.Trim(word, "'")
		if english.IsStopWord(word) || len(word) < 3 || len(word) > 40 {
			continue
		}
		stem := english.Stem(word, false)
		if without[stem] {
			continue
		}
		found[stem] = word
		if before != "" {
			found[before+" "+stem] = written + " " + word
		}
		before, written = stem, word
	}
	return found
}
