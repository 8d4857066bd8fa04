package postgres

import "strings"

// PostgreSQL's text holds neither NUL nor bytes that are no UTF-8. The latter never get here: a fact's JSON is decoded
// to valid UTF-8, and names of streams are refused otherwise. NUL may, as \u0000. It is escaped so that texts compare
// as they did: 0 becomes 1 1, and 1 becomes 1 2.

var (
	escape   = strings.NewReplacer("\x00", "\x01\x01", "\x01", "\x01\x02")
	unescape = strings.NewReplacer("\x01\x01", "\x00", "\x01\x02", "\x01")
)

// stored is a text as PostgreSQL can hold it.
func stored(v string) string {
	if strings.IndexByte(v, 0) >= 0 || strings.IndexByte(v, 1) >= 0 {
		v = escape.Replace(v)
	}
	return strings.ToValidUTF8(v, "\uFFFD")
}

// restored is the text that was stored.
func restored(v string) string {
	if strings.IndexByte(v, 1) >= 0 {
		return unescape.Replace(v)
	}
	return v
}
