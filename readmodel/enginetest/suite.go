package enginetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Storage is one place that engines can be opened on, again and again.
type Storage func() readmodel.Engine

// Run holds an engine to the contract. fresh makes an empty storage that lasts as long as the test. checks bounds how
// many histories each property is tried on, 0 for as many as rapid's flags say: an engine may be slow.
func Run(t *testing.T, checks int, fresh func(t *testing.T) Storage) {
	check := func(property func(*rapid.T, func() Storage)) func(*testing.T, func() Storage) {
		return func(t *testing.T, fresh func() Storage) {
			passed, failed := 0, false
			rapid.Check(t, func(t *rapid.T) {
				// A failure is made smaller without a bound.
				if checks > 0 && passed >= checks && !failed {
					return
				}
				whole := false
				defer func() { failed = failed || !whole }()
				property(t, fresh)
				whole = true
				passed++
			})
		}
	}
	for name, test := range map[string]func(*testing.T, func() Storage){
		"any split with restarts gives the same rows":  check(splits),
		"reads the same as the memory twin":            check(readsAlike),
		"one state can be read for a while":            readsFixed,
		"rebuild and swap equals live":                 check(rebuilds),
		"the fact seen last is known":                  check(marks),
		"any past position can be read":                check(pasts),
		"any mix of two processes gives the same rows": check(mixes),
		"snapshots are taken and deleted":              snapshots,
		"snapshots of one position don't mix":          sameSnapshot,
		"a rebuilt read model has no old snapshots":    snapshotsOfThen,
		"a rebuild given up leaves no snapshots":       snapshotsOfNone,
		"what is parked for all is rebuilt as a whole": parkedForAll,
		"one read model is rebuilt alone":              rebuildsOne,
		"readers never see a half-built state":         swapsWhole,
		"two processes can't both apply a batch":       conflict,
		"poison parks its stream":                      poison,
		"rows of a later state are no poison":          overtakenFold,
		"a failed batch changes nothing":               failedBatch,
		"a failed swap changes nothing":                failedSwap,
		"a rebuild that was overtaken is lost":         overtaken,
		"another version's tables are not read":        outdated,
		"left-overs are swept":                         sweeps,
		"a done context ends work":                     done,
		"tables of no generation stay":                 tablesApart,
		"the clock runs on":                            clock,
		"a lease has one holder at a time":             leases,
		"a fenced batch writes nothing":                fenced,
		"of many that want a lease one gets it":        leaseRace,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func() Storage { return fresh(t) })
		})
	}
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

func ok(t fataler, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func begin(t fataler, m *projections.Models) *readmodel.Rebuild {
	t.Helper()
	r, err := m.BeginRebuild(context.Background())
	ok(t, err)
	return r
}

// open uses a small cache, so that rows are forgotten and loaded again.
func open(t fataler, e readmodel.Engine) *projections.Models {
	t.Helper()
	return openWith(t, e, 1<<15)
}

func openWith(t fataler, e readmodel.Engine, cacheBytes int) *projections.Models {
	t.Helper()
	m, err := projections.Open(context.Background(), e, readmodel.Options{CacheBytes: cacheBytes})
	ok(t, err)
	return m
}

func apply(t fataler, m *projections.Models, entries ...readmodel.Entry) {
	t.Helper()
	if len(entries) == 0 {
		return
	}
	if err := m.Apply(context.Background(), entries[0].Envelope.Position-1, entries); err != nil {
		t.Fatal(err)
	}
}

func closing(t fataler, m *projections.Models) {
	t.Helper()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

func digest(t fataler, m digester) readmodel.Digest {
	t.Helper()
	d, err := m.Digest(context.Background())
	ok(t, err)
	return d
}

// same compares what models hold with what they should.
func same(t fataler, m digester, want readmodel.Digest) {
	t.Helper()
	got := digest(t, m)
	for i, table := range want.Tables {
		if got.Tables[i] != table {
			t.Fatal(fmt.Sprintf("got %+v, want %+v", got.Tables[i], table))
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatal(fmt.Sprintf("got position %d %s, want %d %s", got.Position, got.SHA256, want.Position, want.SHA256))
	}
}

// twin folds entries into the memory twin, in one batch and with an unbounded cache.
func twin(t fataler, entries []readmodel.Entry) *projections.Models {
	t.Helper()
	m, err := projections.Open(context.Background(), readmodel.NewMemory(), readmodel.Options{})
	ok(t, err)
	apply(t, m, entries...)
	return m
}

// pieces cuts entries into batches.
func pieces(t *rapid.T, entries []readmodel.Entry) [][]readmodel.Entry {
	var all [][]readmodel.Entry
	for len(entries) > 0 {
		n := rapid.IntRange(1, min(40, len(entries))).Draw(t, "batch")
		all = append(all, entries[:n])
		entries = entries[n:]
	}
	return all
}

func splits(t *rapid.T, fresh func() Storage) {
	entries := Poisoned(t)
	storage := fresh()
	cache := rapid.SampledFrom([]int{1, 1 << 12, 1 << 15}).Draw(t, "cache")
	m := openWith(t, storage(), cache)
	for _, batch := range pieces(t, entries) {
		apply(t, m, batch...)
		if rapid.IntRange(0, 3).Draw(t, "restart") == 0 {
			closing(t, m)
			m = openWith(t, storage(), cache)
		}
	}
	same(t, m, digest(t, twin(t, entries)))
	closing(t, m)
}

// everything reads all that a Reader gives.
func everything(t fataler, r projections.Reader) []any {
	ctx := context.Background()
	var all []any
	keep := func(v any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	for _, f := range []projections.RunFilter{
		{}, {Limit: 2}, {Agent: "anna"}, {Agent: "anna", Limit: 1}, {Outcome: events.Failed, Workflow: "plan"}, {Task: "bert"}, {Conversation: "anna"},
		{Since: start.AddDate(0, 0, 2)}, {Until: start.AddDate(0, 0, 3)}, {Since: start.AddDate(0, 0, 1), Until: start.AddDate(0, 0, 2)},
	} {
		keep(drain(r.Runs(ctx, f)))
	}
	for _, workflow := range []string{"", "plan", "a"} {
		keep(drain(r.RunSteps(ctx, workflow)))
		keep(drain(r.Patterns(ctx, projections.VariantPattern, workflow, 0)))
		keep(drain(r.Patterns(ctx, projections.FollowsPattern, workflow, 0)))
		all, err := drain(r.Patterns(ctx, projections.VariantPattern, workflow, 0))
		ok(t, err)
		for _, limit := range []int{1, 3, len(all) + 1} {
			few, err := drain(r.Patterns(ctx, projections.VariantPattern, workflow, limit))
			ok(t, err)
			if want := all[:min(limit, len(all))]; fmt.Sprint(few) != fmt.Sprint(want) {
				t.Fatal(fmt.Sprintf("the first %d patterns of %q are %v, want %v", limit, workflow, few, want))
			}
		}
	}
	runs, err := drain(r.Runs(ctx, projections.RunFilter{Limit: 3}))
	keep(runs, err)
	for _, row := range runs {
		_, steps, err := r.Run(ctx, row.Run)
		keep(steps, err)
	}
	for _, d := range []projections.Dimension{projections.ByWorkflow, projections.ByAgent, projections.ByModel, projections.ByTool} {
		v, err := r.Daily(ctx, d)
		keep(v, err)
	}
	for _, run := range []string{"", "plan"} {
		v, err := r.Feedback(ctx, run)
		keep(v, err)
	}
	position, err := r.Position(ctx)
	keep(position, err)
	var stats projections.StepStats
	observed, err := r.Observations(ctx)
	keep(observed, err)
	for _, run := range observed {
		stats.Add(run)
	}
	keep(stats.List(), nil)
	report, err := r.Report(ctx, projections.MetricsFilter{})
	keep(report, err)
	agents, err := r.Agents(ctx)
	keep(agents, err)
	tasks, err := r.Tasks(ctx)
	keep(tasks, err)
	week, err := r.Report(ctx, projections.MetricsFilter{Since: "2026-11-21", Until: "2026-11-24"})
	keep(week, err)
	for _, l := range projections.Lists() {
		keep(drain(r.List(ctx, l, nil, 0)))
		for _, f := range l.Filters {
			keep(drain(r.List(ctx, l, map[string]string{f.Column: "anna"}, 2)))
		}
	}
	improvements, err := r.Improvements(ctx, "")
	keep(improvements, err)
	approved, err := r.Improvements(ctx, projections.Approved)
	keep(approved, err)
	experiments, err := r.Experiments(ctx, "")
	keep(experiments, err)
	runbooks, err := r.Runbooks(ctx)
	keep(runbooks, err)
	parked, err := r.Parked(ctx)
	keep(parked, err)
	budgets, err := r.Budgets(ctx)
	keep(budgets, err)
	return all
}

func drain[R any](seq iter.Seq2[R, error]) ([]R, error) {
	var all []R
	for row, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

func readsAlike(t *rapid.T, fresh func() Storage) {
	entries := Poisoned(t)
	m := open(t, fresh()())
	apply(t, m, entries...)
	got, want := everything(t, m), everything(t, twin(t, entries))
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("read %d:\ngot  %+v\nwant %+v", i, got[i], want[i])
		}
	}
	closing(t, m)
}

// readsFixed has others write between what is read of one state.
func readsFixed(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	entries := Simulated(17, 40)
	half := len(entries) / 2
	storage := fresh()
	m := open(t, storage())
	apply(t, m, entries[:half]...)
	want := everything(t, m)
	ok(t, m.Fixed(ctx, "", func(r projections.Reader) error {
		before, err := r.Position(ctx)
		ok(t, err)
		apply(t, m, entries[half:]...)
		after, err := r.Position(ctx)
		if before != entries[half-1].Envelope.Position || after != before {
			t.Errorf("it is at position %d, then at %d", before, after)
		}
		for i, got := range everything(t, r) {
			if !reflect.DeepEqual(got, want[i]) {
				t.Errorf("read %d:\ngot  %+v\nwant %+v", i, got, want[i])
			}
		}
		return err
	}))
	same(t, m, digest(t, twin(t, entries)))
	closing(t, m)
}

func conflict(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	entries := Simulated(5, 20)
	storage := fresh()
	a, b := open(t, storage()), open(t, storage())
	apply(t, a, entries[:50]...)
	// b doesn't know yet.
	if err := b.Apply(ctx, 0, entries[:60]); !errors.Is(err, readmodel.ErrCheckpointMoved) {
		t.Fatalf("got %v, want ErrCheckpointMoved", err)
	}
	if p, err := b.Position(ctx); p != 50 || err != nil {
		t.Fatalf("position is %d, %v, want 50", p, err)
	}
	apply(t, b, entries[50:90]...)
	if err := a.Apply(ctx, 50, entries[50:70]); !errors.Is(err, readmodel.ErrCheckpointMoved) {
		t.Fatalf("got %v, want ErrCheckpointMoved", err)
	}
	apply(t, a, entries[90:]...)
	// A gap is a moved checkpoint too: nothing may be left out.
	last := entries[len(entries)-1]
	last.Envelope.Position += 7
	if err := a.Apply(ctx, last.Envelope.Position-1, []readmodel.Entry{last}); !errors.Is(err, readmodel.ErrCheckpointMoved) {
		t.Fatalf("got %v, want ErrCheckpointMoved", err)
	}
	same(t, a, digest(t, twin(t, entries)))
	// A swap by one process moves the other's checkpoint, even where the position is the same.
	r := begin(t, a)
	ok(t, r.Apply(ctx, 0, entries))
	ok(t, r.Swap(ctx, nil))
	next := entries[len(entries)-1]
	next.Envelope.Position++
	next.Event = nil
	if err := b.Apply(ctx, next.Envelope.Position-1, []readmodel.Entry{next}); !errors.Is(err, readmodel.ErrCheckpointMoved) {
		t.Fatalf("got %v, want ErrCheckpointMoved", err)
	}
	apply(t, b, next)
	closing(t, a)
	closing(t, b)
}

// digester is read models of any moment.
type digester interface {
	Digest(ctx context.Context) (readmodel.Digest, error)
}
