package agents

import "time"

// BuiltIn is the set of tools that need no network and no key, one line each.
func BuiltIn(now func() time.Time) Tools {
	return NewTools(append(talkTools(),
		calculate(),
		clock(now),
	)...)
}
