package ingest

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ordinary marks the bytes that a text holds without further ado.
var ordinary = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// text reads a text in quotes, and tells the bounds of what is between them.
func (d *document) text() (start, end int, escaped bool, err *syntaxError) {
	d.pos++
	start = d.pos
	i, ascii := d.pos, true
	for i < len(d.data) {
		c := d.data[i]
		switch {
		case ordinary[c]:
			i++
		case c >= utf8.RuneSelf:
			ascii = false
			i++
		case c == '"':
			if !ascii && !utf8.ValidString(d.data[start:i]) {
				d.pos = start + invalidAt(d.data[start:i])
				return 0, 0, false, d.fail("holds a byte that is not UTF-8 (0x%02x); convert the file to UTF-8", d.data[d.pos])
			}
			d.pos = i + 1
			return start, i, escaped, nil
		case c == '\\':
			escaped = true
			n, reason := escape(d.data[i:])
			if reason != "" {
				d.pos = i
				return 0, 0, false, d.fail("%s", reason)
			}
			i += n
		default:
			d.pos = i
			return 0, 0, false, d.fail("a text holds the control character 0x%02x", c)
		}
	}
	d.pos = len(d.data)
	return 0, 0, false, d.fail("a text is cut off: its closing quote is missing")
}

// invalidAt is the offset of the first byte that is not UTF-8.
func invalidAt(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return 0
}

// escape is the length of the escape that s starts with, or the reason why it is none.
func escape(s string) (length int, reason string) {
	if len(s) < 2 {
		return 0, "a text is cut off"
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
		r, ok := hex4(s[2:])
		switch {
		case !ok:
			return 0, "\\u is not followed by four hex digits"
		case r == 0:
			return 0, "a text holds a NUL character"
		case !utf16.IsSurrogate(r):
			return 6, ""
		}
		if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
			if low, ok := hex4(s[8:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
				return 12, ""
			}
		}
		return 0, "a text holds half of a surrogate pair (\\u" + s[2:6] + ")"
	}
	return 0, "a text holds the unknown escape \\" + clip(rest(s[1:]))
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape decodes a text that was checked before.
func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		n := 2
		switch s[1] {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			n = 6
			r, _ := hex4(s[2:])
			if utf16.IsSurrogate(r) {
				low, _ := hex4(s[8:])
				r, n = utf16.DecodeRune(r, low), 12
			}
			b.WriteRune(r)
		default:
			b.WriteByte(s[1])
		}
		s = s[n:]
	}
}

// appendText appends s as a JSON text with the fewest escapes.
func appendText(b []byte, s string) []byte {
	return append(appendEscaped(append(b, '"'), s), '"')
}

// appendEscaped appends what stands between the quotes.
func appendEscaped(b []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			const digits = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(b, s[from:]...)
}

// clip shortens what comes from a file, so that a message about it stays one line.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == utf8.RuneError || !strconv.IsPrint(r) }) {
		q := strconv.Quote(s)
		return q[1 : len(q)-1]
	}
	return s
}
