package routing

import (
	"iter"
	"slices"
	"strings"
	"unicode"

	"github.com/kljensen/snowball/english"
)

// hollow are words of instructions and of requests, by their stems: they tell nothing of what either is about.
var hollow = map[string]bool{
	"agent": true, "answer": true, "ask": true, "assist": true, "assistant": true, "give": true, "help": true, "know": true, "make": true, "need": true,
	"pleas": true, "question": true, "reply": true, "request": true, "respond": true, "say": true, "task": true, "tell": true, "use": true, "user": true,
	"want": true, "work": true, "you": true, "your": true,
}

// maxWords bounds how many words of a text count.
const maxWords = 4096

// Words are the words of a text that mean something, by their stems (Porter2), in their order.
func Words(text string) []string { return slices.Collect(new(stems).words(text)) }

// stems remember the stems of words, empty for those that mean nothing: a text says few words often.
type stems struct{ of map[string]string }

// maxStems bounds how many are remembered.
const maxStems = 1 << 16

// words are those of a text, as Words tells of them.
func (s *stems) words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		n := 0
		for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' }) {
			stem := s.stem(strings.Trim(word, "'"))
			if stem == "" {
				continue
			}
			if n++; !yield(stem) || n == maxWords {
				return
			}
		}
	}
}

func (s *stems) stem(word string) string {
	if len(word) < 3 || len(word) > 40 {
		return ""
	}
	stem, known := s.of[word]
	if known {
		return stem
	}
	if !english.IsStopWord(word) {
		if stem = english.Stem(word, false); hollow[stem] {
			stem = ""
		}
	}
	if s.of == nil || len(s.of) == maxStems {
		s.of = map[string]string{}
	}
	s.of[strings.Clone(word)] = stem
	return stem
}
