package projections

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// ExcerptBytes is how much of an error, a remark or a label a row holds at most, but for the mark of what was left out: an error's
// stack tells by its beginning and its end what it is. The log has them whole.
const ExcerptBytes = 8_192

// excerptEnd is how much of that is of the text's end.
const excerptEnd = 2_048

// labelBytes is about how much a row holds of all labels of a run or a step.
const labelBytes = 65_536

// Excerpted tells that a text of a row is an excerpt of a longer one.
func Excerpted(text string) bool { return len(text) > ExcerptBytes }

// excerpt is what a row holds of a text. It keeps none of the longer one's memory.
func excerpt(text string) string {
	if len(text) <= ExcerptBytes {
		return text
	}
	begin, end := ExcerptBytes-excerptEnd, len(text)-excerptEnd
	for range utf8.UTFMax - 1 {
		if !utf8.RuneStart(text[begin]) {
			begin--
		}
		if !utf8.RuneStart(text[end]) {
			end++
		}
	}
	return fmt.Sprintf("%s … (%d bytes left out, which the log has) … %s", text[:begin], end-begin, text[end:])
}

// excerpts is what a row holds of labels: those that come first by name, where they are too many.
func excerpts(labels map[string]string) map[string]string {
	size := 0
	for k, v := range labels {
		size += len(k) + len(v)
	}
	if size <= ExcerptBytes {
		return labels
	}
	kept, size := make(map[string]string), 0
	names := slices.Sorted(maps.Keys(labels))
	for i, k := range names {
		v := excerpt(labels[k])
		if size += len(k) + len(v); size > labelBytes {
			kept["…"] = strconv.Itoa(len(names)-i) + " labels left out, which the log has"
			break
		}
		kept[k] = v
	}
	return kept
}
