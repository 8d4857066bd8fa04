package agents

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever a page is, reading it ends, and its text is no longer than a link for each of its tags lets it be.
func FuzzPageText(f *testing.F) {
	f.Add("<title>a</title><p>b <a href='c'>d</a><pre>e\n f</pre><script>g</script>h")
	f.Add("<svg><svg></svg>a</svg>b</a></pre>")
	at, err := url.Parse("https://example.com/a")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, page string) {
		text, err := pageText(strings.NewReader(page), at)
		if err != nil {
			t.Skip()
		}
		if most := (len(page) + 1) * 64; len(text) > most || utf8.ValidString(page) && !utf8.ValidString(text) {
			t.Errorf("%d bytes became %d", len(page), len(text))
		}
	})
}
