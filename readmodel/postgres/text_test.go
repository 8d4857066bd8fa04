package postgres

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Any bytes come back as they were, what is stored is text to PostgreSQL, and valid texts keep their order.
func TestTextsSurvive(t *testing.T) {
	t.Parallel()
	texts := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune{0, 1, 2, 3, 'a', 'é', 0x80, 0xff, utf8.RuneError}), 0, 6, -1),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a', 0x80, 0xbf, 0xc3, 0xff}), 0, 6), func(b []byte) string { return string(b) }),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts.Draw(t, "a"), texts.Draw(t, "b")
		for _, v := range []string{a, b} {
			s := stored(v)
			if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 || restored(s) != v {
				t.Fatalf("%q is stored as %q, and comes back as %q", v, s, restored(s))
			}
		}
		if utf8.ValidString(a) && utf8.ValidString(b) && strings.Compare(a, b) != strings.Compare(stored(a), stored(b)) {
			t.Fatalf("%q and %q are stored in another order, as %q and %q", a, b, stored(a), stored(b))
		}
	})
}
