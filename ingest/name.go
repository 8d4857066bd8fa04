package ingest

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds what names a stream or a key, in bytes.
const maxName = 512

// checkName refuses what can't name a run, a workflow, a step or an agent.
func checkName(key, name string) *flaw {
	switch {
	case name == "":
		return flawed(key, "is empty")
	case len(name) > maxName:
		return flawed(key, "is %d bytes long; %d are the most", len(name), maxName)
	case !utf8.ValidString(name):
		return flawed(key, "is not UTF-8; convert the file to UTF-8")
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return flawed(key, "holds the control character %U", r)
		}
	}
	return nil
}

// clean makes a name from a foreign source fit: control characters become spaces, and it is cut at maxName.
func clean(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	if checkName("", name) == nil {
		return name
	}
	b := make([]rune, 0, len(name))
	size := 0
	for _, r := range name {
		if unicode.IsControl(r) {
			r = ' '
		}
		if size += utf8.RuneLen(r); size > maxName-3 {
			b = append(b, '…')
			break
		}
		b = append(b, r)
	}
	return string(b)
}

// ids are what frameworks append to the names of functions and agents, new in each run: a UUID, or 32 hexadecimal
// digits and more, and in brackets also shorter ones.
var ids = regexp.MustCompile(`(?i)[ _:/.#-]*(?:` +
	`\(\s*[0-9a-f]{8}[0-9a-f-]*\s*\)|\[\s*[0-9a-f]{8}[0-9a-f-]*\s*\]|` +
	`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|` +
	`[0-9a-f]{32}(?:[0-9a-f]{32})?)`)

// withoutIDs takes ids out of a name. Nothing is left of one that is only an id.
func withoutIDs(name string) string {
	if len(name) < 10 {
		return name
	}
	return strings.TrimSpace(ids.ReplaceAllString(name, ""))
}
