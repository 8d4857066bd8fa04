package commands

import "github.com/virtuous6/virtuous6/events"

// EvalStream is the stream of an eval.
func EvalStream(workspace, eval string) string { return events.StreamName("eval", workspace, eval) }

// FinishEval notes what an eval came to.
type FinishEval struct {
	Meta
	Fact events.EvalFinished
}

func (c FinishEval) Stream() string { return EvalStream(c.Workspace, c.Fact.Eval) }

func (FinishEval) eval() {}
