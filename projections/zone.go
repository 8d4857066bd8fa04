package projections

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/readmodel"
)

// zoneSize is how many positions a zone has.
const zoneSize = 4096

// zoneRow is a row of run_zones: how many of the runs that began in a part of the log have not ended, and when the first and
// the last of them started. What is open, and what started in a period, is found by it without a look at all the others, and
// without an index that every run would pay for.
type zoneRow struct {
	zone uint64
	open int64
	// first and last are zero where no run tells.
	first, last time.Time
}

var zoneTable = readmodel.NewTable("run_zones", readmodel.TableOf[uint64, zoneRow]{
	Key:   func(r *zoneRow) uint64 { return r.zone },
	Fresh: func(zone uint64, r *zoneRow) { r.zone = zone },
	Row: []readmodel.ColumnOf[zoneRow]{
		readmodel.Key(readmodel.Int("zone", func(r *zoneRow) *uint64 { return &r.zone })),
		readmodel.Int("open", func(r *zoneRow) *int64 { return &r.open }),
		readmodel.Time("first_start", func(r *zoneRow) *time.Time { return &r.first }),
		readmodel.Time("last_start", func(r *zoneRow) *time.Time { return &r.last }),
	},
})

// opened counts a run that begins, or ends.
func (w *runFold) opened(r *RunRow, n int64) error {
	z, err := w.zones.Row(r.FirstPosition / zoneSize)
	if err != nil {
		return err
	}
	z.open += n
	if at := r.StartedAt; !at.IsZero() {
		if z.first.IsZero() || at.Before(z.first) {
			z.first = at
		}
		if at.After(z.last) {
			z.last = at
		}
	}
	return nil
}

// within are the conditions of a zone's positions.
func (z *zoneRow) within() []readmodel.Condition {
	from := int64(z.zone * zoneSize)
	return []readmodel.Condition{
		{Column: "first_position", Op: readmodel.AtLeast, Int: from}, {Column: "first_position", Op: readmodel.Below, Int: from + zoneSize},
	}
}

// started yields what a query for the latest runs finds, zone by zone of those in which runs started in a period.
func (r *reader) started(ctx context.Context, f RunFilter, q readmodel.Query) iter.Seq2[RunRow, error] {
	return func(yield func(RunRow, error) bool) {
		err := r.Fixed(ctx, func(v readmodel.View) error {
			zones, err := readmodel.Collect(readmodel.Rows(ctx, v, zoneTable, readmodel.Query{
				Where: []readmodel.Condition{{Column: "first_start", Op: readmodel.NotEqual}}, Order: []readmodel.Order{{Column: "zone", Descending: true}},
			}))
			if err != nil {
				return err
			}
			where, n := q.Where, 0
			for _, z := range zones {
				if !f.Since.IsZero() && z.last.Before(f.Since) || !f.Until.IsZero() && !z.first.Before(f.Until) {
					continue
				}
				q.Where = slices.Concat(where, z.within())
				for row, err := range readmodel.Rows(ctx, v, runTable, q) {
					if err != nil {
						return err
					}
					if n++; !yield(row, nil) || n == q.Limit {
						return nil
					}
				}
			}
			return nil
		})
		if err != nil {
			yield(RunRow{}, err)
		}
	}
}

// open yields the runs that have not ended, with their steps, by first position. Its View must be of one state.
func (r *reader) open(ctx context.Context, workspace string) iter.Seq2[RunRow, error] {
	return func(yield func(RunRow, error) bool) {
		zones, err := readmodel.Collect(readmodel.Rows(ctx, r.View, zoneTable, readmodel.Query{
			Where: []readmodel.Condition{{Column: "open", Op: readmodel.NotEqual}}, Order: readmodel.Ascending("zone"),
		}))
		if err != nil {
			yield(RunRow{}, err)
			return
		}
		for _, z := range zones {
			where := slices.Concat(readmodel.Only("workspace", workspace), readmodel.Only("outcome", Running), z.within())
			for row, err := range readmodel.Rows(ctx, r.View, runTable, readmodel.Query{Where: where, Order: readmodel.Ascending("first_position")}) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}
