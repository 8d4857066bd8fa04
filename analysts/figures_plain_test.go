package analysts_test

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/ingest"
)

// plainRun is a run that ended well or not, as one would write it into a table to test it by hand.
type plainRun struct {
	name, workflow, task, agent, model string
	labels                             map[string]string
	trace                              []string
	good                               bool
}

// plainRuns are the runs of records that succeeded or failed.
func plainRuns(records iter.Seq[ingest.Record]) (runs []plainRun) {
	for record := range records {
		r := plainRun{name: record.Name}
		ended := false
		for _, c := range record.Run {
			switch c := c.(type) {
			case commands.StartRun:
				r.workflow, r.task, r.labels = c.Workflow, c.Task, c.Labels
			case commands.StartStep:
				r.trace, r.agent, r.model = append(r.trace, c.Name), c.Agent, cmp.Or(r.model, c.Model)
			case commands.FinishRun:
				r.good, ended = c.Outcome == events.Succeeded, true
			case commands.FailRun:
				ended = true
			}
		}
		if v := record.Verdict; v != nil {
			r.good, ended = v.Verdict == events.Succeeded, true
		}
		if ended {
			runs = append(runs, r)
		}
	}
	return runs
}

// has tells whether a run has what a subject is about, and whether it is compared at all.
func (r *plainRun) has(subject []string) (has, compared bool) {
	switch subject[0] {
	case "contains":
		return slices.Contains(r.trace, subject[1]), true
	case "repeats":
		first := slices.Index(r.trace, subject[1])
		return first >= 0 && slices.Contains(r.trace[first+1:], subject[1]), first >= 0
	case "label":
		return r.labels[subject[1]] == subject[2], true
	case "agent":
		return r.agent == subject[1], true
	case "model":
		return r.model == subject[1], true
	}
	i := 1
	for _, step := range r.trace {
		if i < len(subject) && step == subject[i] {
			i++
		}
	}
	return i == len(subject), true
}

// plainStrata compares the runs that have what a subject is about with the others, within the tasks of a workflow.
func plainStrata(runs []plainRun, workflow string, subject []string) stats.Strata {
	tables := map[string]stats.Table{}
	for i := range runs {
		r := &runs[i]
		if has, compared := r.has(subject); compared && r.workflow == workflow {
			tables[r.task] = counted(tables[r.task], has, r.good)
		}
	}
	var s stats.Strata
	for _, task := range slices.Sorted(maps.Keys(tables)) {
		s.Add(tables[task])
	}
	return s
}

// counted is a table with one more run.
func counted(t stats.Table, has, good bool) stats.Table {
	if has {
		t.With, t.WithSucceeded = t.With+1, t.WithSucceeded+int64(one(good))
	} else {
		t.Without, t.WithoutSucceeded = t.Without+1, t.WithoutSucceeded+int64(one(good))
	}
	return t
}

// plainP is the p-value of a Cochran-Mantel-Haenszel test within the tasks of a workflow.
func plainP(runs []plainRun, workflow string, subject []string) float64 {
	s := plainStrata(runs, workflow, subject)
	return stats.PValue(s.Score())
}

// bonferroniClaims tells whether a plain Bonferroni test finds anything among all that runs include, their labels, agents and models.
func bonferroniClaims(runs []plainRun) bool {
	subjects := map[string][]string{}
	for i := range runs {
		r := &runs[i]
		of := [][]string{{"agent", r.agent}, {"model", r.model}}
		for k, v := range r.labels {
			of = append(of, []string{"label", k, v})
		}
		for _, s := range r.trace {
			of = append(of, []string{"contains", s})
		}
		for _, s := range of {
			subjects[fmt.Sprint(s)] = s
		}
	}
	for _, s := range subjects {
		if plainP(runs, runs[0].workflow, s)*float64(len(subjects)) <= .05 {
			return true
		}
	}
	return false
}

// tested is how many hypotheses the workflow analyst says that it tested.
func tested(r evidence.Result) float64 {
	n := int64(0)
	for _, f := range r.Findings {
		n = max(n, f.Evidence.Counts["hypotheses"])
	}
	return float64(n)
}

// beside tells how often a step and a model that bring 20 points each are found among 20 steps that bring nothing, beside a plain Bonferroni
// test over as many hypotheses as the analyst tests, which may look once.
func beside(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	fmt.Fprint(b, "\n## Power beside a plain Bonferroni test\n\nA step and a model that bring 20 points each, among 20 steps that bring nothing, in one workflow of 10 tasks. The analyst may look as\n"+
		"often as it likes; the Bonferroni test (Cochran-Mantel-Haenszel within tasks, .05 over as many hypotheses as the analyst tests) looks once. It is to be as strong at 400 and 800 runs.\n\n"+
		"| runs | histories | step: analyst | step: Bonferroni | model: analyst | model: Bonferroni | step proposed | claims of what brings nothing |\n|---|---|---|---|---|---|---|---|\n")
	subjects := [][]string{{"contains", "helps"}, {"model", "good"}}
	for _, c := range []struct{ runs, histories int }{{400, *histories}, {800, *histories}, {4000, max(1, *histories/4)}} {
		type found struct {
			ours, plain      [2]bool
			proposed, others int
		}
		var ours, plain [2]int
		proposed, others := 0, 0
		for _, f := range over(c.histories, func(seed int) (f found) {
			w := newWorld(t)
			defer w.close()
			w.take(t, desk(uint64(seed), c.runs)) //nolint:gosec // small
			said := w.look(t)["workflow"]
			runs := plainRuns(desk(uint64(seed), c.runs)) //nolint:gosec // small
			for _, finding := range said.Findings {
				switch s := finding.Subject; {
				case !finding.Strength.Claims():
				case s[1] == "helps":
					f.ours[0] = true
				case s[1] == "good" || s[1] == "poor" || s[0] == "agent_model":
					f.ours[1] = true
				default:
					f.others++
				}
			}
			for i, s := range subjects {
				f.plain[i] = plainP(runs, "desk", s)*tested(said) <= .05
			}
			for _, p := range said.Proposals {
				if p.Claim.Subject[1] == "helps" {
					f.proposed++
				}
			}
			return f
		}) {
			for i := range subjects {
				ours[i], plain[i] = ours[i]+one(f.ours[i]), plain[i]+one(f.plain[i])
			}
			proposed, others = proposed+f.proposed, others+f.others
		}
		fmt.Fprintf(b, "| %d | %d | %d | %d | %d | %d | %d | %d |\n", c.runs, c.histories, ours[0], plain[0], ours[1], plain[1], proposed, others)
		for i, s := range subjects {
			if ours[i] < plain[i] {
				t.Errorf("%d runs: %v is found in %d of %d histories, by Bonferroni in %d", c.runs, s, ours[i], c.histories, plain[i])
			}
		}
	}
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// desk is a history in which a step brings 20 points and a model 20 more, among 20 steps that bring nothing.
func desk(seed uint64, runs int) iter.Seq[ingest.Record] {
	return func(yield func(ingest.Record) bool) {
		rng := rand.New(rand.NewPCG(seed, 7))
		begin := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
		for n := range runs {
			task := rng.IntN(10)
			trace := []string{"plan"}
			for s := range 20 {
				if rng.IntN(100) < 25 {
					trace = append(trace, fmt.Sprint("step ", s))
				}
			}
			chance := 25 + 2*task
			if rng.IntN(100) < 35 {
				trace = slices.Insert(trace, 1+rng.IntN(len(trace)), "helps")
				chance += 20
			}
			trace = append(trace, "answer")
			model := "poor"
			if rng.IntN(2) == 0 {
				model, chance = "good", chance+20
			}
			name, at := fmt.Sprintf("desk-%d", n), begin.Add(time.Duration(n)*10*time.Minute)
			id, next := events.NameID(at, fmt.Sprint(seed, name)), 0
			meta := func() commands.Meta {
				next++
				at = at.Add(time.Second)
				return commands.Meta{ID: events.DeriveID(id, next), At: at, Actor: "import:desk", Correlation: name}
			}
			record := ingest.Record{Name: name, Run: []commands.Command{commands.StartRun{Meta: meta(), Run: name, Workflow: "desk", Task: fmt.Sprint("task ", task)}}}
			for i, s := range trace {
				record.Run = append(record.Run,
					commands.StartStep{Meta: meta(), Run: name, Step: i, Name: s, Type: events.ChatStep, Agent: "clerk", Model: model},
					commands.FinishStep{Meta: meta(), Run: name, Step: i, Outcome: events.Succeeded})
			}
			if rng.IntN(100) < chance {
				record.Run = append(record.Run, commands.FinishRun{Meta: meta(), Run: name, Outcome: events.Succeeded})
			} else {
				record.Run = append(record.Run, commands.FailRun{Meta: meta(), Run: name, Error: "no answer"})
			}
			if !yield(record) {
				return
			}
		}
	}
}
