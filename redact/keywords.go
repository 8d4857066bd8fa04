package redact

import "strings"

// keywords finds words of a fixed list in one pass over a text, whatever their case: Aho and Corasick's automaton, as a
// table of states by classes of bytes. Facts are scanned on their way into the log, so that most must cost no more.
type keywords struct {
	// class is what a byte counts as. All bytes that stand in no word are one class, 0.
	class [256]uint8
	// next is the state by state and class, in rows of width classes. Behind link, the states in which a word ends are
	// marked.
	next []uint16
	// found are the words that end in a state, the longest first.
	found [][]int
	words []keyword
}

// width is the room for classes of bytes: letters, digits and what else stands in keys.
const width = 64

// marked is the bit of a state in which a word ends.
const marked = 1 << 15

// keyword is a word to be found.
type keyword struct {
	// word is in lower case.
	word string
	// exact is the case that it must have, where it must have one.
	exact string
	// whole tells that it must not be the end of a longer word.
	whole bool
}

// newKeywords builds the automaton.
func newKeywords(words []keyword) *keywords {
	k, classes := &keywords{words: words}, uint8(1)
	for _, w := range words {
		for _, b := range []byte(w.word) {
			if k.class[b] == 0 {
				k.class[b], k.class[strings.ToUpper(string(rune(b)))[0]] = classes, classes
				classes++
			}
		}
	}
	if classes > width {
		panic("redact: the keywords are of more characters than the automaton has room for")
	}
	k.state()
	for i, w := range words {
		at := uint16(0)
		for _, b := range []byte(w.word) {
			to := int(at)*width + int(k.class[b])
			if k.next[to] == 0 {
				k.next[to] = k.state()
			}
			at = k.next[to]
		}
		k.found[at] = append(k.found[at], i)
	}
	k.link()
	return k
}

func (k *keywords) state() uint16 {
	k.next = append(k.next, make([]uint16, width)...)
	k.found = append(k.found, nil)
	return uint16(len(k.found) - 1)
}

// link fills in where a text goes on that leaves a word, breadth first, so that what is shorter is done before.
func (k *keywords) link() {
	fail := make([]uint16, len(k.found))
	var queue []uint16
	for c := range width {
		if to := k.next[c]; to != 0 {
			queue = append(queue, to)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for c := range width {
			to, over := int(at)*width+c, k.next[int(fail[at])*width+c]
			if child := k.next[to]; child == 0 {
				k.next[to] = over
			} else {
				fail[child] = over
				k.found[child] = append(k.found[child], k.found[over]...)
				queue = append(queue, child)
			}
		}
	}
	if len(k.found) > marked {
		panic("redact: the keywords have more states than the automaton has numbers for")
	}
	for i, to := range k.next {
		if k.found[to] != nil {
			k.next[i] |= marked
		}
	}
}

// in tells whether any of the words stands in a text, or in JSON with one inside: there an escape's letter is no part of
// a word.
func (k *keywords) in(text []byte) bool {
	at, next, class := 0, k.next, &k.class
	for i, b := range text {
		to := next[at*width+int(class[b])]
		at = int(to &^ marked)
		if to < marked {
			continue
		}
		for _, word := range k.found[at] {
			w := &k.words[word]
			start := i + 1 - len(w.word)
			escape := start > 1 && text[start-2] == '\\'
			if (w.exact == "" || w.exact == string(text[start:i+1])) && (!w.whole || start == 0 || escape || !wordByte(text[start-1])) {
				return true
			}
		}
	}
	return false
}

// each tells of every word in a text, and where it begins.
func (k *keywords) each(text string, found func(word, start int)) {
	at := 0
	for i := range len(text) {
		to := k.next[at*width+int(k.class[text[i]])]
		at = int(to &^ marked)
		if to < marked {
			continue
		}
		for _, word := range k.found[at] {
			w := &k.words[word]
			start := i + 1 - len(w.word)
			if (w.exact == "" || w.exact == text[start:i+1]) && (!w.whole || start == 0 || !wordByte(text[start-1])) {
				found(word, start)
			}
		}
	}
}

func wordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
