package routing

import (
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
func Words(text string) []string {
	var found []string
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' }) {
		word = strings.Trim(word, "'")
		if english.IsStopWord(word) || len(word) < 3 || len(word) > 40 {
			continue
		}
		if stem := english.Stem(word, false); !hollow[stem] {
			found = append(found, stem)
		}
		if len(found) == maxWords {
			break
		}
	}
	return found
}
