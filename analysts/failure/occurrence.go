package failure

import (
	"cmp"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// Error is what all occurrences of a fingerprint have in common, as `errors --json` prints it.
type Error struct {
	Fingerprint
	Times int64 `json:"times"`
	// Runs hold it; Failed and Succeeded are those of them that ended so.
	Runs      int64 `json:"runs"`
	Failed    int64 `json:"failed"`
	Succeeded int64 `json:"succeeded"`
	// Workflows, Steps and Agents are where it occurs, the most frequent first.
	Workflows []Count `json:"workflows"`
	Steps     []Count `json:"steps"`
	Agents    []Count `json:"agents"`
	// Next are the steps that runs went on with after it first occurred, by the lower bound of how often they succeeded.
	Next []Next `json:"next"`
	// Example is the latest run with it, Feedback what people wrote on runs with it, the latest first.
	Example       string   `json:"example"`
	Feedback      []string `json:"feedback"`
	FirstPosition uint64   `json:"first_position"`
	LastPosition  uint64   `json:"last_position"`
}

// Count is how often something is concerned.
type Count struct {
	Name  string `json:"name"`
	Times int64  `json:"times"`
}

// Next is what runs did after an error, and how they ended.
type Next struct {
	Step      string         `json:"step"`
	Runs      int64          `json:"runs"`
	Succeeded int64          `json:"succeeded"`
	Interval  stats.Interval `json:"interval"`
}

// maxFeedback is how many references to feedback an error has.
const maxFeedback = 5

// history is a view with the fingerprint of each failed step.
type history struct {
	View
	fingerprints Fingerprints
	// of is by run and step, "" where none failed, and nil of a run without a failed step; whole is the run's own error where no step has
	// its fingerprint.
	of    [][]string
	whole []string
	by    map[string]string
	// met are those whose runs have an error, by its fingerprint.
	met map[string]evidence.People
}

func newHistory(v View) *history {
	h := &history{View: v, of: make([][]string, len(v.Runs)), whole: make([]string, len(v.Runs)), by: map[string]string{}, met: map[string]evidence.People{}}
	for i := range v.Runs { // all are met once before they are told apart
		r := &v.Runs[i]
		for k := range r.Steps {
			if s := &r.Steps[k]; s.Failed && cmp.Or(s.Explicit, s.Error) != "" {
				h.fingerprints.Of(s.Explicit, s.Error)
			}
		}
		if r.Broke && r.Error != "" {
			h.fingerprints.Of("", r.Error)
		}
	}
	h.fingerprints.Settle()
	for i := range v.Runs {
		r := &v.Runs[i]
		for k := range r.Steps {
			if s := &r.Steps[k]; s.Failed && cmp.Or(s.Explicit, s.Error) != "" {
				if h.of[i] == nil {
					h.of[i] = make([]string, len(r.Steps))
				}
				f := h.fingerprints.Of(s.Explicit, s.Error)
				h.of[i][k], h.by[f.ID] = f.ID, f.By
				h.meets(f.ID, r)
			}
		}
		if r.Broke && r.Error != "" {
			f := h.fingerprints.Of("", r.Error)
			h.meets(f.ID, r)
			if !slices.Contains(h.of[i], f.ID) {
				h.whole[i], h.by[f.ID] = f.ID, f.By
			}
		}
	}
	return h
}

func (h *history) meets(id string, r *Run) {
	if h.met[id] == nil {
		h.met[id] = evidence.People{}
	}
	h.met[id].Met(r.Requester)
}

// wordsOf are the people whose words an error's text holds.
func (h *history) wordsOf(id string) []string { return h.met[id].Few() }

// id is the fingerprint of a step, "" where it did not fail, or without a word.
func (h *history) id(run, step int) string {
	if h.of[run] == nil {
		return ""
	}
	return h.of[run][step]
}

// List are all errors of a view, those in the most failed runs first.
func List(v View) []Error { return newHistory(v).list(func(string) string { return "" }) }

// list are the errors of each part that the workflows fall into.
func (h *history) list(part func(workflow string) string) []Error {
	v := h.View
	type tally struct {
		Error
		workflows, steps, agents map[string]int64
		next                     map[string]*Next
	}
	all := map[string]*tally{}
	written := map[string][]string{}
	for _, f := range v.Feedback {
		written[f.Run] = append(written[f.Run], f.Feedback)
	}
	at := func(id string, r *Run, position uint64) *tally {
		key := part(r.Workflow) + "\x00" + id
		t := all[key]
		if t == nil {
			t = &tally{workflows: map[string]int64{}, steps: map[string]int64{}, agents: map[string]int64{}, next: map[string]*Next{}}
			t.Fingerprint, t.FirstPosition = Fingerprint{id, h.by[id], h.fingerprints.Text(id)}, position
			all[key] = t
		}
		t.Times++
		t.FirstPosition, t.LastPosition = min(t.FirstPosition, position), max(t.LastPosition, position)
		t.workflows[r.Workflow]++
		return t
	}
	in := map[string]bool{}
	for i := range v.Runs {
		r := &v.Runs[i]
		clear(in)
		count := func(t *tally) {
			if in[t.ID] {
				return
			}
			in[t.ID] = true
			t.Runs++
			t.Example = r.Name
			t.Feedback = append(t.Feedback, written[r.Name]...)
			switch r.Outcome {
			case events.Succeeded:
				t.Succeeded++
			case events.Failed:
				t.Failed++
			}
		}
		for k, id := range h.of[i] {
			if id == "" {
				continue
			}
			s := &r.Steps[k]
			t := at(id, r, s.Position)
			t.steps[s.Name]++
			if s.Agent != "" {
				t.agents[s.Agent]++
			}
			if !in[id] && k+1 < len(r.Steps) && rated(r) {
				n := t.next[r.Steps[k+1].Name]
				if n == nil {
					n = &Next{Step: r.Steps[k+1].Name}
					t.next[n.Step] = n
				}
				n.Runs++
				if r.Outcome == events.Succeeded {
					n.Succeeded++
				}
			}
			count(t)
		}
		if id := h.whole[i]; id != "" {
			count(at(id, r, r.Last))
		}
	}
	list := make([]Error, 0, len(all))
	for _, t := range all {
		t.Workflows, t.Steps, t.Agents, t.Next = counts(t.workflows), counts(t.steps), counts(t.agents), []Next{}
		for _, n := range t.next {
			n.Interval = stats.Wilson(n.Succeeded, n.Runs, confidence)
			n.Interval = stats.Interval{Low: stats.Round(n.Interval.Low), High: stats.Round(n.Interval.High)}
			t.Next = append(t.Next, *n)
		}
		slices.SortFunc(t.Next, func(a, b Next) int {
			return cmp.Or(cmp.Compare(b.Interval.Low, a.Interval.Low), cmp.Compare(a.Step, b.Step))
		})
		slices.Reverse(t.Feedback) // the latest first
		t.Feedback = append([]string{}, t.Feedback[:min(len(t.Feedback), maxFeedback)]...)
		list = append(list, t.Error)
	}
	slices.SortFunc(list, func(a, b Error) int {
		return cmp.Or(cmp.Compare(b.Failed, a.Failed), cmp.Compare(b.Times, a.Times), cmp.Compare(a.ID, b.ID), cmp.Compare(a.FirstPosition, b.FirstPosition))
	})
	return list
}

func counts(of map[string]int64) []Count {
	list := make([]Count, 0, len(of))
	for name, n := range of {
		list = append(list, Count{name, n})
	}
	slices.SortFunc(list, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.Name, b.Name)) })
	return list
}

func rated(r *Run) bool { return r.Outcome == events.Succeeded || r.Outcome == events.Failed }
