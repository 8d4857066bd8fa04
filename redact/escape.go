package redact

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescaped is a text in which what JSON inside of it escapes is what it stands for, however often it was escaped: a slash, a
// plus, a quote.
func unescaped(text string) string {
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		var n int
		b, n = appendPlain(b, text[i:])
		i += n
	}
	return string(b)
}

// escapedAt changes places in what unescaped made of a text to those in the text. They are in order.
func escapedAt(text string, places []*int) {
	var b [utf8.UTFMax]byte
	plain := 0
	for i := 0; len(places) > 0; {
		for len(places) > 0 && *places[0] <= plain {
			*places[0], places = i, places[1:]
		}
		if i == len(text) {
			return
		}
		made, n := appendPlain(b[:0], text[i:])
		plain += len(made)
		i += n
	}
}

// appendPlain appends what the beginning of a text stands for, and tells how long that is.
func appendPlain(b []byte, text string) ([]byte, int) {
	if n, r := escape(text); n > 0 {
		return utf8.AppendRune(b, r), n
	}
	return append(b, text[0]), 1
}

// escape is how long an escape at the beginning of a text is, 0 where there is none, and what it stands for.
func escape(text string) (length int, stands rune) {
	i := 0
	for i < len(text) && text[i] == '\\' {
		i++
	}
	switch {
	case i == 0, i == len(text):
		return 0, 0
	case text[i] == 'u' && i+4 < len(text):
		if r, err := strconv.ParseUint(text[i+1:i+5], 16, 16); err == nil {
			return i + 5, rune(r)
		}
		return i + 5, ' '
	case strings.IndexByte(`"'/`, text[i]) >= 0:
		return i + 1, rune(text[i])
	case strings.IndexByte("nrtbf", text[i]) >= 0:
		return i + 1, ' '
	}
	return 0, 0
}
