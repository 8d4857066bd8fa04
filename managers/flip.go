package managers

import (
	"cmp"
	"fmt"
	"math"
	"slices"
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

// tasks are those of an experiment's runs, in the order in which they came up.
type tasks []taskTrial

// take takes a run in among those of its task.
func (all tasks) take(task string, candidate bool, share, value float64) tasks {
	if task == "" {
		return all
	}
	i := slices.IndexFunc(all, func(k taskTrial) bool { return k.Flip.Task == task })
	if i < 0 {
		if i = len(all); i == maxTasks {
			return all
		}
		all = append(all, taskTrial{Flip: events.Flip{Task: task}})
	}
	k := &all[i]
	k.Bets = k.Bets.Take(candidate, share, value)
	runs, succeeded := &k.Flip.ControlRuns, &k.Flip.ControlSucceeded
	if candidate {
		runs, succeeded = &k.Flip.CandidateRuns, &k.Flip.CandidateSucceeded
	}
	*runs++
	*succeeded += int64(value)
	return all
}

// flips are the tasks at which the candidate is proved to be worse, each with its proof. The tasks share the level
// in the order in which they came up: the k-th has 1/(k(k+1)) of it, so that any number of tasks has no more than all of it.
func (all tasks) flips(level float64) (flips []events.Flip) {
	for i, k := range all {
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

// wall is a guardrail with what was tested of it. One without a name is not there.
type wall struct {
	guardrail, statistic, reason string
	logE, needed                 float64
}

// flipped is the guardrail of the tasks: it is broken where more are worse for sure than may be.
func flipped(flips []events.Flip, most int, statistic string) wall {
	if len(flips) <= most {
		return wall{}
	}
	// The one that is least sure is what "more than so many" rests on.
	least := slices.MinFunc(flips, func(a, b events.Flip) int { return cmp.Compare(a.LogE-a.Needed, b.LogE-b.Needed) })
	return wall{"flips", statistic, "what went well before goes worse: " + tasksOf(flips), least.LogE, least.Needed}
}
