package projections

import (
	"slices"

	"github.com/virtuous6/virtuous6/readmodel"
)

// workspaced registers projections. It panics where a list is not kept apart by workspaces: what one team's runs came to is
// shown to no other.
func workspaced(former []string, members ...readmodel.Projection) *readmodel.Set {
	set := readmodel.NewSet(former, members...)
	for _, l := range set.Lists() {
		if !slices.Contains(l.Keys, "workspace") {
			panic("projections: the rows of the list " + l.Name + " have no workspace: make workspaceKey the last column of their key")
		}
	}
	return set
}

// named is the key of what has a name in a workspace.
type named struct{ name, workspace string }

// keyOf is the key of what a fact's stream tells of.
func keyOf(f *readmodel.Fact) named { return named{f.ID, f.Workspace} }

// workspaceKey is the last column of a key: names are those of a workspace.
func workspaceKey[R any](field func(*R) *string) readmodel.ColumnOf[R] {
	return readmodel.Key(readmodel.Symbol("workspace", field))
}
