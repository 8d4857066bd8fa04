package commands

// PerformTurn is the wish for one turn of a live run's agent: the tools that its last answer asked for, then one call
// to its model. No decider takes it: it is work, and what comes of it are commands to the run.
type PerformTurn struct {
	Meta
	Run string
	// Turn numbers the calls to the model from 0.
	Turn int
}

// Stream is the run's.
func (c PerformTurn) Stream() string { return RunStream(c.Run) }
