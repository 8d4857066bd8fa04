package projections

import (
	"context"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Result is how the run counts: by its verdict where it has one, else by how it ended.
func (r *RunRow) Result() events.Outcome {
	if r.Verdict != nil && r.Outcome != Running {
		return r.Verdict.Verdict
	}
	return r.Outcome
}

// fewRuns is how many runs are asked for the verdict of each; for more, all verdicts are read.
const fewRuns = 256

// judgedRuns joins the verdicts to runs, of one state.
type judgedRuns struct {
	reader *reader
	// any tells that there are verdicts at all, and all are those of many runs.
	any bool
	all map[string]*VerdictRow
}

// judged looks what verdicts there are, for a list of up to limit runs, or of all where it is 0.
func (r *reader) judged(ctx context.Context, v readmodel.View, limit int) (*judgedRuns, error) {
	j := &judgedRuns{reader: &reader{View: v, workspace: r.workspace}}
	some, err := readmodel.Collect(readmodel.Rows(ctx, v, verdictTable, readmodel.Query{Where: r.where(), Limit: 1}))
	if err != nil || len(some) == 0 {
		return j, err
	}
	j.any = true
	if limit > 0 && limit <= fewRuns {
		return j, nil
	}
	j.all = make(map[string]*VerdictRow)
	for row, err := range readmodel.Rows(ctx, v, verdictTable, readmodel.Query{Where: r.where()}) {
		if err != nil {
			return nil, err
		}
		j.all[row.Run] = &row
	}
	return j, nil
}

// of gives a run its verdict.
func (j *judgedRuns) of(ctx context.Context, r *RunRow) error {
	var found *VerdictRow
	switch {
	case !j.any:
		return nil
	case j.all != nil:
		found = j.all[r.Run]
	default:
		for row, err := range readmodel.Rows(ctx, j.reader.View, verdictTable, readmodel.Query{Where: j.reader.where(readmodel.Only("run", r.Run))}) {
			if err != nil {
				return err
			}
			found = &row
		}
	}
	if found != nil && found.Verdict != "" {
		r.Verdict = found
	}
	return nil
}

// narrows tells that a filter for an outcome can't be left to the engine: a verdict may say otherwise.
func (j *judgedRuns) narrows(o events.Outcome) bool { return j.any && o != "" && o != Running }
