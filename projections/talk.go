package projections

import (
	"context"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// TalkStatus is where something stands that an agent of a goal said to another one.
type TalkStatus string

// The statuses of what an agent said.
const (
	TalkWaits    TalkStatus = "waits"
	TalkAnswered TalkStatus = "answered"
	// TalkFailed is a question that got no answer.
	TalkFailed     TalkStatus = "failed"
	TalkHandedOver TalkStatus = "handed_over"
)

// TalkRow is a row of talks: what an agent of a goal said to another one, and what that one answered.
type TalkRow struct {
	Goal      string
	Talk      int64
	Workspace string
	Status    TalkStatus
	Task      string
	// Sender asks, or hands its task over to Receiver.
	Sender, Receiver string
	// Asker is the run that waits or hands over, Run the one that answers.
	Asker, Run string
	SaidAt     time.Time
	AnsweredAt time.Time
	events.Cost
	Position          uint64
	Text, Answer, Why string
}

type talkKey struct {
	goal      string
	talk      int64
	workspace string
}

var talkTable = readmodel.NewTable("goal_talks", readmodel.TableOf[talkKey, TalkRow]{
	Key: func(r *TalkRow) talkKey { return talkKey{r.Goal, r.Talk, r.Workspace} },
	Fresh: func(k talkKey, r *TalkRow) {
		r.Goal, r.Talk, r.Workspace = strings.Clone(k.goal), k.talk, strings.Clone(k.workspace)
	},
	Weigh: func(r *TalkRow) int { return len(r.Text) + len(r.Answer) + len(r.Why) + 256 },
	Row: []readmodel.ColumnOf[TalkRow]{
		readmodel.Key(readmodel.String("goal", func(r *TalkRow) *string { return &r.Goal })),
		readmodel.Key(readmodel.Int("talk", func(r *TalkRow) *int64 { return &r.Talk })),
		workspaceKey(func(r *TalkRow) *string { return &r.Workspace }),
		readmodel.Symbol("status", func(r *TalkRow) *TalkStatus { return &r.Status }),
		readmodel.String("task", func(r *TalkRow) *string { return &r.Task }),
		readmodel.Symbol("sender", func(r *TalkRow) *string { return &r.Sender }),
		readmodel.Symbol("receiver", func(r *TalkRow) *string { return &r.Receiver }),
		readmodel.String("asker", func(r *TalkRow) *string { return &r.Asker }),
		readmodel.String("run", func(r *TalkRow) *string { return &r.Run }),
		readmodel.Time("said_at", func(r *TalkRow) *time.Time { return &r.SaidAt }),
		readmodel.Time("answered_at", func(r *TalkRow) *time.Time { return &r.AnsweredAt }),
		money("cost_nanos", func(r *TalkRow) *events.Nanos { return &r.CostNanos }),
		readmodel.Int("unpriced_calls", func(r *TalkRow) *int64 { return &r.UnpricedCalls }),
		readmodel.Int("position", func(r *TalkRow) *uint64 { return &r.Position }),
		readmodel.String("text", func(r *TalkRow) *string { return &r.Text }),
		readmodel.String("answer", func(r *TalkRow) *string { return &r.Answer }),
		readmodel.String("why", func(r *TalkRow) *string { return &r.Why }),
	},
})

// talks keeps what agents of goals said to one another.
var talks = readmodel.Projection{
	Name: "talks", Version: 1, Tables: []readmodel.AnyTable{talkTable},
	Lists: []readmodel.List{talkTable.List(readmodel.List{
		Name: "talks", Help: "What agents of goals said to one another, in the order in which they said it", Order: readmodel.Ascending("goal", "talk"),
		Filters: []readmodel.Filter{
			{Column: "goal", Help: "Only that of this goal, by its whole id."},
			{Column: "status", Help: "Only what stands there.", Values: []string{string(TalkWaits), string(TalkAnswered), string(TalkFailed), string(TalkHandedOver)}},
		},
	})},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		talks := talkTable.In(w)
		return func(f *readmodel.Fact) error { return foldTalk(talks, f) }
	},
}

func foldTalk(talks *readmodel.Cache[talkKey, TalkRow], f *readmodel.Fact) error {
	said := func(n int, row TalkRow) error {
		r, err := talks.Row(talkKey{f.ID, int64(n), f.Workspace})
		if err != nil {
			return err
		}
		row.Goal, row.Talk, row.Workspace, row.SaidAt, row.Position = r.Goal, r.Talk, r.Workspace, f.When, f.Envelope.Position
		*r = row
		return nil
	}
	switch e := f.Event.(type) {
	case events.GoalAgentAsked:
		return said(e.Talk, TalkRow{Status: TalkWaits, Task: e.Task, Sender: e.From, Receiver: e.To, Asker: e.Asker, Run: e.Run, Text: strings.Clone(e.Text)})
	case events.GoalTaskHandedOver:
		return said(e.Talk, TalkRow{Status: TalkHandedOver, Task: e.Task, Sender: e.From, Receiver: e.To, Asker: e.Run, Text: strings.Clone(e.Text)})
	case events.GoalAgentAnswered:
		r, err := talks.Existing(talkKey{f.ID, int64(e.Talk), f.Workspace})
		switch {
		case err != nil:
			return err
		case r == nil:
			return readmodel.Damaged("nothing was asked as %d", e.Talk)
		}
		r.Cost, r.Answer, r.Why, r.Position = r.Cost.Plus(e.Cost()), strings.Clone(e.Answer), strings.Clone(e.Error), f.Envelope.Position
		switch {
		case e.Next != "":
			r.Run = e.Next
			return nil
		case e.Error != "":
			r.Status = TalkFailed
		default:
			r.Status = TalkAnswered
		}
		r.AnsweredAt = f.When
	}
	return nil
}

// Talks implements Reader.
func (r *reader) Talks(ctx context.Context, goal string) ([]TalkRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, talkTable, readmodel.Query{
		Where: r.where(readmodel.Only("goal", goal)), Order: readmodel.Ascending("talk"),
	}))
}

// MarshalJSON writes the columns.
func (r TalkRow) MarshalJSON() ([]byte, error) { return talkTable.JSON(&r) }
