package events_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
)

func TestUnseen(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]rune{
		"": 0, "two lines\n\tand a tab, naïve, 日本, 👍": 0,
		"a\x00b": 0, "a\x1b[0m": 0x1b, "a\rb": '\r', "a\u200bb": 0x200b, "a\u202eb": 0x202e, "a\ufeffb": 0xfeff, "a\ue000b": 0xe000, "a\u2028b": 0x2028,
		"a\u2029b": 0x2029, "a\xffb": 0xfffd,
	} {
		got, there := events.Unseen(text)
		if got != want || there != (want != 0 || text == "a\x00b") {
			t.Errorf("%q: got %U, %t", text, got, there)
		}
	}
}
