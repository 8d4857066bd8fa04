package postgres

import (
	"strings"
	"unicode/utf8"
)

// PostgreSQL's text holds neither NUL nor bytes that are no UTF-8. A fact's JSON may bring NUL, as \u0000; bytes that
// are no UTF-8 should never get here, but one that did would stop the fold for good. Texts are kept as text all the
// same, so that people can read and compare them in SQL, and such bytes are escaped: 0 becomes 1 1, and 1 becomes 1 2,
// which keeps the order of texts. A byte that is no UTF-8 becomes 1 and the character of its number: only beside such
// ones may the order differ.

// escape begins what stands for another byte.
const escape = 1

// stored is a text as PostgreSQL can hold it.
func stored(v string) string {
	if strings.IndexByte(v, 0) < 0 && strings.IndexByte(v, escape) < 0 && utf8.ValidString(v) {
		return v
	}
	b := make([]byte, 0, len(v)+16)
	for i := 0; i < len(v); {
		r, n := utf8.DecodeRuneInString(v[i:])
		switch {
		case r == 0:
			b = append(b, escape, 1)
		case r == escape:
			b = append(b, escape, 2)
		case r == utf8.RuneError && n == 1:
			b = utf8.AppendRune(append(b, escape), rune(v[i]))
		default:
			b = append(b, v[i:i+n]...)
		}
		i += n
	}
	return string(b)
}

// restored is the text that was stored.
func restored(v string) string {
	next := strings.IndexByte(v, escape)
	if next < 0 {
		return v
	}
	b := make([]byte, 0, len(v))
	for next >= 0 {
		b = append(b, v[:next]...)
		r, n := utf8.DecodeRuneInString(v[next+1:])
		switch r {
		case 1:
			b = append(b, 0)
		case 2:
			b = append(b, escape)
		default:
			b = append(b, byte(r))
		}
		v = v[next+1+n:]
		next = strings.IndexByte(v, escape)
	}
	return string(append(b, v...))
}
