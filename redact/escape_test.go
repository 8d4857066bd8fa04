package redact_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/redact"
)

// The arguments of a tool call are JSON inside of a text, and who made that may escape what it likes: PHP slashes, .NET a
// plus and quotes, another one letters.
func TestASecretIsFoundHoweverJSONInATextEscapesIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(kinds).Draw(t, "kind")
		var b strings.Builder
		for _, r := range k.before + k.secret + k.after {
			switch how := rapid.IntRange(0, 9).Draw(t, "how"); {
			case how == 0 && r < 0x80:
				fmt.Fprintf(&b, `\u%04x`, r)
			case r == '/' && how < 5:
				b.WriteString(`\/`)
			default:
				quoted, _ := json.Marshal(string(r))
				b.Write(quoted[1 : len(quoted)-1])
			}
		}
		text := `{"to":"` + b.String() + `"}`
		if rapid.Bool().Draw(t, "twice") {
			quoted, _ := json.Marshal(text)
			text = string(quoted)
		}
		got := redact.Text(text)
		if !strings.Contains(got, "[redacted]") || !strings.HasSuffix(got, `}`) && !strings.HasSuffix(got, `}"`) {
			t.Fatalf("%s: %s became %s", k.name, text, got)
		}
		var said struct{ To string }
		for range 2 {
			if strings.HasPrefix(got, `"`) {
				if err := json.Unmarshal([]byte(got), &got); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := json.Unmarshal([]byte(got), &said); err != nil || strings.Contains(said.To, k.secret) {
			t.Fatalf("%s: %s became %s, which says %q (%v)", k.name, text, got, said.To, err)
		}
	})
}
