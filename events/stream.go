package events

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// StreamName names the stream of an aggregate: "<category>-<id>", and in a workspace of its own
// "<category>@<workspace>:<id>". Categories hold neither '-' nor '@', workspaces no ':', so that each name is that of one
// aggregate. An id may hold anything.
func StreamName(category, workspace, id string) string {
	if workspace == "" {
		return category + "-" + id
	}
	return category + "@" + workspace + ":" + id
}

// MaxWorkspace bounds the name of a workspace, in bytes.
const MaxWorkspace = 64

// ValidWorkspace tells whether a workspace may be called so. The default one has no name.
func ValidWorkspace(name string) bool {
	return len(name) <= MaxWorkspace && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return r == ':' || unicode.IsControl(r) })
}

// SplitStream is the inverse of StreamName.
func SplitStream(stream string) (category, workspace, id string) {
	i := strings.IndexAny(stream, "-@")
	if i < 0 {
		return stream, "", ""
	}
	category, id = stream[:i], stream[i+1:]
	if stream[i] == '@' {
		workspace, id, _ = strings.Cut(id, ":")
	}
	return category, workspace, id
}

// Category is the kind of aggregate that a stream belongs to.
func Category(stream string) string {
	category, _, _ := SplitStream(stream)
	return category
}

// Identity is what a stream's aggregate is called in its workspace.
func Identity(stream string) string {
	_, _, id := SplitStream(stream)
	return id
}
