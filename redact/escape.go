package redact

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// unescaped is a text in which what JSON inside of it escapes is what it stands for, however often it was escaped: a slash, a
// plus, a quote. at tells where each byte stood, and where the text ended.
func unescaped(text string) (plain string, at []int) {
	b, at := make([]byte, 0, len(text)), make([]int, 0, len(text)+1)
	for i := 0; i < len(text); {
		n, r := escape(text[i:])
		if n == 0 {
			n, b = 1, append(b, text[i])
		} else {
			b = utf8.AppendRune(b, r)
		}
		for len(at) < len(b) {
			at = append(at, i)
		}
		i += n
	}
	return string(b), append(at, len(text))
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
