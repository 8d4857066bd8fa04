package ingest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestCanonicalFormIsSorted(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 23, 24, 25, 26, 100} {
		members, want := make([]string, n), make([]string, n)
		for i := range n {
			members[i] = fmt.Sprintf(` "k%03d" : %d `, i, i)
			want[i] = fmt.Sprintf(`"k%03d":%d`, i, i)
		}
		r := rand.New(rand.NewPCG(1, uint64(n)))
		r.Shuffle(n, func(i, j int) { members[i], members[j] = members[j], members[i] })
		v, syntax := new(document).parse("{" + strings.Join(members, ",") + "}")
		if syntax != nil {
			t.Fatal(syntax)
		}
		if got := string(v.appendCanonical(nil)); got != "{"+strings.Join(want, ",")+"}" {
			t.Errorf("%d keys: %s", n, got)
		}
	}
}

func TestKeysStandOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 11, 12, 13, 14, 200} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%d":{},`, i)
		}
		for _, again := range []string{"k0", `\u006b0`, fmt.Sprintf("k%d", n-1)} {
			_, syntax := new(document).parse(`{` + b.String() + `"` + again + `":1}`)
			if syntax == nil || syntax.reason != "stands twice in the same object" {
				t.Errorf("%d keys, then %s: %v", n, again, syntax)
			}
		}
		if _, syntax := new(document).parse(`{` + b.String() + `"other":1}`); syntax != nil {
			t.Errorf("%d keys: %v", n, syntax)
		}
	}
}
