package ingest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/ingest"
)

func simulationDigest(t *testing.T, s ingest.Simulation) string {
	t.Helper()
	h := sha256.New()
	if err := s.WriteRuns(h); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// The digests are those of the first machine: any other must make the same history.
func TestSimulationIsTheSameOnEveryMachine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s    ingest.Simulation
		want string
	}{
		{ingest.Simulation{Seed: 1, Runs: 200}, "60769d87fcebb778"},
		{ingest.Simulation{Seed: 2, Runs: 200, Null: true}, "173d5f615907fb9b"},
	} {
		if got := simulationDigest(t, c.s); got != c.want {
			t.Errorf("seed %d: digest %s, want %s", c.s.Seed, got, c.want)
		}
	}
}

func TestLongerSimulationBeginsWithTheShorter(t *testing.T) {
	t.Parallel()
	long := []ingest.Record{}
	for r := range (ingest.Simulation{Seed: 5, Runs: 60}).Records() {
		long = append(long, r)
	}
	i := 0
	for r := range (ingest.Simulation{Seed: 5, Events: 200}).Records() {
		if a, b := simulationJSON(t, r), simulationJSON(t, long[i]); a != b {
			t.Fatalf("record %d differs", i)
		}
		i++
	}
	if i < 10 || i > 40 {
		t.Errorf("%d runs for 200 events", i)
	}
}

func simulationJSON(t *testing.T, r ingest.Record) string {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestSimulatedRecordsAreWholeRuns(t *testing.T) {
	t.Parallel()
	names, ids := map[string]bool{}, map[string]bool{}
	facts, ended := 0, map[string]int{}
	for r := range (ingest.Simulation{Seed: 3, Events: 20_000}).Records() {
		if names[r.Name] {
			t.Fatalf("record %s twice", r.Name)
		}
		names[r.Name] = true
		start, ok := r.Run[0].(commands.StartRun)
		if !ok || start.Source == nil || start.Source.Record != r.Name || start.Source.Format != "simulate" || len(start.Source.Digest) != 64 {
			t.Fatalf("opens with %+v", r.Run[0])
		}
		last := start.At
		steps := 0
		for i, c := range r.Run {
			m := c.About()
			if ids[m.ID.String()] || c.Stream() != commands.RunStream("", start.Run) || m.Correlation != start.Run || m.At.Before(last) {
				t.Fatalf("command %d: %+v", i, c)
			}
			ids[m.ID.String()], last = true, m.At
			switch c := c.(type) {
			case commands.StartStep:
				if c.Step != steps {
					t.Fatalf("step %d, want %d", c.Step, steps)
				}
				steps++
			case commands.FinishRun, commands.FailRun, commands.CancelRun:
				ended[fmt.Sprintf("%T", c)]++
				if i != len(r.Run)-1 {
					t.Fatalf("%s goes on after its end", r.Name)
				}
			}
		}
		facts += len(r.Run)
		if len(r.Agents) != 1 || !r.Agents[0].Imported {
			t.Fatalf("agents %+v", r.Agents)
		}
	}
	if facts < 20_000 || facts > 20_040 || len(ended) != 3 {
		t.Errorf("%d facts, ends %v", facts, ended)
	}
}

// The planted effects are in the history: within tasks, so that the tasks' difficulty cancels out.
func TestSimulationPlantsWhatItTells(t *testing.T) {
	t.Parallel()
	for _, null := range []bool{false, true} {
		t.Run(fmt.Sprint("null=", null), func(t *testing.T) {
			t.Parallel()
			s := ingest.Simulation{Seed: 11, Runs: 6000, Null: null}
			truths := s.Truths()
			if null {
				if len(truths.Patterns)+len(truths.Factors) != 0 || !truths.Null {
					t.Fatalf("a null history has truths: %+v", truths)
				}
				// What would have been planted must make no difference.
				real := s
				real.Null = false
				truths = real.Truths()
			}
			if len(truths.Patterns) != 20 {
				t.Fatalf("%d patterns", len(truths.Patterns))
			}
			records := slices.Collect(s.Records())
			planted := 0
			for _, f := range truths.Factors {
				if !f.Planted {
					continue
				}
				planted++
				got := simulationEffect(records, f)
				if want := float64(f.EffectPermille) / 1000; null && (got > 0.12 || got < -0.12) || !null && (got-want > 0.12 || want-got > 0.12) {
					t.Errorf("%s %v: effect %.3f, planted %.3f", f.Workflow, f.Subject, got, want)
				}
			}
			if planted != 6 {
				t.Errorf("%d planted factors, want 6", planted)
			}
		})
	}
}

// simulationEffect is the Mantel-Haenszel difference in success with and without a factor, over tasks.
func simulationEffect(records []ingest.Record, f ingest.SimulationFactor) float64 {
	type cell struct{ n, ok float64 }
	tasks := map[string]*[2]cell{}
	for _, r := range records {
		start := r.Run[0].(commands.StartRun)
		if start.Workflow != f.Workflow {
			continue
		}
		with, count := 0, 0
		for _, c := range r.Run {
			if step, ok := c.(commands.StartStep); ok {
				if f.Subject[0] == "agent" && step.Agent == f.Subject[1] || f.Subject[0] == "model" && step.Model == f.Subject[1] {
					with = 1
				}
				if step.Name == f.Subject[1] {
					count++
				}
			}
		}
		switch f.Subject[0] {
		case "contains":
			with = min(count, 1)
		case "repeats":
			with = count / 2
		case "label":
			if start.Labels[f.Subject[1]] == f.Subject[2] {
				with = 1
			}
		}
		if tasks[start.Task] == nil {
			tasks[start.Task] = &[2]cell{}
		}
		switch r.Run[len(r.Run)-1].(type) {
		case commands.FinishRun:
			tasks[start.Task][with].ok++
			tasks[start.Task][with].n++
		case commands.FailRun:
			tasks[start.Task][with].n++
		}
	}
	names := []string{}
	for name := range tasks {
		names = append(names, name)
	}
	slices.Sort(names)
	sum, weight := 0.0, 0.0
	for _, name := range names {
		a, b := tasks[name][1], tasks[name][0]
		if a.n > 0 && b.n > 0 {
			w := a.n * b.n / (a.n + b.n)
			sum += w * (a.ok/a.n - b.ok/b.n)
			weight += w
		}
	}
	return sum / weight
}

func TestWriteRunsIsOneRunALine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := ingest.Simulation{Seed: 4, Runs: 50, Start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	if err := s.WriteRuns(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if !strings.HasPrefix(lines[0], ingest.SimulatedStart) {
		t.Errorf("it begins with %.40s", lines[0])
	}
	i := 0
	for r := range s.Records() {
		start := r.Run[0].(commands.StartRun)
		var line struct {
			Run, Workflow, Task, Outcome string
			CostUSD                      string `json:"cost_usd"`
			Steps                        []struct {
				Step    string
				CostUSD string `json:"cost_usd"`
			}
		}
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil {
			t.Fatal(err)
		}
		steps, want := 0, events.Nanos(0)
		for _, c := range r.Run {
			if f, ok := c.(commands.FinishStep); ok {
				steps++
				want += f.CostNanos
			}
		}
		cost, err := events.ParseUSD(line.CostUSD)
		if err != nil || cost != want || line.Run != r.Name || line.Workflow != start.Workflow || line.Task != start.Task || len(line.Steps) != steps {
			t.Fatalf("line %d: %+v, cost %v %v", i, line, want, err)
		}
		i++
	}
	if i != len(lines) {
		t.Errorf("%d lines of %d runs", len(lines), i)
	}
	if err := s.WriteRuns(simulationFullDisk{}); !errors.Is(err, errSimulationFull) {
		t.Errorf("a full disk: %v", err)
	}
}

var errSimulationFull = errors.New("full")

type simulationFullDisk struct{}

func (simulationFullDisk) Write([]byte) (int, error) { return 0, errSimulationFull }

// Extremes are brought within their bounds, and none of them panics.
func TestSimulationTakesAnyParameters(t *testing.T) {
	t.Parallel()
	for _, s := range []ingest.Simulation{
		{}, {Runs: 3, Workflows: 1, Agents: 1, Tasks: 1, Patterns: -1, Factors: -1, NoisePermille: -1},
		{Runs: 3, Workflows: 30, Agents: 2, Patterns: 1 << 40, Factors: 1 << 40, NoisePermille: 5000},
		{Runs: 2, Workflows: 1 << 40, Agents: 1 << 40, Tasks: 3}, {Events: 1, Workflows: 3},
	} {
		n := 0
		for range s.Records() {
			n++
		}
		if n == 0 {
			t.Errorf("%+v: no run", s)
		}
		s.Truths()
	}
}

func BenchmarkSimulation(b *testing.B) {
	facts := 0
	for b.Loop() {
		for r := range (ingest.Simulation{Seed: 1, Events: 1_000_000}).Records() {
			facts += len(r.Run)
		}
	}
	b.ReportMetric(float64(facts)/b.Elapsed().Seconds(), "events/s")
}
