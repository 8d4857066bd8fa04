package projections

import (
	"fmt"
	"time"
)

// fact is an entry of the log on its way through the projections. What the first ones find out is there for those
// behind them.
type fact struct {
	*Entry
	// when it occurred, as a column holds it: zero where that is not known.
	when time.Time
	// id is the stream's name without its category.
	id string
	// run and step are what a fact of a run belongs to. They are set by the projection of runs. step is nil but for
	// the facts of a step.
	run  *openRun
	step *StepRow
	// newAgent tells that the run had no step of the step's agent before.
	newAgent bool
	// day is when it occurred, empty for what is undated. Only the end of a run or of a step has one.
	day string
}

// damaged tells why a fact can't follow those before it.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// names checks that the stream's first fact names the stream's own id, and really is the first.
func (f *fact) names(id string) error {
	if id != f.id {
		return damaged("it names %q, another than its stream", id)
	}
	if f.Envelope.Revision != 0 {
		return damaged("it stands at revision %d, and only ever opens a stream", f.Envelope.Revision)
	}
	return nil
}

// workingSet is what a fold keeps in memory: one cache a table.
type workingSet struct {
	runs         *runCache
	agents       *cache[string, AgentRow]
	tasks        *cache[taskKey, TaskRow]
	taskKeys     *cache[string, taskKeyRow]
	feedback     *cache[string, FeedbackRow]
	improvements *cache[string, ImprovementRow]
	runbooks     *cache[string, RunbookRow]
	budgets      *cache[string, BudgetRow]
	patterns     *cache[patternKey, PatternRow]
	costs        *cache[costKey, CostRow]
	metrics      *cache[metricKey, MetricRow]
	parked       *parking
	members      []member
	plans        plans
	days         calendar
}

func newWorkingSet(bytes int, projections []projection) *workingSet {
	half, part := bytes/2, bytes/16
	w := &workingSet{
		runs:         newRunCache(half),
		agents:       newCache(agentTable, part),
		tasks:        newCache(taskTable, part),
		taskKeys:     newCache(taskKeyTable, part),
		feedback:     newCache(feedbackTable, 0),
		improvements: newCache(improvementTable, part),
		runbooks:     newCache(runbookTable, part),
		budgets:      newCache(budgetTable, part),
		patterns:     newCache(patternTable, 2*part),
		costs:        newCache(costTable, part),
		metrics:      newCache(metricTable, 2*part),
		parked:       newParking(projections),
		plans:        plans{limit: part},
	}
	w.members = []member{
		w.runs, w.agents, w.tasks, w.taskKeys, w.feedback, w.improvements, w.runbooks, w.budgets, w.patterns, w.costs,
		w.metrics, w.parked,
	}
	return w
}

// reset forgets all rows. empty tells that the tables hold none.
func (w *workingSet) reset(from Scanner, empty bool) {
	for _, m := range w.members {
		m.reset(from, empty)
	}
}

func (w *workingSet) source(from Scanner) {
	for _, m := range w.members {
		m.source(from)
	}
}

func (w *workingSet) write(tx Tx, side Side) error {
	for _, m := range w.members {
		if err := m.write(tx, side); err != nil {
			return err
		}
	}
	return nil
}

func (w *workingSet) settle() {
	for _, m := range w.members {
		m.settle()
	}
}

func (w *workingSet) whole() bool {
	for _, m := range w.members {
		if !m.whole() {
			return false
		}
	}
	return true
}

func (w *workingSet) held() int {
	n := 0
	for _, m := range w.members {
		n += m.held()
	}
	return n
}

// calendar names days, and remembers the last one.
type calendar struct {
	day  int64
	name string
}

// of is the UTC day of a time, "2026-11-22", empty for one that is not known.
func (c *calendar) of(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	day := t.Unix() / 86400
	if c.name == "" || c.day != day || t.Unix() < 0 {
		c.day, c.name = day, t.UTC().Format(time.DateOnly)
	}
	return c.name
}
