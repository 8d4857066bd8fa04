package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// hourRow is a row of log_hours: between which positions the facts lie that occurred in an hour. What had happened by a time is
// found by it without a look at the whole log.
type hourRow struct {
	// hour counts from the start of 1970, in UTC.
	hour        int64
	first, last uint64
}

var hourTable = readmodel.NewTable("log_hours", readmodel.TableOf[int64, hourRow]{
	Key:   func(r *hourRow) int64 { return r.hour },
	Fresh: func(hour int64, r *hourRow) { r.hour = hour },
	Row: []readmodel.ColumnOf[hourRow]{
		readmodel.Key(readmodel.Int("hour", func(r *hourRow) *int64 { return &r.hour })),
		readmodel.Int("first_position", func(r *hourRow) *uint64 { return &r.first }),
		readmodel.Int("last_position", func(r *hourRow) *uint64 { return &r.last }),
	},
})

// hours keeps where in the log the facts of each hour are. Seals and policies are in no read model: when they were
// set tells nothing.
var hours = readmodel.Projection{
	Name: "hours", Version: 2, Tables: []readmodel.AnyTable{hourTable},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		rows := hourTable.In(w)
		return func(f *readmodel.Fact) error {
			switch f.Event.(type) {
			case events.LogSealed, events.PolicySet:
				return nil
			}
			r, err := rows.Row(hourOf(f.Envelope.OccurredAt))
			if err != nil {
				return err
			}
			if r.first == 0 {
				r.first = f.Envelope.Position
			}
			r.last = f.Envelope.Position
			return nil
		}
	},
}

func hourOf(t time.Time) int64 {
	const hour = 60 * 60
	seconds := t.Unix()
	if seconds < 0 {
		seconds -= hour - 1
	}
	return seconds / hour
}

// Stretch is the part of the log in which facts of before and of after a time lie side by side: those up to From had all occurred
// by then, none behind To had. It tells of the log up to Known.
type Stretch struct {
	From, To, Known uint64
}

// Around is the stretch of a time, about to the hour.
func (m *Models) Around(ctx context.Context, at time.Time) (s Stretch, err error) {
	err = m.Models.Fixed(ctx, func(v readmodel.View) error {
		if s.Known, err = v.Position(ctx); err != nil {
			return err
		}
		s.From = s.Known
		one := func(c readmodel.Condition, o readmodel.Order, found func(hourRow)) error {
			c.Column = "hour"
			for row, err := range readmodel.Rows(ctx, v, hourTable, readmodel.Query{Where: []readmodel.Condition{c}, Order: []readmodel.Order{o}, Limit: 1}) {
				if err != nil {
					return err
				}
				found(row)
			}
			return nil
		}
		hour := hourOf(at)
		err := one(readmodel.Condition{Op: readmodel.AtLeast, Int: hour}, readmodel.Order{Column: "first_position"}, func(r hourRow) { s.From = r.first - 1 })
		if err != nil {
			return err
		}
		err = one(readmodel.Condition{Op: readmodel.Below, Int: hour + 1}, readmodel.Order{Column: "last_position", Descending: true}, func(r hourRow) { s.To = r.last })
		if err != nil {
			return err
		}
		parked, err := v.Parked(ctx)
		for _, p := range parked {
			if p.Projection == readmodel.Everything { // nobody knows when its facts occurred
				s.From, s.To = min(s.From, p.Position-1), s.Known
			}
		}
		return err
	})
	if err != nil {
		return s, fmt.Errorf("find %s in the log: %w", at.Format(time.RFC3339), err)
	}
	return s, nil
}
