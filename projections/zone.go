package projections

import (
	"context"
	"iter"

	"github.com/virtuous6/virtuous6/readmodel"
)

// zoneSize is how many positions a zone has.
const zoneSize = 4096

// zoneRow is a row of run_zones: how many of the runs that began in a part of the log have not ended. What is open is found
// by it without a look at all that has ended, and without an index that every run would pay for.
type zoneRow struct {
	zone uint64
	open int64
}

var zoneTable = readmodel.NewTable("run_zones", readmodel.TableOf[uint64, zoneRow]{
	Key:   func(r *zoneRow) uint64 { return r.zone },
	Fresh: func(zone uint64, r *zoneRow) { r.zone = zone },
	Row: []readmodel.ColumnOf[zoneRow]{
		readmodel.Key(readmodel.Int("zone", func(r *zoneRow) *uint64 { return &r.zone })),
		readmodel.Int("open", func(r *zoneRow) *int64 { return &r.open }),
	},
})

// opened counts a run that begins, or ends.
func (w *runFold) opened(r *RunRow, n int64) error {
	z, err := w.zones.Row(r.FirstPosition / zoneSize)
	if err == nil {
		z.open += n
	}
	return err
}

// open yields the runs that have not ended, with their steps, by first position. Its View must be of one state.
func (r *reader) open(ctx context.Context) iter.Seq2[RunRow, error] {
	return func(yield func(RunRow, error) bool) {
		zones, err := readmodel.Collect(readmodel.Rows(ctx, r.View, zoneTable, readmodel.Query{
			Where: []readmodel.Condition{{Column: "open", Op: readmodel.NotEqual}}, Order: readmodel.Ascending("zone"),
		}))
		if err != nil {
			yield(RunRow{}, err)
			return
		}
		for _, z := range zones {
			from := int64(z.zone * zoneSize)
			where := r.where(readmodel.Only("outcome", Running), []readmodel.Condition{
				{Column: "first_position", Op: readmodel.AtLeast, Int: from}, {Column: "first_position", Op: readmodel.Below, Int: from + zoneSize},
			})
			for row, err := range readmodel.Rows(ctx, r.View, runTable, readmodel.Query{Where: where, Order: readmodel.Ascending("first_position")}) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}
