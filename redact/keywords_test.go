package redact

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestKeywordsAreFoundWhereTheyStand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOfN(rapid.RuneFrom([]rune("ab-")), 1, 4, -1)
		words := rapid.SliceOfNDistinct(letters, 1, 6, rapid.ID[string]).Draw(t, "words")
		text := rapid.StringOf(rapid.RuneFrom([]rune("abAB-x\u00e9"))).Draw(t, "text")
		type place struct{ word, start int }
		var want, got []place
		for i := range text {
			for w, word := range words {
				if len(text)-i >= len(word) && strings.EqualFold(text[i:i+len(word)], word) {
					want = append(want, place{w, i})
				}
			}
		}
		all := make([]keyword, len(words))
		for i, w := range words {
			all[i].word = w
		}
		k := newKeywords(all)
		k.each(text, func(word, start int) { got = append(got, place{word, start}) })
		order := func(a, b place) int { return (a.start-b.start)*100 + a.word - b.word }
		slices.SortFunc(got, order)
		slices.SortFunc(want, order)
		if !slices.Equal(got, want) || k.in([]byte(text)) != (len(want) > 0) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// A pattern that does not compile, or a keyword that JSON escapes, would be found only when it is needed.
func TestEveryRuleCanBeUsed(t *testing.T) {
	t.Parallel()
	for _, r := range known().all {
		r.pattern()
		for _, k := range r.keywords {
			if len(k) < 2 || strings.ContainsAny(k, "<>&\\\"\n\t") || strings.IndexFunc(k, func(r rune) bool { return r > '~' }) >= 0 {
				t.Errorf("rule %s: keyword %q", r.id, k)
			}
		}
	}
}
