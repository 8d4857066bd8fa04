package orchestrator

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The refusals of what a model wrote for others to see that takes over what one person said. They tell nothing of what that was: what refuses is
// in a fact that is nobody's.
var (
	errQuotes = errors.New("it repeats the request, several words in a row")
	errNames  = errors.New("it takes a name, a figure or an address over from the request")
)

// quotedRow is how many words in a row are a quotation.
const quotedRow = 5

// quotes tells whether a text that outlives a request takes over words of it that known, which was there before, does not have: several in
// a row, or one that names somebody or something. Who asked may be forgotten later, and the text stays.
func quotes(text, request, known string) error {
	said, asked, before := bare(text), bare(request), bare(known)
	in := func(row, words []string) bool {
		for i := 0; i+len(row) <= len(words); i++ {
			if slices.EqualFunc(words[i:i+len(row)], row, strings.EqualFold) {
				return true
			}
		}
		return false
	}
	rows := map[string]bool{}
	for i := 0; i+quotedRow <= len(asked); i++ {
		rows[strings.ToLower(strings.Join(asked[i:i+quotedRow], " "))] = true
	}
	for i := 0; i+quotedRow <= len(said); i++ {
		if row := said[i : i+quotedRow]; rows[strings.ToLower(strings.Join(row, " "))] && !in(row, before) {
			return errQuotes
		}
	}
	opens := true
	for field := range strings.FieldsSeq(request) {
		word := strings.TrimFunc(field, aside)
		first, _ := utf8.DecodeRuneInString(word)
		names := strings.ContainsFunc(word, unicode.IsNumber) || strings.ContainsAny(word, "@/\\_") || !opens && unicode.IsUpper(first) && utf8.RuneCountInString(word) > 1
		if names && in([]string{word}, said) && !in([]string{word}, before) {
			return errNames
		}
		opens = strings.ContainsAny(field[len(field)-1:], ".!?:") || opens && word == ""
	}
	return nil
}

// bare are a text's words without what stands around them.
func bare(text string) (words []string) {
	for field := range strings.FieldsSeq(text) {
		if word := strings.TrimFunc(field, aside); word != "" {
			words = append(words, word)
		}
	}
	return words
}

func aside(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }
