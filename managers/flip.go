package managers

import (
	"fmt"
	"math"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// taskTrial is what the runs of one task came to in an experiment.
type taskTrial struct {
	Flip events.Flip `json:"counts"`
	Bets stats.Bets  `json:"bets"`
}

// maxTasks is how many tasks of an experiment are told apart: those that come up first.
const maxTasks = 64

// takeTask takes a run in among those of its task.
func (t *trial) takeTask(run drawnRun, value float64) {
	if run.Task == "" {
		return
	}
	i := 0
	for i < len(t.Tasks) && t.Tasks[i].Flip.Task != run.Task {
		i++
	}
	if i == len(t.Tasks) {
		if i == maxTasks {
			return
		}
		t.Tasks = append(t.Tasks, taskTrial{Flip: events.Flip{Task: run.Task}})
	}
	k := &t.Tasks[i]
	k.Bets = k.Bets.Take(run.Candidate, float64(run.Share)/1000, value)
	runs, succeeded := &k.Flip.ControlRuns, &k.Flip.ControlSucceeded
	if run.Candidate {
		runs, succeeded = &k.Flip.CandidateRuns, &k.Flip.CandidateSucceeded
	}
	*runs++
	*succeeded += int64(value)
}

// flips are the tasks at which the candidate is proved to be worse, each with its proof. The tasks share the level
// in the order in which they came up: the k-th has 1/(k(k+1)) of it, so that any number of tasks has no more than all of it.
func (t *trial) flips(level float64) (flips []events.Flip) {
	for i, k := range t.Tasks {
		share := level / float64((i+1)*(i+2))
		if logE := k.Bets.LogWorse(); logE >= -math.Log(share) {
			k.Flip.LogE, k.Flip.Needed = math.Ceil(logE*1e6)/1e6, stats.Round(-math.Log(share))
			flips = append(flips, k.Flip)
		}
	}
	return flips
}

// tasksOf names them, with how often they went well before and with the change.
func tasksOf(flips []events.Flip) string {
	var named []string
	for _, f := range flips {
		named = append(named, fmt.Sprintf("%s (%d of %d before, %d of %d with it)", f.Task, f.ControlSucceeded, f.ControlRuns, f.CandidateSucceeded, f.CandidateRuns))
	}
	return strings.Join(named, ", ")
}
