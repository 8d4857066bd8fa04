package events

import (
	"unicode"
	"unicode/utf8"
)

// Unseen finds the first character of a text that people don't see, or that changes how others are shown: of control (but for the end of
// a line and the tab), of no width, of another direction, of private use, and what is no UTF-8.
func Unseen(text string) (unseen rune, there bool) {
	for _, r := range text {
		switch {
		case r == '\n', r == '\t':
		case r == utf8.RuneError, unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
			return r, true
		}
	}
	return 0, false
}
