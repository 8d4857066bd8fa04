package commands

import "github.com/virtuous6/virtuous6/events"

// JudgeStream is the stream of a judge.
func JudgeStream(workspace, judge string) string { return events.StreamName("judge", workspace, judge) }

// MeasureJudge notes how far a judge agrees with people.
type MeasureJudge struct {
	Meta
	Fact events.JudgeMeasured
}

func (c MeasureJudge) Stream() string { return JudgeStream(c.Workspace, c.Fact.Judge) }

func (MeasureJudge) judge() {}
