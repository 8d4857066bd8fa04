package analysts_test

import (
	"bytes"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/data"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

var (
	figures   = flag.Bool("figures", false, "measure all analysts and write docs/analysts.md")
	histories = flag.Int("histories", 40, "how many histories of a kind -figures takes")
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
	for _, measure := range []func(*testing.T, *bytes.Buffer){nulls, growing, power, causes, demands} {
		start := time.Now()
		measure(t, &b)
		fmt.Fprintf(os.Stderr, "%s after %s\n", bytes.TrimSpace(b.Bytes()[bytes.LastIndex(b.Bytes(), []byte("\n## ")):]), time.Since(start).Round(time.Second))
	}
	if err := os.WriteFile(page, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

const introduction = `# How well the analysts tell

Made by ` + "`make analysts`" + `, from seeds: the same table on any machine. Measured with %s, %d histories of
a kind, each read from its log through the read models as ` + "`virtuous6 analyze`" + ` does.

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

// nulls tells how many histories without any effect lead to a proposal.
func nulls(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	fmt.Fprintf(b, "\n## False alarms in worlds without any effect\n\nHistories of 600 runs with a proposal, of %d. At most 5%% may have one.\n\n| `--world` | how it is made | %s |\n|---|---|%s\n",
		*histories, strings.Join(analystNames(), " | "), strings.Repeat("---|", len(analystNames())))
	for _, name := range ingest.SimulationWorlds() {
		with := map[string]int{}
		for seed := range uint64(*histories) {
			w := newWorld(t)
			w.take(t, ingest.Simulation{Seed: seed, World: name}.Records())
			for analyst, r := range w.look(t) {
				if len(r.Proposals) > 0 {
					with[analyst]++
				}
			}
			w.close()
		}
		fmt.Fprintf(b, "| `%s` | %s |", name, ingest.AboutWorld(name))
		for _, analyst := range analystNames() {
			fmt.Fprintf(b, " %d |", with[analyst])
			if with[analyst]*20 > *histories {
				t.Errorf("%s: %s has proposals in %d", name, analyst, with[analyst])
			}
		}
		fmt.Fprintln(b)
	}
}

// growing tells how many histories without any effect, nor any look of one, lead to a claim or a proposal at one of 20 looks.
func growing(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	fmt.Fprintf(b, "\n## False claims under many looks\n\nHistories that grow to 800 runs (`simulate --null`, one workflow, 10 tasks) and are looked at 20 times, with a claim or a\nproposal at any look, of %d. At most 5%% may have one. All models are as good as one another there, so that a cheaper one is\nrightly proposed: the tests of analysts/cost tell how often a worse one is.\n\n| analyst | histories |\n|---|---|\n", *histories)
	ever := map[string]int{}
	for seed := range uint64(*histories) {
		w := newWorld(t)
		next, stop := iter.Pull(ingest.Simulation{Seed: 2000 + seed, Runs: 800, Workflows: 1, Tasks: 10, Null: true}.Records())
		said := map[string]bool{}
		for range 20 {
			var batch []ingest.Record
			for range 40 {
				if r, ok := next(); ok {
					batch = append(batch, r)
				}
			}
			w.take(t, slices.Values(batch))
			for analyst, r := range w.look(t) {
				if analyst != "cost" && claims(r)+len(r.Proposals) > 0 && !said[analyst] {
					said[analyst] = true
					ever[analyst]++
				}
			}
		}
		stop()
		w.close()
	}
	for _, analyst := range slices.DeleteFunc(analystNames(), func(n string) bool { return n == "cost" }) {
		fmt.Fprintf(b, "| %s | %d |\n", analyst, ever[analyst])
		if ever[analyst]*20 > *histories {
			t.Errorf("%s has claims in %d growing histories", analyst, ever[analyst])
		}
	}
}

// power tells which of the planted truths of `simulate` are found, and which become proposals.
func power(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	fmt.Fprint(b, "\n## Planted truths\n\nWhat `simulate` plants over one workflow or five (4 sequences each of three steps with +20 points among 20% noise; in all a step, a repetition, a label of\n"+
		"channel and of region, an agent and a model with 18 to 22 points), found as claims and proposed, mean of 3 histories. Where one can't be changed by an\ninstruction (a label, an agent) people are asked to look.\n\n"+
		"| workflows | runs | sequences | runbooks | other factors | their proposals | claims that were not planted |\n|---|---|---|---|---|---|---|\n")
	for _, c := range []struct{ workflows, runs int }{{1, 400}, {1, 800}, {1, 4000}, {5, 4000}, {5, 12_000}} {
		sequences, factors, planted, factorsPlanted, others, runbooks, proposals := 0, 0, 0, 0, 0, 0, 0
		const seeds = 3
		for seed := range uint64(seeds) {
			s := ingest.Simulation{Seed: seed + 1, Runs: c.runs, Workflows: c.workflows, Patterns: 4 * c.workflows}
			truths, wanted := s.Truths(), map[string]bool{}
			for _, p := range truths.Patterns {
				wanted[fmt.Sprint(p.Workflow, append([]string{"sequence"}, p.Steps...))] = true
				planted++
			}
			for _, f := range truths.Factors {
				wanted[fmt.Sprint(f.Workflow, f.Subject)] = true
				if f.Planted {
					factorsPlanted++
				}
			}
			w := newWorld(t)
			w.take(t, s.Records())
			said := w.look(t)["workflow"]
			for _, f := range said.Findings {
				for i, name := range f.Subject { // an agent that was only imported is called by its source too
					f.Subject[i], _, _ = strings.Cut(name, " (")
				}
				switch {
				case !f.Strength.Claims() || f.Subject[0] == "fails":
				case !wanted[fmt.Sprint(f.Workflow, f.Subject)]:
					others++
				case f.Subject[0] == "sequence":
					sequences++
				default:
					factors++
				}
			}
			for _, p := range said.Proposals {
				if p.Claim.Subject[0] == "sequence" {
					runbooks++
				} else {
					proposals++
				}
			}
			w.close()
		}
		of := func(n, all int) string { return fmt.Sprintf("%.1f of %d", float64(n)/seeds, all/seeds) }
		fmt.Fprintf(b, "| %d | %d | %s | %.1f | %s | %.1f | %.1f |\n", c.workflows, c.runs, of(sequences, planted), float64(runbooks)/seeds, of(factors, factorsPlanted),
			float64(proposals)/seeds, float64(others)/seeds)
	}
}

// causes tells which of the known causes of the sample are asked about, and whether in the order of what they are worth.
func causes(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	const seeds = 10
	kinds := []string{"contains", "repeats", "label", "agent", "model"}
	fmt.Fprintf(b, "\n## Known causes of the sample\n\nThe planted causes beside sequences, each of 18 to 22 points in one of five workflows: found / proposed, of %d histories (a label is one of\n"+
		"region and one of channel). In order: pairs of proposals of planted causes that stand as their true worth does. Symptoms: proposals that come from a\nfailing step.\n\n"+
		"| runs | %s | in order | symptoms | proposals of no cause |\n|---|%s---|---|---|\n", seeds, strings.Join(kinds, " | "), strings.Repeat("---|", len(kinds)))
	for _, runs := range []int{2000, 4000} {
		planted, found, proposed := map[string]int{}, map[string]int{}, map[string]int{}
		pairs, inOrder, symptoms, others := 0, 0, 0, 0
		for seed := range uint64(seeds) {
			s := ingest.Simulation{Seed: 50 + seed, Runs: runs}
			effects := map[string]int{}
			for _, f := range s.Truths().Factors {
				if f.Planted {
					planted[f.Subject[0]]++
				}
				effects[fmt.Sprint(f.Workflow, f.Subject)] = f.EffectPermille
			}
			w := newWorld(t)
			w.take(t, s.Records())
			said := w.look(t)["workflow"]
			w.close()
			plain := func(workflow string, subject []string) string {
				short := slices.Clone(subject)
				for i, name := range short {
					short[i], _, _ = strings.Cut(name, " (")
				}
				return fmt.Sprint(workflow, short)
			}
			for _, f := range said.Findings {
				if _, is := effects[plain(f.Workflow, f.Subject)]; is && f.Strength.Claims() {
					found[f.Subject[0]]++
				}
			}
			// What all runs on the worse side of a cause would gain, of all runs: what the worth is an estimate of.
			type told struct{ worth, truth float64 }
			var list []told
			slices.SortStableFunc(said.Proposals, func(a, b evidence.Proposal) int { return events.ByWorth(a.Worth, b.Worth) })
			for _, p := range said.Proposals {
				effect, is := effects[plain(p.Claim.Workflow, p.Claim.Subject)]
				switch {
				case p.Claim.Subject[0] == "fails":
					symptoms++
				case is:
					proposed[p.Claim.Subject[0]]++
					worse := p.Evidence.Counts["without_runs"]
					if p.Claim.Harms {
						worse = p.Evidence.Counts["with_runs"]
					}
					list = append(list, told{p.Worth.Share, float64(max(effect, -effect)) * float64(worse)})
				case p.Claim.Subject[0] != "sequence" && p.Claim.Subject[0] != "precedes" && p.Claim.Subject[0] != "contains":
					others++
				}
			}
			for i := range list {
				for _, later := range list[i+1:] {
					if pairs++; list[i].truth >= later.truth {
						inOrder++
					}
				}
			}
		}
		fmt.Fprintf(b, "| %d |", runs)
		for _, k := range kinds {
			fmt.Fprintf(b, " %d / %d of %d |", found[k], proposed[k], planted[k])
		}
		fmt.Fprintf(b, " %d of %d | %d | %d |\n", inOrder, pairs, symptoms, others)
		if symptoms > 0 {
			t.Errorf("%d symptoms are proposed", symptoms)
		}
	}
}
