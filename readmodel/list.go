package readmodel

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// AppendStrings appends a JSON array, byte for byte as encoding/json writes it. Bytes that are no UTF-8 are replaced
// first, so that what is read again is written the same.
func AppendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, s)
	}
	return append(b, ']')
}

// AppendString appends a JSON string byte for byte as encoding/json writes it.
func AppendString(b []byte, s string) []byte {
	if plain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	quoted, err := json.Marshal(strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil {
		panic("a string can always be JSON: " + err.Error())
	}
	return append(b, quoted...)
}

// AppendNumbers appends a JSON array.
func AppendNumbers(b []byte, list []int) []byte {
	b = append(b, '[')
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

// AppendLabels appends a JSON object with sorted keys. It is false where a text in it is not plain.
func AppendLabels(b []byte, labels map[string]string) ([]byte, bool) {
	var room [8]string
	keys := room[:0]
	for k, v := range labels {
		if !plain(k) || !plain(v) {
			return b, false
		}
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), k...), `":"`...)
		b = append(append(b, labels[k]...), '"')
	}
	return append(b, '}'), true
}

// plain tells whether encoding/json would write a text as it is.
func plain(s string) bool {
	for i := range len(s) {
		if !plainBytes[s[i]] {
			return false
		}
	}
	return true
}

var plainBytes = func() (plain [256]bool) {
	for c := ' '; c <= '~'; c++ {
		plain[c] = !strings.ContainsRune(`"\<>&`, c)
	}
	return plain
}()

// ParseStrings reads what AppendStrings wrote, in one allocation where no text in it is escaped. An empty array is nil.
func ParseStrings(s string) ([]string, error) {
	if s == "[]" {
		return nil, nil
	}
	if len(s) < 4 || s[0] != '[' || s[1] != '"' || s[len(s)-2] != '"' || s[len(s)-1] != ']' || strings.IndexByte(s, '\\') >= 0 {
		return parseEscaped(s)
	}
	inner := s[2 : len(s)-2]
	list := make([]string, 0, strings.Count(inner, `","`)+1)
	for {
		head, tail, more := strings.Cut(inner, `","`)
		if !plain(head) {
			return parseEscaped(s)
		}
		if list = append(list, head); !more {
			return list, nil
		}
		inner = tail
	}
}

func parseEscaped(s string) (list []string, err error) {
	err = json.Unmarshal([]byte(s), &list)
	return list, err
}
