package projections

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// An excerpt is the text where that is short, else its beginning and its end with how much is missing between them.
func TestExcerptTellsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SampledFrom([]string{"x", "é", "語", "🙂"})
		text := strings.Repeat(letters.Draw(t, "letter"), rapid.IntRange(0, ExcerptBytes).Draw(t, "n")) + letters.Draw(t, "last")
		got := excerpt(text)
		if len(text) <= ExcerptBytes {
			if got != text || Excerpted(got) {
				t.Fatalf("a text of %d bytes became one of %d", len(text), len(got))
			}
			return
		}
		begin, rest, _ := strings.Cut(got, " … (")
		said, end, _ := strings.Cut(rest, ") … ")
		var left int
		if _, err := fmt.Sscanf(said, "%d bytes left out", &left); err != nil {
			t.Fatalf("%q: %v", said, err)
		}
		if !strings.HasPrefix(text, begin) || !strings.HasSuffix(text, end) || len(begin)+left+len(end) != len(text) {
			t.Fatalf("of %d bytes it has %d and %d, and says that it lacks %d", len(text), len(begin), len(end), left)
		}
		if !utf8.ValidString(got) || !Excerpted(got) || len(got) > ExcerptBytes+100 {
			t.Fatalf("the excerpt has %d bytes, valid %t", len(got), utf8.ValidString(got))
		}
	})
}

func TestExcerptsOfLabelsAreBounded(t *testing.T) {
	t.Parallel()
	few := map[string]string{"env": "prod", "team": "a"}
	if !maps.Equal(excerpts(few), few) || excerpts(nil) != nil {
		t.Errorf("few labels became %v", excerpts(few))
	}
	many := map[string]string{"a": strings.Repeat("x", 1<<20)}
	for i := range 10_000 {
		many[fmt.Sprintf("b%05d", i)] = "some value"
	}
	got, size := excerpts(many), 0
	for k, v := range got {
		size += len(k) + len(v)
	}
	if size > labelBytes+100 || !Excerpted(got["a"]) || got["b00000"] != "some value" || got["…"] != fmt.Sprintf("%d labels left out, which the log has", len(many)-len(got)+1) {
		t.Errorf("%d labels of %d bytes are left, the last one says %q", len(got), size, got["…"])
	}
}
