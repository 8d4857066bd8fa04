package projections

import (
	"encoding/json"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// What follows, up to the test, is all that a small projection takes, but for its line in all.go: its list, its route, what
// `virtuous6 list` prints and its page of the documentation come with it.

// signalRow is a row of signals: how often runs of a workflow ended for a reason.
type signalRow struct {
	Workflow, Reason, Workspace string
	Runs                        int64
}

type signalKey struct{ workflow, reason, workspace string }

var signalTable = readmodel.NewTable("signals", readmodel.TableOf[signalKey, signalRow]{
	Key:   func(r *signalRow) signalKey { return signalKey{r.Workflow, r.Reason, r.Workspace} },
	Fresh: func(k signalKey, r *signalRow) { r.Workflow, r.Reason, r.Workspace = k.workflow, k.reason, k.workspace },
	Row: []readmodel.ColumnOf[signalRow]{
		readmodel.Key(readmodel.Symbol("workflow", func(r *signalRow) *string { return &r.Workflow })),
		readmodel.Key(readmodel.Symbol("reason", func(r *signalRow) *string { return &r.Reason })),
		workspaceKey(func(r *signalRow) *string { return &r.Workspace }),
		readmodel.Int("runs", func(r *signalRow) *int64 { return &r.Runs }),
	},
})

var signals = readmodel.Projection{
	Name: "signals", Version: 1, Tables: []readmodel.AnyTable{signalTable},
	Lists: []readmodel.List{signalTable.List(readmodel.List{
		Name: "signals", Help: "Why runs ended, by workflow", Order: readmodel.Ascending("workflow", "reason"),
		Filters: []readmodel.Filter{{Column: "reason", Help: "Only this reason."}},
	})},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		rows, run := signalTable.In(w), factOfRun.In(w)
		return func(f *readmodel.Fact) error {
			if !run.ended() {
				return nil
			}
			r, err := rows.Row(signalKey{run.row.Workflow, run.row.FinishReason, f.Workspace})
			if err == nil {
				r.Runs++
			}
			return err
		}
	},
}

func TestASmallProjectionIsOneValue(t *testing.T) {
	t.Parallel()
	set := workspaced(nil, runs, signals)
	m, err := readmodel.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{}, set)
	if err != nil {
		t.Fatal(err)
	}
	var entries []readmodel.Entry
	for i, run := range []struct{ id, reason string }{{"a", "stop"}, {"b", "length"}, {"c", "stop"}} {
		for at, e := range []events.Event{events.RunStarted{Run: run.id, Workflow: "w"}, events.RunFinished{Outcome: events.Succeeded, FinishReason: run.reason}} {
			entries = append(entries, readmodel.Entry{
				Envelope: events.Envelope{Stream: "run-" + run.id, Revision: uint64(at), Position: uint64(2*i + at + 1), Kind: e.Kind()}, Event: e,
			})
		}
	}
	if err := m.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	l := set.Lists()[0]
	for _, c := range []struct {
		where map[string]string
		limit int
		want  string
	}{
		{nil, 0, `[{"workflow":"w","reason":"length","workspace":"","runs":1},{"workflow":"w","reason":"stop","workspace":"","runs":2}]`},
		{map[string]string{"reason": "stop"}, 0, `[{"workflow":"w","reason":"stop","workspace":"","runs":2}]`},
		{map[string]string{"reason": ""}, 1, `[{"workflow":"w","reason":"length","workspace":"","runs":1}]`},
	} {
		lines, err := readmodel.Collect(l.Read(t.Context(), m.View, nil, c.where, c.limit))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(lines); err != nil || string(got) != c.want {
			t.Errorf("%v gives %s, %v, want %s", c.where, got, err, c.want)
		}
	}
}

// What was forgotten stops the start.
func TestAMistakeInARegistrationStopsTheStart(t *testing.T) {
	t.Parallel()
	list := func(l readmodel.List) readmodel.Projection {
		p := signals
		p.Lists = []readmodel.List{l}
		return p
	}
	untabled := signals
	untabled.Tables = []readmodel.AnyTable{}
	for name, start := range map[string]func(){
		"its table":                 func() { readmodel.NewSet(nil, runs, untabled) },
		"the projection it goes by": func() { readmodel.NewSet(nil, signals) },
		"a list of no table":        func() { readmodel.NewSet(nil, runs, list(readmodel.List{Name: "signals"})) },
		"a list of another's table": func() { readmodel.NewSet(nil, runs, list(costs.Lists[0])) },
		"two lists of a name": func() {
			readmodel.NewSet(nil, runs, costs, func() readmodel.Projection { p := list(signals.Lists[0]); p.Lists[0].Name = "costs"; return p }())
		},
		"a list without a sentence": func() { signalTable.List(readmodel.List{Name: "signals"}) },
		"an order by no column":     func() { signalTable.List(readmodel.List{Name: "s", Help: "s", Order: readmodel.Ascending("when")}) },
		"a filter that is not a text": func() {
			signalTable.List(readmodel.List{Name: "s", Help: "s", Filters: []readmodel.Filter{{Column: "runs"}}})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was forgotten, and nobody says so", name)
				}
			}()
			start()
		}()
	}
}
