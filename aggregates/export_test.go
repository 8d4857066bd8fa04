package aggregates

// State is what an instance has folded so far, for tests that hold two of them against each other.
func State(i Instance) any { return i.(interface{ folded() any }).folded() }

// Fork is a second instance that shares the first one's past.
func Fork(i Instance) Instance { return i.(interface{ fork() Instance }).fork() }

func (i *instance[S, C, E]) folded() any { return i.state }

func (i *instance[S, C, E]) fork() Instance {
	twin := *i
	return &twin
}
