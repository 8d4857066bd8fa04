package projections

import (
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// DatasetRow is a run of a dataset, and what its answer is held to.
type DatasetRow struct {
	Dataset   string         `db:"dataset,pk"`
	Run       string         `db:"run,pk"`
	Workspace string         `db:"workspace,pk"`
	Checks    []events.Check `db:"checks"`
	AddedBy   string         `db:"added_by"`
	AddedAt   time.Time      `db:"added_at"`
	Position  uint64         `db:"position"`
}

type datasetKey struct{ dataset, run, workspace string }

var datasetTable = readmodel.NewTable("dataset_runs", readmodel.TableOf[datasetKey, DatasetRow]{
	Key: func(r *DatasetRow) datasetKey { return datasetKey{r.Dataset, r.Run, r.Workspace} },
	Fresh: func(k datasetKey, r *DatasetRow) {
		r.Dataset, r.Run, r.Workspace = strings.Clone(k.dataset), strings.Clone(k.run), strings.Clone(k.workspace)
	},
	Weigh: func(r *DatasetRow) int { return 256 * (1 + len(r.Checks)) },
	Row: []readmodel.ColumnOf[DatasetRow]{
		readmodel.Key(readmodel.Symbol("dataset", func(r *DatasetRow) *string { return &r.Dataset })),
		readmodel.Key(readmodel.String("run", func(r *DatasetRow) *string { return &r.Run })),
		workspaceKey(func(r *DatasetRow) *string { return &r.Workspace }),
		readmodel.Document("checks", func(r *DatasetRow) *[]events.Check { return &r.Checks }),
		readmodel.Symbol("added_by", func(r *DatasetRow) *string { return &r.AddedBy }),
		readmodel.Time("added_at", func(r *DatasetRow) *time.Time { return &r.AddedAt }),
		readmodel.Int("position", func(r *DatasetRow) *uint64 { return &r.Position }),
	},
})

// datasets keeps which runs are asked again, and what their answers are held to.
var datasets = readmodel.Projection{
	Name: "datasets", Version: 1, Tables: []readmodel.AnyTable{datasetTable},
	Lists: []readmodel.List{datasetTable.List(readmodel.List{
		Name: "datasets", Help: "The runs of datasets, and what their answers are held to", Order: readmodel.Ascending("dataset", "position"),
		Filters: []readmodel.Filter{{Column: "dataset", Help: "Only this dataset."}},
	})},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		rows := datasetTable.In(w)
		return func(f *readmodel.Fact) error {
			e, ok := f.Event.(events.DatasetRunAdded)
			if !ok {
				return nil
			}
			if e.Dataset != f.ID {
				return readmodel.Damaged("it names %q, another than its stream", e.Dataset)
			}
			r, err := rows.Row(datasetKey{e.Dataset, e.Run, f.Workspace})
			if err == nil {
				r.Checks, r.AddedBy = slices.Clone(e.Checks), strings.Clone(e.By)
				r.AddedAt, r.Position = f.When, f.Envelope.Position
			}
			return err
		}
	},
}
