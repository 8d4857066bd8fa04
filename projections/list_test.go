package projections

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func FuzzList(f *testing.F) {
	for _, seed := range []string{"", "a", "a|b", `",|"`, "é|<&>", "\xff|\\", "\x00", "a\",\"b|[]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, joined string) {
		want := strings.Split(joined, "|")
		for i := range want {
			want[i] = strings.ToValidUTF8(want[i], "\uFFFD")
		}
		written := appendStrings(nil, strings.Split(joined, "|"))
		standard, err := json.Marshal(want)
		if err != nil || string(written) != string(standard) {
			t.Fatalf("wrote %s, encoding/json writes %s (%v)", written, standard, err)
		}
		read, err := parseStrings(string(written))
		if err != nil || !slices.Equal(read, want) {
			t.Fatalf("read %q from %s (%v), want %q", read, written, err, want)
		}
		// What comes from a table that someone changed is read as encoding/json reads it, or refused.
		hostile, err := parseStrings(joined)
		var standardRead []string
		standardErr := json.Unmarshal([]byte(joined), &standardRead)
		if (err == nil) != (standardErr == nil) || err == nil && !slices.Equal(hostile, standardRead) {
			t.Fatalf("read %q (%v) from %s, encoding/json reads %q (%v)", hostile, err, joined, standardRead, standardErr)
		}
	})
}

func TestNoTableTwice(t *testing.T) {
	t.Parallel()
	tablesOf(all())
	defer func() {
		if recover() == nil {
			t.Error("two projections of one table were taken")
		}
	}()
	tablesOf(append(all(), all()[0]))
}

func TestShapeFollowsVersions(t *testing.T) {
	t.Parallel()
	before := all()
	after := all()
	after[3].version++
	if shapeOf(before) == shapeOf(after) {
		t.Error("a projection's new version does not change the shape")
	}
	if shapeOf(before) != shapeOf(all()) {
		t.Error("the shape is not the same twice")
	}
}
