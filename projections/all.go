package projections

// projection is a pure fold from facts to rows of the working set.
type projection struct {
	name string
	// version rises when the fold changes: the read models are then rebuilt.
	version int
	tables  []*Table
	apply   func(*workingSet, *fact) error
	// on is the set of projections, by their place, whose finds it goes by: where they can't fold a stream, it can't.
	on uint64
}

// onRuns is for those that take the run and the step from the first projection.
const onRuns = 1 << 0

// all lists the projections, one line each, in the order in which a fact passes through them. The first one finds the
// run and the step that the others go by.
func all() []projection {
	return []projection{
		{"runs", 2, []*Table{runTable.table()}, foldRun, 0},
		{"agents", 1, []*Table{agentTable.table()}, foldAgent, onRuns},
		{"tasks", 1, []*Table{taskTable.table(), taskKeyTable.table()}, foldTask, onRuns},
		{"feedback", 1, []*Table{feedbackTable.table()}, foldFeedback, 0},
		{"improvements", 2, []*Table{improvementTable.table()}, foldImprovement, 0},
		{"runbooks", 1, []*Table{runbookTable.table()}, foldRunbook, 0},
		{"budgets", 1, []*Table{budgetTable.table()}, foldBudget, 0},
		{"patterns", 1, []*Table{patternTable.table()}, foldPattern, onRuns},
		{"costs", 1, []*Table{costTable.table()}, foldCost, onRuns},
		{"metrics", 1, []*Table{metricTable.table()}, foldMetric, onRuns},
	}
}

// former are the tables that earlier versions had: a swap drops them.
var former = []string{"run_steps", "projection_snapshots"}

// tablesOf lists the tables of projections and that of their parked streams, and panics where two of them have the same.
func tablesOf(members []projection) []*Table {
	var tables []*Table
	names := make(map[string]bool)
	for _, p := range members {
		for _, t := range p.tables {
			if names[t.Name] {
				panic("projections: table declared twice: " + t.Name)
			}
			names[t.Name] = true
			tables = append(tables, t)
		}
	}
	return append(tables, parkedTable.table())
}
