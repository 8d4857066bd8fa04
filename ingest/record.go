package ingest

import (
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
)

// Record is one source record as commands. Its run is dispatched as one append: never half a run.
type Record struct {
	// File and Line tell where the record starts; Line counts from 1, and is 0 where the format has none.
	File string
	Line int
	// Name is the record's own name in its source.
	Name string
	// Run opens with a commands.StartRun that has its Source set, and closes with the end of the run.
	Run []commands.Command
	// Feedback is on that run, and Verdict what the source says of it as a whole, if anything. Agents are those it names, to be
	// spawned where they are not known.
	Feedback []commands.GiveFeedback
	Verdict  *commands.GiveVerdict
	Agents   []commands.SpawnAgent
}

// Problem is a record, or a part of a file, that can't be taken. The parser goes on behind it where it can.
type Problem struct {
	File string
	Line int
	// Record and Key name the record and the field, where they are known.
	Record string
	Key    string
	Reason string
	// Notice tells that nothing is left out for it: it is only to be known.
	Notice bool
}

func (p *Problem) Error() string {
	where := p.File
	if p.Line > 0 {
		where = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Record != "" {
		where += ": record " + p.Record
	}
	if p.Key != "" {
		where += ": " + p.Key
	}
	return where + ": " + p.Reason
}
