package projections

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
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

// TestObjectsAsTheStandardLibraryWritesThem holds what labels and numbers write by hand to encoding/json.
func TestObjectsAsTheStandardLibraryWritesThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-z ]{0,4}`)
		if rapid.Bool().Draw(t, "hostile") {
			word = rapid.OneOf(rapid.StringMatching(`[a-z"\\<é]{0,4}`), rapid.String())
		}
		labels := rapid.MapOfN(word, word, 1, 12).Draw(t, "labels")
		want, err := json.Marshal(labels)
		if err != nil {
			t.Fatal(err)
		}
		if got, plain := appendLabels(nil, labels); plain && string(got) != string(want) {
			t.Fatalf("wrote %s, encoding/json writes %s", got, want)
		}
		numbers := rapid.SliceOf(rapid.Int()).Draw(t, "numbers")
		if want, err = json.Marshal(numbers); err != nil || string(appendNumbers(nil, numbers)) != string(want) {
			t.Fatalf("wrote %s, encoding/json writes %s (%v)", appendNumbers(nil, numbers), want, err)
		}
	})
	if _, plain := appendLabels(nil, map[string]string{"channel": "api", "region": "us"}); !plain {
		t.Error("plain labels go the long way")
	}
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
