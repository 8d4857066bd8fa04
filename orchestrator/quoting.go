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
	if takesOver(rows, text, []string{request}, []string{known}) {
		return errQuotes
	}
	said, before := words(text), words(known)
	opens := true
	for field := range strings.FieldsSeq(request) {
		word := strings.TrimFunc(field, aside)
		first, _ := utf8.DecodeRuneInString(word)
		names := strings.ContainsFunc(word, unicode.IsNumber) || strings.ContainsAny(word, "@/\\_") || !opens && unicode.IsUpper(first)
		if names && slices.ContainsFunc(words(word), func(w string) bool {
			return (len(w) > 1 || strings.ContainsFunc(w, unicode.IsNumber)) && slices.Contains(said, w) && !slices.Contains(before, w)
		}) {
			return errNames
		}
		opens = strings.ContainsAny(field[len(field)-1:], ".!?:") || opens && word == ""
	}
	return nil
}

// repeats tells whether a text has words in a row that are somebody's, or an address or a longer number of theirs, and that no text has that
// was there before.
func repeats(text string, theirs, before []string) bool {
	return takesOver(rows, text, theirs, before) || takesOver(marks, text, theirs, before)
}

// takesOver tells whether a text has parts that are somebody's and that no text has that was there before.
func takesOver(parts func(string) []string, text string, theirs, before []string) bool {
	said, known := map[string]bool{}, map[string]bool{}
	for _, t := range theirs {
		for _, p := range parts(t) {
			said[p] = true
		}
	}
	for _, b := range before {
		for _, p := range parts(b) {
			known[p] = true
		}
	}
	return slices.ContainsFunc(parts(text), func(p string) bool { return said[p] && !known[p] })
}

// rows are the words of a text, as many in a row as are a quotation.
func rows(text string) (all []string) {
	of := words(text)
	for i := 0; i+quotedRow <= len(of); i++ {
		all = append(all, strings.Join(of[i:i+quotedRow], " "))
	}
	return all
}

// marks are the words of a text that may tell by themselves whose they are: an address, a number of four digits or more.
func marks(text string) []string {
	return slices.DeleteFunc(words(text), func(w string) bool {
		digits := 0
		for _, r := range w {
			if unicode.IsDigit(r) {
				digits++
			}
		}
		return digits < 4 && !strings.Contains(w, "@")
	})
}

// words are those of a text in small letters, without what stands around and between them. An address, a path or a compound is one.
func words(text string) []string {
	of := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(joints, r)
	})
	for i := range of {
		of[i] = strings.Trim(of[i], joints)
	}
	return slices.DeleteFunc(of, func(w string) bool { return w == "" })
}

// joints are what may stand within a word.
const joints = "@._-+/\\"

func aside(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }
