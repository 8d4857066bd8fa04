package projections

// projection is a pure fold from facts to rows of the working set.
type projection struct {
	name string
	// version rises when the fold changes: the read models are then rebuilt.
	version int
	tables  []*Table
	apply   func(*workingSet, *fact) error
}

// all lists the projections, one line each, in the order in which a fact passes through them. The first one finds the
// run and the step that the others go by.
func all() []projection {
	return []projection{
		{"runs", 1, []*Table{runTable.table(), stepTable.table()}, foldRun},
		{"agents", 1, []*Table{agentTable.table()}, foldAgent},
		{"tasks", 1, []*Table{taskTable.table(), taskKeyTable.table()}, foldTask},
		{"feedback", 1, []*Table{feedbackTable.table()}, foldFeedback},
		{"improvements", 1, []*Table{improvementTable.table()}, foldImprovement},
		{"runbooks", 1, []*Table{runbookTable.table()}, foldRunbook},
		{"budgets", 1, []*Table{budgetTable.table()}, foldBudget},
		{"patterns", 1, []*Table{patternTable.table()}, foldPattern},
		{"costs", 1, []*Table{costTable.table()}, foldCost},
		{"metrics", 1, []*Table{metricTable.table()}, foldMetric},
	}
}

// tablesOf lists the tables of projections, and panics where two of them have the same.
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
	return tables
}
