package projections

import (
	"slices"
	"time"
)

// GoalProgress is how far a goal has come, from its row alone.
type GoalProgress struct {
	Waiting int `json:"waiting"`
	Running int `json:"running"`
	// Short are those under way that wait for a greater share of the money.
	Short   int `json:"waiting_for_budget"`
	Done    int `json:"done"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	// Percent is how much of it has ended, each task by its estimate where all have one.
	Percent int `json:"percent"`
	// RemainingSeconds is how long the longest way to the end takes from here, or all open tasks as many at a time as the goal lets, where that
	// is longer: by what its tasks took so far, or by the estimates where none has ended. It is null where neither is known.
	RemainingSeconds *float64 `json:"remaining_seconds"`
	// Bottleneck is the task that the longest way begins with: what all waits for.
	Bottleneck string `json:"bottleneck"`
	// Full tells that what remains is bound by how many tasks are under way at a time, and not by the longest way.
	Full bool `json:"full"`
	// MakespanSeconds is from its start to its end, or to now. CriticalSeconds is the longest chain of tasks in it, each as long
	// as it took: no number of agents is faster.
	MakespanSeconds float64 `json:"makespan_seconds"`
	CriticalSeconds float64 `json:"critical_path_seconds"`
}

// Progress tells how far the goal has come at a moment.
func (r GoalRow) Progress(now time.Time) GoalProgress {
	var p GoalProgress
	var weight, ended, took, timed int64
	each := int64(1)
	for _, t := range r.Tasks {
		if t.EstimateSeconds == 0 {
			each = 0
		}
	}
	var spent time.Duration
	for _, t := range r.Tasks {
		w := int64(1)
		if each > 0 {
			w = t.EstimateSeconds
		}
		weight += w
		if t.Status.Ended() {
			ended += w
		}
		switch t.Status {
		case TaskWaiting:
			p.Waiting++
		case TaskRunning:
			p.Running++
		case TaskShort:
			p.Short++
		case TaskDone:
			p.Done++
			spent += t.took(now)
			timed++
			took += t.EstimateSeconds
		case TaskFailed:
			p.Failed++
		case TaskSkipped:
			p.Skipped++
		}
	}
	if weight > 0 {
		p.Percent = int(100 * ended / weight)
	}
	if !r.StartedAt.IsZero() {
		end := now
		if !r.EndedAt.IsZero() {
			end = r.EndedAt
		}
		p.MakespanSeconds = max(end.Sub(r.StartedAt), 0).Seconds()
	}
	critical, _ := r.longest(func(t GoalTaskRow) time.Duration { return t.took(now) })
	p.CriticalSeconds = critical.Seconds()
	if r.Status.Ended() {
		return p
	}
	// What a task that is still to be done takes: its estimate, as wrong as the estimates were so far, or what the others took.
	expected := func(t GoalTaskRow) (time.Duration, bool) {
		switch {
		case t.EstimateSeconds > 0 && took > 0:
			return time.Duration(float64(spent) * float64(t.EstimateSeconds) / float64(took)), true
		case t.EstimateSeconds > 0:
			return time.Duration(t.EstimateSeconds) * time.Second, true
		case timed > 0:
			return spent / time.Duration(timed), true
		}
		return 0, false
	}
	known := true
	open := func(t GoalTaskRow) time.Duration {
		if t.Status.Ended() {
			return 0
		}
		d, ok := expected(t)
		known = known && ok
		if t.Status.UnderWay() {
			d -= t.took(now)
		}
		return max(d, time.Nanosecond) // what is not done is never nothing
	}
	left, first := r.longest(open)
	p.Bottleneck = first
	if r.Parallel > 0 {
		var all time.Duration
		for _, t := range r.Tasks {
			all += open(t)
		}
		if all /= time.Duration(r.Parallel); all > left {
			left, p.Full = all, true
		}
	}
	if seconds := left.Seconds(); known && len(r.Tasks) > 0 {
		p.RemainingSeconds = &seconds
	}
	return p
}

// took is how long a task has been under way, or was.
func (t GoalTaskRow) took(now time.Time) time.Duration {
	switch {
	case t.StartedAt == nil:
		return 0
	case t.EndedAt != nil:
		now = *t.EndedAt
	}
	return max(now.Sub(*t.StartedAt), 0)
}

// longest is the length of the longest chain of tasks that need one another, and its first task that has a length.
func (r GoalRow) longest(length func(GoalTaskRow) time.Duration) (longest time.Duration, first string) {
	type chain struct {
		long  time.Duration
		first string
	}
	at := make(map[string]int, len(r.Tasks))
	for i, t := range r.Tasks {
		at[t.Task] = i
	}
	known := make([]*chain, len(r.Tasks))
	var of func(int) chain
	of = func(i int) chain {
		if known[i] != nil {
			return *known[i]
		}
		known[i] = &chain{} // a damaged plan may go in a circle
		var before chain
		for _, on := range r.Tasks[i].DependsOn {
			if j, there := at[on]; there {
				if c := of(j); c.long > before.long {
					before = c
				}
			}
		}
		own := length(r.Tasks[i])
		if before.first == "" && own > 0 {
			before.first = r.Tasks[i].Task
		}
		before.long += own
		known[i] = &before
		return before
	}
	for i := range r.Tasks {
		if c := of(i); c.long > longest {
			longest, first = c.long, c.first
		}
	}
	return longest, first
}

// Questions are the tasks that wait for a person's answer by now.
func (r GoalRow) Questions() (open []GoalTaskRow) {
	if r.Status != GoalRunning {
		return nil
	}
	ended := map[string]bool{}
	for _, t := range r.Tasks {
		ended[t.Task] = t.Status.Ended()
	}
	for _, t := range r.Tasks {
		if t.Question != "" && !t.Status.Ended() && !slices.ContainsFunc(t.DependsOn, func(on string) bool { return !ended[on] }) {
			open = append(open, t)
		}
	}
	return open
}
