package ingest

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// foldRecord takes a record through its deciders and folds what comes of it, as the whole program does.
func foldRecord(t *testing.T, r Record) *projections.Models {
	t.Helper()
	models, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = models.Close() })
	groups := [][]commands.Command{r.Run}
	for _, c := range r.Agents {
		groups = append(groups, []commands.Command{c})
	}
	for _, c := range r.Feedback {
		groups = append(groups, []commands.Command{c})
	}
	all := map[string]aggregates.Aggregate{}
	for _, a := range aggregates.All(aggregates.Everywhere(aggregates.Policy{})) {
		all[a.Category] = a
	}
	var batch []readmodel.Entry
	for _, cmds := range groups {
		stream := cmds[0].Stream()
		instance := all[events.Category(stream)].New()
		revision := uint64(0)
		for _, c := range cmds {
			facts, err := instance.Decide(c)
			if err != nil {
				t.Fatal(err)
			}
			for _, fact := range facts {
				if err := instance.Evolve(fact); err != nil {
					t.Fatal(err)
				}
				batch = append(batch, readmodel.Entry{Event: fact, Envelope: events.Envelope{
					ID: events.DeriveID(c.About().ID, int(revision)), Stream: stream, Revision: revision, Position: uint64(len(batch) + 1),
					Kind: fact.Kind(), Version: 1, OccurredAt: c.About().At, Correlation: c.About().Correlation,
				}})
				revision++
			}
		}
	}
	if err := models.Apply(context.Background(), 0, batch); err != nil {
		t.Fatal(err)
	}
	return models
}

// figures is all that the read models say of a history, but for where it came from, where it stands in the log, and
// the words for what a whole run was asked and answered, which OTLP has no place for.
func figures(t *testing.T, m *projections.Models) string {
	t.Helper()
	ctx := t.Context()
	report, err := m.Report(ctx, projections.MetricsFilter{})
	if err != nil {
		t.Fatal(err)
	}
	agents, err := m.Agents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	feedback, err := m.Feedback(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	costs, err := m.Costs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{
		"report": report, "agents": agents, "feedback": feedback, "costs": costs,
		"runs":     gather(t, m.RunSteps(ctx, "")),
		"variants": gather(t, m.Patterns(ctx, projections.VariantPattern, "", 0)), "follows": gather(t, m.Patterns(ctx, projections.FollowsPattern, "", 0)),
	}
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	data, err = json.MarshalIndent(without(v, "source", "position", "first_position", "last_position", "prompt", "answer", "labels", "feedback"), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func gather[R any](t *testing.T, rows iter.Seq2[R, error]) []R {
	t.Helper()
	var out []R
	for r, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// without drops keys that hold a text or a number: those that name a row's origin.
func without(v any, keys ...string) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = without(v[i], keys...)
		}
	case map[string]any:
		for _, k := range slices.Collect(maps.Keys(v)) {
			_, list := v[k].([]any)
			if slices.Contains(keys, k) && !list {
				delete(v, k)
				continue
			}
			v[k] = without(v[k], keys...)
		}
	}
	return v
}

// TestOTLPGivesTheSameReadModels exports each framework trace as OTLP in three generations of attributes. Folded, it
// is the same history: runs, steps, models, tokens, costs, feedback, patterns, metrics.
func TestOTLPGivesTheSameReadModels(t *testing.T) {
	t.Parallel()
	for name, data := range frameworkTraces(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := readExported(t, data)
			options := Options{Format: "langfuse", Workflow: "traces", Now: time.Now}
			imported := oneRecord(t, Parse(strings.NewReader(data), name, options))
			want := figures(t, foldRecord(t, imported))
			for _, g := range generations {
				options.Format = "otlp"
				record := oneRecord(t, Parse(strings.NewReader(export(t, e, imported, g)), name, options))
				if got := strings.ReplaceAll(figures(t, foldRecord(t, record)), " (otlp)", " (langfuse)"); got != want {
					t.Errorf("%s gives other read models: %s", g.name, firstDifference(got, want))
				}
			}
		})
	}
}

func oneRecord(t *testing.T, records iter.Seq2[Record, error]) Record {
	t.Helper()
	all := gather(t, records)
	if len(all) != 1 {
		t.Fatalf("got %d records, want one", len(all))
	}
	return all[0]
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return "line " + a[i] + ", want " + b[min(i, len(b)-1)]
		}
	}
	return "it is shorter"
}
