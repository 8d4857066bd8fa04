package projections

import (
	"context"
	"fmt"
	"iter"

	"github.com/virtuous6/virtuous6/readmodel"
)

// Models are the read models in one engine: the fold into them, and the Reader over them.
type Models struct {
	// Reader is that of the default workspace.
	Reader
	*readmodel.Models
}

// Open takes the read models in an engine: see readmodel.Open.
func Open(ctx context.Context, e readmodel.Engine, o readmodel.Options) (*Models, error) {
	m, err := readmodel.Open(ctx, e, o, all)
	if err != nil {
		return nil, err
	}
	return &Models{Reader: &reader{View: m.View}, Models: m}, nil
}

// Fixed has f read one state of a workspace's read models, whatever is folded meanwhile. What it gives is f's until f returns,
// and not for two goroutines at a time.
func (m *Models) Fixed(ctx context.Context, workspace string, f func(Reader) error) error {
	return m.Models.Fixed(ctx, func(v readmodel.View) error { return f(&reader{View: v, workspace: workspace, seen: &seen{}}) })
}

// Workspaces are those that a run has ended in, sorted. The default one is always among them.
func (m *Models) Workspaces(ctx context.Context) ([]string, error) {
	all := []string{""}
	rows := readmodel.Rows(ctx, m.View, metricTable, readmodel.Query{
		Columns: metricTable.Names(plainMetricColumns), Where: append(readmodel.Only("dimension", ByWorkflow), readmodel.Only("day", AllDays)...),
		Order: readmodel.Ascending("workspace"),
	})
	for row, err := range rows {
		if err != nil {
			return nil, fmt.Errorf("read workspaces: %w", err)
		}
		if row.Workspace != all[len(all)-1] {
			all = append(all, row.Workspace)
		}
	}
	return all, nil
}

// UnderWay are the runs of all workspaces that have not ended.
func (m *Models) UnderWay(ctx context.Context) iter.Seq2[RunRow, error] {
	return readmodel.Rows(ctx, m.View, runTable, readmodel.Query{Columns: runTable.Names(withoutSteps), Where: readmodel.Only("outcome", string(Running))})
}

// AgentsOf are the agents of a workspace, one after the other.
func (m *Models) AgentsOf(ctx context.Context, workspace string) iter.Seq2[AgentRow, error] {
	return readmodel.Rows(ctx, m.View, agentTable, readmodel.Query{Where: []readmodel.Condition{{Column: "workspace", Text: workspace}}})
}

// AllGoals are the goals of every workspace.
func (m *Models) AllGoals(ctx context.Context) iter.Seq2[GoalRow, error] {
	return readmodel.Rows(ctx, m.View, goalTable, readmodel.Query{})
}

// AllAgents are the agents of every workspace.
func (m *Models) AllAgents(ctx context.Context) iter.Seq2[AgentRow, error] {
	return readmodel.Rows(ctx, m.View, agentTable, readmodel.Query{})
}

// AllExperiments are the experiments of every workspace.
func (m *Models) AllExperiments(ctx context.Context) iter.Seq2[ExperimentRow, error] {
	return readmodel.Rows(ctx, m.View, experimentTable, readmodel.Query{})
}

// AllTokens are the tokens of all workspaces.
func (m *Models) AllTokens(ctx context.Context) ([]TokenRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, m.View, tokenTable, readmodel.Query{Order: readmodel.Ascending("workspace", "token")}))
}

// Past is the read models as they were at a position: see readmodel.Past.
type Past struct {
	// Reader is that of the default workspace.
	Reader
	*readmodel.Past
}

// Past makes the read models of a position in an empty engine that it comes to own: see readmodel.Models.Past.
func (m *Models) Past(ctx context.Context, empty readmodel.Engine, position uint64) (*Past, error) {
	p, err := m.Models.Past(ctx, empty, position)
	if err != nil {
		return nil, err
	}
	return &Past{Reader: &reader{View: p.View}, Past: p}, nil
}
