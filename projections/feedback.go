package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

var feedbackTable = readmodel.NewTable("feedback", readmodel.TableOf[named, FeedbackRow]{
	Table: readmodel.Table{Cluster: "position", Settled: "position", Large: true, Indexes: []readmodel.Index{{Name: "feedback_by_run", Columns: []string{"run"}}}},
	Key:   func(r *FeedbackRow) named { return named{r.Feedback, r.Workspace} },
	Fresh: func(k named, r *FeedbackRow) { r.Feedback, r.Workspace = k.name, strings.Clone(k.workspace) },
	Ended: func(*FeedbackRow) bool { return true },
	Weigh: func(r *FeedbackRow) int { return len(r.Text) + len(r.Better) + len(r.Wish) },
	Row: []readmodel.ColumnOf[FeedbackRow]{
		readmodel.Key(readmodel.String("feedback", func(r *FeedbackRow) *string { return &r.Feedback })),
		workspaceKey(func(r *FeedbackRow) *string { return &r.Workspace }),
		readmodel.Int("position", func(r *FeedbackRow) *uint64 { return &r.Position }),
		readmodel.String("run", func(r *FeedbackRow) *string { return &r.Run }),
		known("step", func(r *FeedbackRow) *int64 { return &r.Step }),
		readmodel.Symbol("agent", func(r *FeedbackRow) *string { return &r.Agent }),
		readmodel.Symbol("user", func(r *FeedbackRow) *string { return &r.User }),
		readmodel.Symbol("name", func(r *FeedbackRow) *string { return &r.Name }),
		readmodel.Optional("score", func(r *FeedbackRow) **float64 { return &r.Score }),
		readmodel.Symbol("label", func(r *FeedbackRow) *string { return &r.Label }),
		readmodel.Time("given_at", func(r *FeedbackRow) *time.Time { return &r.GivenAt }),
		readmodel.String("text", func(r *FeedbackRow) *string { return &r.Text }),
		readmodel.String("better", func(r *FeedbackRow) *string { return &r.Better }),
		readmodel.String("wish", func(r *FeedbackRow) *string { return &r.Wish }),
	},
})

// feedback keeps what people and programs said about runs.
var feedback = readmodel.Projection{
	Name: "feedback", Version: 3, Tables: []readmodel.AnyTable{feedbackTable},
	Lists: []readmodel.List{feedbackTable.List(readmodel.List{
		Name: "feedback", Help: "Feedback, in the order it was given", Order: readmodel.Ascending("position"),
		Filters: []readmodel.Filter{{Column: "run", Help: "Only feedback on this run."}},
	})},
	Bind: bindFeedback,
}

func bindFeedback(w *readmodel.WorkingSet) readmodel.Fold {
	feedback := feedbackTable.In(w)
	return func(f *readmodel.Fact) error { return foldFeedback(feedback, f) }
}

func foldFeedback(feedback *readmodel.Cache[named, FeedbackRow], f *readmodel.Fact) error {
	e, ok := f.Event.(events.FeedbackGiven)
	if !ok {
		return nil
	}
	if err := f.Opens(e.Feedback); err != nil {
		return err
	}
	row := FeedbackRow{
		Feedback: e.Feedback, Workspace: strings.Clone(f.Workspace), Run: e.Run, Step: -1, Agent: e.Agent, User: e.User, Name: e.Name, Score: e.Score,
		Label: e.Label, Text: excerpt(e.Text), Better: e.Better, Wish: excerpt(e.Wish), GivenAt: f.When, Position: f.Envelope.Position,
	}
	if e.Step != nil {
		row.Step = int64(*e.Step)
	}
	*feedback.Insert(keyOf(f)) = row
	return nil
}
