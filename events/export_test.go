package events

// Version is the schema version written today for a kind, or 0 for an unknown one.
func (t *Table) Version(kind string) int { return t.byKind[kind].Version }
