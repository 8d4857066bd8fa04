package analysts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/failure"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/ingest"
)

// dataFolder is where the real data are.
func dataFolder() string {
	if folder := os.Getenv("VIRTUOUS6_DATA"); folder != "" {
		return folder
	}
	return filepath.Join("..", "..", "shared", "data")
}

// realData measures what can be on real data, where they are at hand.
func realData(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	fmt.Fprint(b, "\n## Real data\n\n### Who went wrong first\n\n")
	blame(t, b)
	fmt.Fprint(b, "\n### What divides success from failure, and does it hold on other tasks\n\n")
	path := filepath.Join(dataFolder(), "agent-runs", "tau-bench", "gpt-4o-airline.json")
	records, err := recordsOf(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		fmt.Fprintf(b, "tau-bench's conversations were not at hand: not measured.\n")
		t.Logf("skipped: %v", err)
		return
	case err != nil:
		t.Fatal(err)
	}
	fmt.Fprintf(b, "tau-bench's airline desk: %d conversations of a tool-calling agent, each task four times. The tasks are divided in two, one by one in their order. What stands out on\n"+
		"the first half (the 95%% interval of success with it less success without it holds no zero) is asked about on the second one, which had no say in the choice. Between tasks a hard\n"+
		"task may be the reason of both; within the same tasks it can't.\n\n", len(records))
	halves := halved(records)
	errorTexts(b, halves)
	calls(b, halves)
	candidates(t, b, halves)
}

// blame tells how often the agent and the step that people hold responsible are found in conversations that failed.
func blame(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dataFolder(), "attribution", "who-and-when", "*", "*.json"))
	if err != nil || len(files) == 0 {
		fmt.Fprintf(b, "Who&When's conversations were not at hand: not measured.\n")
		t.Logf("skipped: there is nothing of Who&When in %s", dataFolder())
		return
	}
	agents, steps := 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var label struct {
			Agent string `json:"mistake_agent"`
			Step  string `json:"mistake_step"`
		}
		if err := json.Unmarshal(data, &label); err != nil {
			t.Fatal(err)
		}
		conversation, err := failure.ReadConversation(data)
		if err != nil {
			t.Fatal(file, err)
		}
		found, _ := failure.Attribute(conversation)
		agents, steps = agents+one(found.Agent == label.Agent), steps+one(fmt.Sprint(found.Step) == label.Step)
	}
	n := float64(len(files))
	fmt.Fprintf(b, "%d conversations of the public part of Who&When, labelled by people; no model is asked.\n\n| what | demanded | measured |\n|---|---|---|\n", len(files))
	fmt.Fprintf(b, "| the agent | at least .58 | %.3f |\n| the step | at least .32 | %.3f |\n", float64(agents)/n, float64(steps)/n)
	if float64(agents) < .58*n || float64(steps) < .32*n {
		t.Errorf("agent %.3f, step %.3f", float64(agents)/n, float64(steps)/n)
	}
}

// recordsOf reads a file as `virtuous6 import` does.
func recordsOf(path string) (records []ingest.Record, err error) {
	now := func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }
	source, err := ingest.Open(path, ingest.Options{Workflow: "airline", Now: now})
	if err != nil {
		return nil, err
	}
	defer func() { _ = source.Close() }()
	for r, err := range source.Records() {
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// halved divides records by their tasks.
func halved(records []ingest.Record) (halves [2][]ingest.Record) {
	side := map[string]int{}
	for _, r := range records {
		task := r.Run[0].(commands.StartRun).Task
		if _, ok := side[task]; !ok {
			side[task] = len(side) % 2
		}
		halves[side[task]] = append(halves[side[task]], r)
	}
	return halves
}

// errorTexts tells of each error how often runs with it succeed in each half.
func errorTexts(b *bytes.Buffer, halves [2][]ingest.Record) {
	var prints failure.Fingerprints
	each := func(see func(half int, run ingest.Record, text string)) {
		for half, records := range halves {
			for _, r := range records {
				for _, c := range r.Run {
					if f, ok := c.(commands.FinishStep); ok && f.Outcome == events.Failed && f.Error != "" {
						see(half, r, f.Error)
					}
				}
			}
		}
	}
	each(func(_ int, _ ingest.Record, text string) { prints.Of("", text) })
	prints.Settle()
	with := map[string]*[2]map[string]bool{} // the runs, by error and half
	each(func(half int, r ingest.Record, text string) {
		id := prints.Of("", text).ID
		if with[id] == nil {
			with[id] = &[2]map[string]bool{{}, {}}
		}
		with[id][half][r.Name] = true
	})
	fmt.Fprintf(b, "| error | success with it, without it: first half | second half | it holds |\n|---|---|---|---|\n")
	runs := func(id string) int { return len(with[id][0]) + len(with[id][1]) }
	order := slices.SortedFunc(maps.Keys(with), func(x, y string) int {
		if n := runs(y) - runs(x); n != 0 {
			return n
		}
		return strings.Compare(x, y)
	})
	for _, id := range order {
		if runs(id) < 4 {
			continue
		}
		var cells [2]string
		var tables [2]stats.Table
		for half, records := range halves {
			t := &tables[half]
			for _, r := range plainRuns(slices.Values(records)) {
				*t = counted(*t, with[id][half][r.name], r.good)
			}
			cells[half] = shares(*t)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", strings.ReplaceAll(prints.Text(id), "|", "\\|"), cells[0], cells[1], verdictOn(tables))
	}
}

// verdictOn says in words whether a difference is one in both halves.
func verdictOn(tables [2]stats.Table) string {
	var d [2]float64
	var i [2]stats.Interval
	for half, t := range tables {
		if t.With == 0 {
			return "it is in one half alone"
		}
		var s stats.Strata
		s.Add(t)
		d[half], i[half] = s.Difference(.95)
	}
	sure := func(half int) bool { return i[half].Low > 0 || i[half].High < 0 }
	switch {
	case d[0] < 0 != (d[1] < 0):
		return "no: the other way round"
	case sure(0) && sure(1):
		return "yes, on both"
	case sure(0):
		return "the same way, proven on the first half alone"
	case sure(1):
		return "the same way, proven on the second half alone"
	}
	return "the same way, too few to tell"
}

// shares are the successes with something and without it.
func shares(t stats.Table) string {
	return fmt.Sprintf("%d of %d, %d of %d", t.WithSucceeded, t.With, t.WithoutSucceeded, t.Without)
}

// calls tells which calls of tools stand out on the first half, and how they stand on the second, and within the same tasks.
func calls(b *bytes.Buffer, halves [2][]ingest.Record) {
	var runs [2][]plainRun
	subjects := map[string][]string{}
	for half, records := range halves {
		runs[half] = plainRuns(slices.Values(records))
		for _, r := range runs[half] {
			for _, s := range r.trace {
				subjects["contains "+s], subjects["repeats "+s] = []string{"contains", s}, []string{"repeats", s}
			}
		}
	}
	fmt.Fprintf(b, "\n| calls | success with it, without it: first half | second half | it holds | within the same tasks, in points |\n|---|---|---|---|---|\n")
	stood, same := 0, 0
	for _, name := range slices.Sorted(maps.Keys(subjects)) {
		var tables [2]stats.Table
		for half := range tables {
			for i := range runs[half] {
				if has, compared := runs[half][i].has(subjects[name]); compared {
					tables[half] = counted(tables[half], has, runs[half][i].good)
				}
			}
		}
		if t := tables[0]; t.With < 10 || t.Without < 10 || !standsOut(t) {
			continue
		}
		within := plainStrata(slices.Concat(runs[0], runs[1]), "airline", subjects[name])
		d, i := within.Difference(.95)
		stood++
		verdict := verdictOn(tables)
		if same += one(strings.HasPrefix(verdict, "yes") || strings.HasPrefix(verdict, "the same")); d < 0 != (difference(tables[0]) < 0) {
			verdict += "; within tasks the other way round"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %+.0f (%.0f to %.0f) |\n", name, shares(tables[0]), shares(tables[1]), verdict, 100*d, 100*i.Low, 100*i.High)
	}
	fmt.Fprintf(b, "\nOf %d that stand out on the first half %d go the same way on the second.\n", stood, same)
}

func difference(t stats.Table) float64 {
	var s stats.Strata
	s.Add(t)
	d, _ := s.Difference(.95)
	return d
}

func standsOut(t stats.Table) bool {
	var s stats.Strata
	s.Add(t)
	_, i := s.Difference(.95)
	return i.Low > 0 || i.High < 0
}

// candidates tells of what the workflow analyst names on one half how it stands on the other.
func candidates(t *testing.T, b *bytes.Buffer, halves [2][]ingest.Record) {
	t.Helper()
	var said [2]evidence.Result
	for half, records := range halves {
		w := newWorld(t)
		w.take(t, slices.Values(records))
		said[half] = w.look(t)["workflow"]
		w.close()
	}
	named, same, few, claimed := 0, 0, 0, 0
	for half := range said {
		claimed += claims(said[half])
		for _, f := range said[half].Findings {
			if !strings.HasSuffix(f.Kind, "_candidate") {
				continue
			}
			named++
			other, asked := said[1-half].Weigh(events.Claim{Workflow: f.Workflow, Subject: f.Subject, Harms: f.Evidence.Value < 0}, 0)
			switch e := other.Evidence; {
			case !asked || e.Low == e.High:
				few++
			case e.Value < 0 == (f.Evidence.Value < 0):
				same++
			}
		}
	}
	fmt.Fprintf(b, "\nThe workflow analyst, which compares within tasks, claims %d and names %d on the two halves \"not proven, may be chance\": on the other half %d of them go the same way, %d the other,\n"+
		"and for %d there are too few runs. It is to claim nothing here: four runs a task prove nothing within tasks.\n", claimed, named, same, named-same-few, few)
	if claimed > 0 {
		t.Errorf("%d claims on halves of tau-bench", claimed)
	}
}
