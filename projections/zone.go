package projections

import (
	"context"
	"iter"
	"slices"
	"strings"
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

// agentZone is a part of the log, of an agent.
type agentZone struct {
	agent, workspace string
	zone             uint64
}

// agentZoneRow is a row of agent_zones: how many of the runs that began in a part of the log an agent had a step in.
type agentZoneRow struct {
	agentZone
	runs int64
}

var agentZoneTable = readmodel.NewTable("agent_zones", readmodel.TableOf[agentZone, agentZoneRow]{
	Key: func(r *agentZoneRow) agentZone { return r.agentZone },
	Fresh: func(k agentZone, r *agentZoneRow) {
		r.agentZone = agentZone{strings.Clone(k.agent), strings.Clone(k.workspace), k.zone}
	},
	Row: []readmodel.ColumnOf[agentZoneRow]{
		readmodel.Key(readmodel.Symbol("agent", func(r *agentZoneRow) *string { return &r.agent })),
		workspaceKey(func(r *agentZoneRow) *string { return &r.workspace }),
		readmodel.Key(readmodel.Int("zone", func(r *agentZoneRow) *uint64 { return &r.zone })),
		readmodel.Int("runs", func(r *agentZoneRow) *int64 { return &r.runs }),
	},
})

// joined counts a run that an agent has its first step in.
func (w *runFold) joined(r *RunRow, agent string) error {
	z, err := w.agentZones.Row(agentZone{agent, r.Workspace, r.FirstPosition / zoneSize})
	if err == nil {
		z.runs++
	}
	return err
}

// zoned yields what a query for the latest runs finds, zone by zone of those in which runs started in a period, and runs of an
// agent began.
func (r *reader) zoned(ctx context.Context, f RunFilter, v readmodel.View, q readmodel.Query) iter.Seq2[RunRow, error] {
	return func(yield func(RunRow, error) bool) {
		zones, err := r.zones(ctx, f, v)
		if err != nil {
			yield(RunRow{}, err)
			return
		}
		where, n := q.Where, 0
		for _, z := range zones {
			q.Where = slices.Concat(where, z.within())
			for row, err := range readmodel.Rows(ctx, v, runTable, q) {
				if n++; !yield(row, err) || err != nil || n == q.Limit {
					return
				}
			}
		}
	}
}

// zones are those in which a filter's runs can have begun, the latest first.
func (r *reader) zones(ctx context.Context, f RunFilter, v readmodel.View) ([]zoneRow, error) {
	latest := []readmodel.Order{{Column: "zone", Descending: true}}
	var of map[uint64]bool
	if f.Agent != "" {
		of = make(map[uint64]bool)
		for z, err := range readmodel.Rows(ctx, v, agentZoneTable, readmodel.Query{Where: r.where(readmodel.Only("agent", f.Agent)), Order: latest}) {
			if err != nil {
				return nil, err
			}
			of[z.zone] = true
		}
	}
	all, err := readmodel.Collect(readmodel.Rows(ctx, v, zoneTable, readmodel.Query{Order: latest}))
	return slices.DeleteFunc(all, func(z zoneRow) bool {
		return of != nil && !of[z.zone] || !f.Since.IsZero() && z.last.Before(f.Since) || !f.Until.IsZero() && (z.first.IsZero() || !z.first.Before(f.Until))
	}), err
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
			where := r.where(readmodel.Only("outcome", Running), z.within())
			for row, err := range readmodel.Rows(ctx, r.View, runTable, readmodel.Query{Where: where, Order: readmodel.Ascending("first_position")}) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}
