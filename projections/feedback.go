package projections

import (
	"time"

	"github.com/virtuous6/virtuous6/events"
)

var feedbackTable = of("feedback", spec[string, FeedbackRow]{
	Table: Table{Cluster: "position", Settled: "position", Large: true, Indexes: []Index{{Name: "feedback_by_run", Columns: []string{"run"}}}},
	key:   func(r *FeedbackRow) string { return r.Feedback },
	fresh: func(feedback string) FeedbackRow { return FeedbackRow{Feedback: feedback} },
	weigh: func(r *FeedbackRow) int { return len(r.Text) + len(r.Better) },
	columns: []column[FeedbackRow]{
		key(text("feedback", func(r *FeedbackRow) *string { return &r.Feedback })),
		integer("position", func(r *FeedbackRow) *uint64 { return &r.Position }),
		text("run", func(r *FeedbackRow) *string { return &r.Run }),
		integer("step", func(r *FeedbackRow) *int64 { return &r.Step }),
		symbol("agent", func(r *FeedbackRow) *string { return &r.Agent }),
		symbol("user", func(r *FeedbackRow) *string { return &r.User }),
		symbol("name", func(r *FeedbackRow) *string { return &r.Name }),
		optional("score", func(r *FeedbackRow) **float64 { return &r.Score }),
		symbol("label", func(r *FeedbackRow) *string { return &r.Label }),
		instant("given_at", func(r *FeedbackRow) *time.Time { return &r.GivenAt }),
		text("text", func(r *FeedbackRow) *string { return &r.Text }),
		text("better", func(r *FeedbackRow) *string { return &r.Better }),
	},
})

// foldFeedback keeps feedback.
func foldFeedback(w *workingSet, f *fact) error {
	e, ok := f.Event.(events.FeedbackGiven)
	if !ok {
		return nil
	}
	if err := f.names(e.Feedback); err != nil {
		return err
	}
	row := FeedbackRow{
		Feedback: e.Feedback, Run: e.Run, Step: -1, Agent: e.Agent, User: e.User, Name: e.Name, Score: e.Score,
		Label: e.Label, Text: e.Text, Better: e.Better, GivenAt: f.when, Position: f.Envelope.Position,
	}
	if e.Step != nil {
		row.Step = int64(*e.Step)
	}
	w.feedback.insert(row)
	return nil
}
