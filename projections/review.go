package projections

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// The statuses of a review.
const (
	ReviewOpen   = "open"
	ReviewClosed = "closed"
)

// ReviewJudgement is what a reviewer says.
type ReviewJudgement struct {
	User      string           `json:"user"`
	Judgement events.Judgement `json:"judgement"`
	Reason    string           `json:"reason,omitempty"`
	At        time.Time        `json:"at"`
}

// ReviewRow is a row of reviews: a run that people are to say of whether its answer is right.
type ReviewRow struct {
	Run        string
	Workspace  string
	Status     string
	Experiment string
	Arm        string
	// Improvement is the proposal that a verdict would narrow, where that is not tried.
	Improvement string
	Reason      string
	Reviewers   int64
	Judgements  []ReviewJudgement
	// Verdict and Agreement are what they came to. Agreement is in permille, negative where there is none.
	Verdict   events.Outcome
	Agreement int64
	// ClosedFor tells why it was closed before all had judged.
	ClosedFor string
	AskedAt   time.Time
	ClosedAt  time.Time
	Position  uint64
}

// Count counts those who say so.
func (r ReviewRow) Count(j events.Judgement) (n int) {
	for _, said := range r.Judgements {
		if said.Judgement == j {
			n++
		}
	}
	return n
}

var reviewTable = readmodel.NewTable("reviews", readmodel.TableOf[named, ReviewRow]{
	Key:   func(r *ReviewRow) named { return named{r.Run, r.Workspace} },
	Fresh: func(k named, r *ReviewRow) { r.Run, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *ReviewRow) int { return 256 * (1 + len(r.Judgements)) },
	Row: []readmodel.ColumnOf[ReviewRow]{
		readmodel.Key(readmodel.String("run", func(r *ReviewRow) *string { return &r.Run })),
		workspaceKey(func(r *ReviewRow) *string { return &r.Workspace }),
		readmodel.Symbol("status", func(r *ReviewRow) *string { return &r.Status }),
		readmodel.Symbol("experiment", func(r *ReviewRow) *string { return &r.Experiment }),
		readmodel.Symbol("arm", func(r *ReviewRow) *string { return &r.Arm }),
		readmodel.Symbol("improvement", func(r *ReviewRow) *string { return &r.Improvement }),
		readmodel.String("reason", func(r *ReviewRow) *string { return &r.Reason }),
		readmodel.Int("reviewers", func(r *ReviewRow) *int64 { return &r.Reviewers }),
		readmodel.Document("judgements", func(r *ReviewRow) *[]ReviewJudgement { return &r.Judgements }),
		readmodel.Symbol("verdict", func(r *ReviewRow) *events.Outcome { return &r.Verdict }),
		readmodel.Int("agreement_permille", func(r *ReviewRow) *int64 { return &r.Agreement }),
		readmodel.String("closed_for", func(r *ReviewRow) *string { return &r.ClosedFor }),
		readmodel.Time("asked_at", func(r *ReviewRow) *time.Time { return &r.AskedAt }),
		readmodel.Time("closed_at", func(r *ReviewRow) *time.Time { return &r.ClosedAt }),
		readmodel.Int("position", func(r *ReviewRow) *uint64 { return &r.Position }),
	},
})

// reviews keeps what people are asked to judge, and what they said.
var reviews = readmodel.Projection{
	Name: "reviews", Version: 2, Tables: []readmodel.AnyTable{reviewTable},
	Lists: []readmodel.List{reviewTable.List(readmodel.List{
		Name: "reviews", Help: "Runs that people judge blindly, with what each said, the latest first", Order: []readmodel.Order{{Column: "position", Descending: true}},
		Filters: []readmodel.Filter{
			{Column: "status", Help: "Only those that stand there.", Values: []string{ReviewOpen, ReviewClosed}}, {Column: "experiment", Help: "Only those of this experiment."}, {Column: "improvement", Help: "Only those of this proposal."},
			{Column: "run", Help: "Only that of this run."},
		},
	})},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		reviews := reviewTable.In(w)
		return func(f *readmodel.Fact) error { return foldReview(reviews, f) }
	},
}

func foldReview(reviews *readmodel.Cache[named, ReviewRow], f *readmodel.Fact) error {
	e, ok := f.Event.(events.Review)
	if !ok {
		return nil
	}
	if e, ok := e.(events.ReviewAsked); ok {
		r, err := reviews.Row(keyOf(f))
		if err != nil {
			return err
		}
		*r = ReviewRow{
			Run: r.Run, Workspace: r.Workspace, Status: ReviewOpen, Experiment: strings.Clone(e.Experiment), Arm: strings.Clone(e.Arm), Improvement: strings.Clone(e.Improvement),
			Reason: e.Reason, Reviewers: int64(e.Reviewers), Agreement: -1, AskedAt: f.When, Position: f.Envelope.Position,
		}
		return nil
	}
	r, err := reviews.Existing(keyOf(f))
	if err == nil && r == nil {
		err = readmodel.Damaged("the review was never asked for")
	}
	if err != nil {
		return err
	}
	r.Position = f.Envelope.Position
	switch e := e.(type) {
	case events.ReviewAsked:
	case events.ReviewJudged:
		said := ReviewJudgement{User: e.User, Judgement: e.Judgement, Reason: e.Reason, At: f.When}
		// What the row holds may be read meanwhile: it is never changed.
		r.Judgements = append(slices.DeleteFunc(slices.Clone(r.Judgements), func(j ReviewJudgement) bool { return j.User == e.User }), said)
	case events.ReviewClosed:
		r.Status, r.ClosedAt, r.ClosedFor, r.Verdict = ReviewClosed, f.When, e.Reason, e.Verdict
		if e.Agreement != nil {
			r.Agreement = int64(*e.Agreement)
		}
	}
	return nil
}

// Reviews implements Reader.
func (r *reader) Reviews(ctx context.Context, status string) ([]ReviewRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, reviewTable, readmodel.Query{
		Where: r.where(readmodel.Only("status", status)), Order: []readmodel.Order{{Column: "position", Descending: true}},
	}))
}
