package events

import "strings"

// StreamName names the stream of an aggregate: "<category>-<id>", and in a workspace of its own
// "<category>@<workspace>:<id>". Categories hold neither '-' nor '@', workspaces no ':', so that each name is that of one
// aggregate. An id may hold anything.
func StreamName(category, workspace, id string) string {
	if workspace == "" {
		return category + "-" + id
	}
	return category + "@" + workspace + ":" + id
}

// Category is the kind of aggregate that a stream belongs to.
func Category(stream string) string {
	if i := strings.IndexAny(stream, "-@"); i >= 0 {
		return stream[:i]
	}
	return stream
}

// Identity is what a stream's aggregate is called in its workspace.
func Identity(stream string) string {
	i := strings.IndexAny(stream, "-@")
	if i >= 0 && stream[i] == '@' {
		_, id, _ := strings.Cut(stream[i:], ":")
		return id
	}
	return stream[i+1:]
}
