package mining_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/analysts/mining"
)

func TestTemplates(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		texts    []string
		groups   []int
		template string
	}{
		"numbers":    {[]string{"no answer within 30s", "no answer within 2.5s"}, []int{0, 0}, "no answer within <num>s"},
		"addresses":  {[]string{"dial tcp 10.0.0.7:443: refused", "dial tcp 192.168.1.1:80: refused"}, []int{0, 0}, "dial tcp <ip>: refused"},
		"ids":        {[]string{"run 0190b5f0-7c3e-7a11-8000-0123456789ab is gone", "run 11111111-7c3e-7a11-8000-0123456789ab is gone"}, []int{0, 0}, "run <uuid> is gone"},
		"paths":      {[]string{"open /var/log/a.txt: denied", "open ./b/c: denied"}, []int{0, 0}, "open <path>: denied"},
		"words":      {[]string{"user anna has no access", "user anna got no access"}, []int{0, 0}, "user anna <*> no access"},
		"lengths":    {[]string{"not found", "record not found"}, []int{0, 1}, "not found"},
		"unlike":     {[]string{"rate limit hit now", "rate card missing here"}, []int{0, 1}, "rate limit hit now"},
		"nothing":    {[]string{"", " "}, []int{0, 0}, ""},
		"pages":      {[]string{"get https://a.example/x?y=1 failed", "get http://b.example failed"}, []int{0, 0}, "get <url> failed"},
		"hex values": {[]string{"fault at 0xdeadbeef now", "fault at 0x12 now"}, []int{0, 0}, "fault at <hex> now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var templates mining.Templates
			for i, text := range tt.texts {
				if g := templates.Add(text); g != tt.groups[i] {
					t.Errorf("%q is of group %d, template %q", text, g, templates.Template(g))
				}
			}
			if got := templates.Template(0); got != tt.template {
				t.Errorf("template %q", got)
			}
		})
	}
}

// A group's first text stays, whatever comes later; its template only loses words; and the same order gives the same groups.
func TestTemplatesKeepTheirGroups(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringMatching(`(a|b|c|7|x9)( (a|b|d|8|/p/q)){0,5}`), 1, 60).Draw(t, "texts")
		var one, two mining.Templates
		firsts := map[int]string{}
		for _, text := range texts {
			g := one.Add(text)
			if g != two.Add(text) {
				t.Fatal("not the same twice")
			}
			if first, ok := firsts[g]; ok && first != one.First(g) {
				t.Fatalf("group %d began with %q, now %q", g, first, one.First(g))
			}
			firsts[g] = one.First(g)
			words := strings.Fields(mining.Mask(text))
			for i, w := range strings.Fields(one.Template(g)) {
				if w != mining.Blank && w != words[i] {
					t.Fatalf("%q is not of %q", text, one.Template(g))
				}
			}
		}
	})
}
