package analysts_test

import (
	"bytes"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/data"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

var (
	figures   = flag.Bool("figures", false, "measure all analysts and write docs/analysts.md")
	histories = flag.Int("histories", 40, "how many histories of a kind -figures takes; of those that grow five times as many")
	part      = flag.String("part", "", "measure this part of the page alone, print it and write nothing")
)

var page = filepath.Join("..", "docs", "analysts.md")

// TestFigures measures what all analysts say of histories whose truth is known, through the read models, and writes the page
// of it. Without -figures it holds the page to the versions of the analysts: a method that changed has to be measured anew.
func TestFigures(t *testing.T) {
	t.Parallel()
	if !*figures {
		text, err := os.ReadFile(page)
		if err != nil || !bytes.Contains(text, []byte(versions())) {
			t.Errorf("docs/analysts.md is not of %q (%v): run `make analysts`", versions(), err)
		}
		return
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, introduction, versions(), *histories)
	for _, p := range parts {
		if *part != "" && *part != p.name {
			continue
		}
		start, at := time.Now(), b.Len()
		p.measure(t, &b)
		fmt.Fprintf(os.Stderr, "%s\n(%s after %s)\n", b.Bytes()[at:], p.name, time.Since(start).Round(time.Second))
	}
	if *part != "" {
		return
	}
	if err := os.WriteFile(page, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// parts are those of the page.
var parts = []struct {
	name    string
	measure func(*testing.T, *bytes.Buffer)
}{
	{"nulls", nulls},
	{"growing", growing},
	{"beside", beside},
	{"power", power},
	{"causes", causes},
	{"demands", demands},
	{"people", people},
	{"real", realData},
}

const introduction = `# How well the analysts tell

Made by ` + "`make analysts`" + `, from seeds: the same table on any machine. Measured with %s, %d histories of
a kind where nothing else is said, each read from its log through the read models as ` + "`virtuous6 analyze`" + ` does. The last part is of real data, where they are at hand.

A claim is a finding that something goes with success or failure. A proposal is an instruction.
`

func versions() string {
	var names []string
	for _, a := range analysts.All() {
		names = append(names, fmt.Sprintf("%s %d", a.Name, a.Version))
	}
	return strings.Join(names, ", ")
}

// world is a log with its read models.
type world struct {
	store      eventstore.Store
	dispatcher *orchestrator.Dispatcher
	models     *projections.Models
}

func newWorld(t *testing.T) *world {
	t.Helper()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	models, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: eventstore.NewMemory(func() time.Time { return now }), models: models}
	w.dispatcher = orchestrator.NewDispatcher(w.store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	return w
}

func (w *world) close() {
	_ = w.models.Close()
	_ = w.store.Close()
}

// take brings records into the log and the read models.
func (w *world) take(t *testing.T, records iter.Seq[ingest.Record]) {
	t.Helper()
	all := func(yield func(ingest.Record, error) bool) {
		for r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
	if _, err := orchestrator.Import(t.Context(), w.dispatcher, all, nil); err != nil {
		t.Fatal(err)
	}
	if err := replay.CatchUp(t.Context(), w.store, w.models, nil); err != nil {
		t.Fatal(err)
	}
}

// look is what each analyst says, by name.
func (w *world) look(t *testing.T) map[string]evidence.Result {
	t.Helper()
	said := map[string]evidence.Result{}
	err := w.models.Fixed(t.Context(), "", func(r projections.Reader) error {
		for _, a := range analysts.All() {
			think, err := a.Load(t.Context(), r)
			if err != nil {
				return err
			}
			said[a.Name] = think()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func claims(r evidence.Result) (n int) {
	for _, f := range r.Findings {
		if f.Strength.Claims() || f.Kind == data.Drift {
			n++
		}
	}
	return n
}

func analystNames() (names []string) {
	for _, a := range analysts.All() {
		names = append(names, a.Name)
	}
	return names
}

// over measures so many histories, as many at once as there are processors, and returns what came of each.
func over[R any](n int, measure func(i int) R) []R {
	out := make([]R, n)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				out[i] = measure(i)
			}
		})
	}
	wait.Wait()
	return out
}
