package readmodel

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
		written := AppendStrings(nil, strings.Split(joined, "|"))
		standard, err := json.Marshal(want)
		if err != nil || string(written) != string(standard) {
			t.Fatalf("wrote %s, encoding/json writes %s (%v)", written, standard, err)
		}
		read, err := ParseStrings(string(written))
		if err != nil || !slices.Equal(read, want) {
			t.Fatalf("read %q from %s (%v), want %q", read, written, err, want)
		}
		// What comes from a table that someone changed is read as encoding/json reads it, or refused.
		hostile, err := ParseStrings(joined)
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
		if got, plain := AppendLabels(nil, labels); plain && string(got) != string(want) {
			t.Fatalf("wrote %s, encoding/json writes %s", got, want)
		}
		numbers := rapid.SliceOf(rapid.Int()).Draw(t, "numbers")
		if want, err = json.Marshal(numbers); err != nil || string(AppendNumbers(nil, numbers)) != string(want) {
			t.Fatalf("wrote %s, encoding/json writes %s (%v)", AppendNumbers(nil, numbers), want, err)
		}
	})
	if _, plain := AppendLabels(nil, map[string]string{"channel": "api", "region": "us"}); !plain {
		t.Error("plain labels go the long way")
	}
}
