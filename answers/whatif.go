package answers

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// effectiveRuns is the least effective sample from which anything is told.
const effectiveRuns = 100

// certainty is the confidence of what WhatIf tells.
const certainty = .95

// Contrast is what a figure would have been without and with a change, in the mean over all runs. Low and High bound the difference.
type Contrast struct {
	Without    float64 `json:"without"`
	With       float64 `json:"with"`
	Difference float64 `json:"difference"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
}

// WhatIf is what a change would have done to an agent's runs, from those that were drawn for it with a known chance.
type WhatIf struct {
	Agent string            `json:"agent"`
	Kind  events.ChangeKind `json:"kind"`
	// Tasks are those that the change is meant for, all where there are none.
	Tasks []string `json:"tasks,omitempty"`
	// Experiment is the one that drew the runs, Status what became of it; both are empty where none did.
	Experiment string `json:"experiment,omitempty"`
	Status     string `json:"status,omitempty"`
	// Arm is the candidate, empty where the experiment has one.
	Arm string `json:"arm,omitempty"`
	// Unknown says why nothing can be told. It is empty where something is.
	Unknown string `json:"unknown,omitempty"`
	// Runs are the drawn ones that have succeeded or failed, one of each conversation or requester, between the positions From and To; Effective is
	// what they are worth as runs of equal weight, in the smaller arm.
	Runs      int64   `json:"runs"`
	Effective float64 `json:"effective_runs"`
	From      uint64  `json:"from,omitempty"`
	To        uint64  `json:"to,omitempty"`
	// Success is a share, Cost dollars a run, Seconds from a run's start to its end. They are nil where nothing is told.
	Success    *Contrast `json:"success,omitempty"`
	Cost       *Contrast `json:"cost_usd,omitempty"`
	Seconds    *Contrast `json:"seconds,omitempty"`
	Confidence float64   `json:"confidence,omitempty"`
	// Candidates are all that the experiment tried, each by itself and at its own confidence, where it tried several.
	Candidates []WhatIf `json:"candidates,omitempty"`
}

// TellScreen is what is known of a change before it is tried: what history says of it, and the latest eval. now is what the agent is without it.
func TellScreen(ctx context.Context, r projections.Reader, q ChangeInQuestion, now events.AgentConfig) (events.Screen, error) {
	w, err := TellWhatIf(ctx, r, q)
	if err != nil {
		return events.Screen{}, err
	}
	s := w.screen()
	all, err := r.Evals(ctx, q.Agent)
	for _, row := range all {
		e := row.Found
		if e.Against == nil || !alike(q.Kind, e.Config, q.Config) || !alike(q.Kind, e.Against.Config, now) {
			continue
		}
		// What differs in anything else too tells nothing of this.
		if changes := Changes(e.Against.Config, e.Config); len(changes) == 1 && changes[0].Key == settingOf(q.Kind) {
			s.Eval = &events.EvalScreen{Eval: e.Eval, Runs: e.Runs, Difference: e.Against.Difference, Low: e.Against.Low, High: e.Against.High, Confidence: e.Confidence}
			break
		}
	}
	return s, err
}

// TellBookScreen is what is known of a version of a runbook before it is tried: what an experiment on the same steps found, where there was one.
func TellBookScreen(ctx context.Context, r projections.Reader, book events.RunbookSaved) (events.Screen, error) {
	all, err := r.Experiments(ctx, "")
	if err != nil {
		return events.Screen{}, err
	}
	for _, x := range all {
		if x.Book == nil || x.Runbook != book.Runbook || x.Proof == nil || x.EndedAt.IsZero() || !reflect.DeepEqual(x.Book.Steps, book.Steps) {
			continue
		}
		s := events.Screen{Experiment: x.Experiment, Difference: x.Proof.Difference, Low: x.Proof.Low, High: x.Proof.High, Confidence: x.Proof.Confidence}
		for _, arm := range x.Proof.Arms {
			s.Runs += arm.Runs
		}
		return s, nil
	}
	return events.Screen{Reason: "it was never tried: no goal was drawn for it"}, nil
}

// screen is what history says of a change that is to be tried.
func (w WhatIf) screen() events.Screen {
	s := events.Screen{Experiment: w.Experiment, Reason: w.Unknown, Runs: w.Runs}
	if c := w.Success; c != nil {
		s.Difference, s.Low, s.High, s.Confidence = c.Difference, c.Low, c.High, w.Confidence
	}
	return s
}

// ChangeInQuestion is a change of an agent. Experiment is the one that drew runs for it, empty where any that tried the same is meant.
type ChangeInQuestion struct {
	Agent      string
	Kind       events.ChangeKind
	Config     events.AgentConfig
	Experiment string
	// Tasks are those that it is meant for, all where there are none.
	Tasks []string
}

// ErrNoTrial refuses a change that is not tried on a part of an agent's runs.
var ErrNoTrial = errors.New("what-if is told of changes that are tried on a part of an agent's runs")

// FindChange is the change that an experiment tried, or that an improvement asks for: the id names it, or it alone begins with it.
func FindChange(ctx context.Context, r projections.Reader, id string) (ChangeInQuestion, error) {
	x, err := projections.FindExperiment(ctx, r, id)
	if err == nil && x.Runbook != "" {
		return ChangeInQuestion{}, fmt.Errorf("%s is about the runbook %s: %w: what its goals came to is in `virtuous6 experiments show %[1]s`", x.Experiment, x.Runbook, ErrNoTrial)
	}
	if err == nil {
		q := ChangeInQuestion{Agent: x.Agent, Kind: events.ChangeKind(x.Kind), Config: x.Config, Experiment: x.Experiment}
		if i, is := events.CandidateOf(x.Promoted); is && i > 0 && i <= len(x.Others) {
			q.Config = x.Others[i-1]
		}
		return q, nil
	}
	if !errors.Is(err, projections.ErrNotFound) {
		return ChangeInQuestion{}, err
	}
	i, err := projections.FindImprovement(ctx, r, id)
	if err != nil {
		return ChangeInQuestion{}, err
	}
	if i.Change.Saves() {
		return ChangeInQuestion{}, fmt.Errorf("%s is about the runbook %s: %w: what its goals came to is in `virtuous6 experiments show %[1]s`, once it is tried", i.Improvement, i.Change.Book.Runbook, ErrNoTrial)
	}
	if i.Change.Config == nil {
		return ChangeInQuestion{}, fmt.Errorf("%s is about the %s of a workflow: %w", i.Improvement, i.Change.Kind, ErrNoTrial)
	}
	return ChangeInQuestion{Agent: i.Change.Agent, Kind: i.Change.Kind, Config: *i.Change.Config}, nil
}

// TellWhatIf tells what a change would have done. Runs of which no chance was recorded tell nothing: who got the change was then somebody's
// choice, and the choice may be what made the difference.
func TellWhatIf(ctx context.Context, r projections.Reader, q ChangeInQuestion) (WhatIf, error) {
	w := WhatIf{Agent: q.Agent, Kind: q.Kind, Tasks: q.Tasks}
	all, err := r.Experiments(ctx, "")
	if err != nil {
		return w, err
	}
	tried := slices.IndexFunc(all, func(x projections.ExperimentRow) bool {
		if q.Experiment != "" {
			return x.Experiment == q.Experiment
		}
		return x.Agent == q.Agent && x.Kind == string(q.Kind) && !x.StartedAt.IsZero() && slices.ContainsFunc(append(slices.Clone(x.Others), x.Config), func(c events.AgentConfig) bool { return alike(q.Kind, c, q.Config) })
	})
	if tried < 0 {
		w.Unknown = "it was never tried: no run was drawn for it"
		return w, nil
	}
	x := all[tried]
	w.Experiment, w.Status = x.Experiment, x.Status
	drawn, err := r.Drawn(ctx, w.Experiment)
	if err != nil {
		return w, err
	}
	if len(x.Others) > 0 && q.Experiment != "" {
		for i := range 1 + len(x.Others) {
			each := w
			each.Arm = events.Candidate(i)
			if err := each.tell(slices.Clone(drawn)); err != nil {
				return w, err
			}
			w.Candidates = append(w.Candidates, each)
		}
	}
	w.Arm = armOf(q, x)
	return w, w.tell(drawn)
}

// tell says what the runs tell that were drawn for an experiment.
func (w *WhatIf) tell(drawn []projections.DrawnRun) error {
	drawn = slices.DeleteFunc(drawn, func(d projections.DrawnRun) bool {
		return w.chance(d.Arm) <= 0 || d.Result() != events.Succeeded && d.Result() != events.Failed
	})
	if len(w.Tasks) > 0 && !slices.ContainsFunc(drawn, func(d projections.DrawnRun) bool { return slices.Contains(w.Tasks, d.Task) }) {
		w.Unknown = fmt.Sprintf("none of the runs that were drawn is about %s", strings.Join(w.Tasks, ", "))
		return nil
	}
	return w.estimate(drawn)
}

// armOf is the candidate that a question is about, the first where it names none. It is empty where there is one.
func armOf(q ChangeInQuestion, x projections.ExperimentRow) string {
	if len(x.Others) == 0 {
		return ""
	}
	i := slices.IndexFunc(x.Others, func(c events.AgentConfig) bool { return alike(q.Kind, c, q.Config) })
	return events.Candidate(i + 1)
}

// chance is how likely a run was drawn into its arm. It is 0 for one that could not have got the candidate any more.
func (w *WhatIf) chance(arm events.Arm) float64 {
	if i, _ := events.CandidateOf(w.Arm); w.Arm != "" && (i+1 >= len(arm.Shares) || arm.Shares[i+1] == 0) {
		return 0
	}
	return float64(arm.Permille) / 1000
}

// got tells whether a run got the candidate, and whether it got one that is none of the two which are compared.
func (w *WhatIf) got(arm events.Arm) (candidate, elsewhere bool) {
	if w.Arm == "" {
		return arm.Tried() || arm.Arm == events.CurrentArm, false
	}
	return arm.Arm == w.Arm, arm.Arm != w.Arm && arm.Arm != events.ControlArm
}

// estimate fills in the figures.
func (w *WhatIf) estimate(drawn []projections.DrawnRun) error {
	success := func(d projections.DrawnRun) (float64, bool) {
		if d.Result() == events.Succeeded {
			return 1, true
		}
		return 0, true
	}
	e, ok, err := w.contrast(drawn, success)
	if err != nil || !ok {
		return err
	}
	w.Runs, w.Effective, w.Success = e.Units, stats.Round(e.Effective), contrastOf(e)
	if e.Effective < effectiveRuns {
		w.Success, w.Unknown = nil, fmt.Sprintf("the %d runs that were drawn are worth %.0f of equal weight in the smaller arm, and %d are needed", w.Runs, e.Effective, effectiveRuns)
		return nil
	}
	w.Confidence = certainty
	for _, d := range drawn {
		if w.From == 0 || d.FirstPosition < w.From {
			w.From = d.FirstPosition
		}
		w.To = max(w.To, d.LastPosition)
	}
	for _, figure := range []struct {
		to    **Contrast
		value func(projections.DrawnRun) (float64, bool)
	}{
		{&w.Cost, func(d projections.DrawnRun) (float64, bool) { return float64(d.CostNanos) / 1e9, true }},
		{&w.Seconds, func(d projections.DrawnRun) (float64, bool) { return float64(d.DurationNS) / 1e9, d.DurationNS >= 0 }},
	} {
		e, ok, err := w.contrast(drawn, figure.value)
		if err != nil {
			return err
		}
		if ok {
			*figure.to = contrastOf(e)
		}
	}
	return nil
}

// contrast estimates a figure. It tells whether there is anything to estimate it from.
func (w *WhatIf) contrast(drawn []projections.DrawnRun, value func(projections.DrawnRun) (float64, bool)) (stats.WhatIf, bool, error) {
	draws := make([]stats.Draw, 0, len(drawn))
	for _, d := range drawn {
		if y, known := value(d); known {
			candidate, elsewhere := w.got(d.Arm)
			draws = append(draws, stats.Draw{
				Unit: d.Arm.Unit, Stratum: d.Task, Candidate: candidate, Elsewhere: elsewhere, Chance: w.chance(d.Arm), Outcome: y,
			})
		}
	}
	meant := func(task string) bool { return len(w.Tasks) == 0 || slices.Contains(w.Tasks, task) }
	e, err := stats.Estimate(draws, meant, certainty)
	if errors.Is(err, stats.ErrUndrawn) {
		w.Unknown = fmt.Sprintf("%d runs that were drawn have succeeded or failed, all in one arm or none", len(draws))
		return e, false, nil
	}
	return e, true, err
}

func contrastOf(e stats.WhatIf) *Contrast {
	return &Contrast{
		Without: stats.Round(e.Control), With: stats.Round(e.Changed), Difference: stats.Round(e.Difference),
		Low: stats.Round(e.Interval.Low), High: stats.Round(e.Interval.High),
	}
}

// alike tells that two configurations would be the same change of one kind.
func alike(kind events.ChangeKind, a, b events.AgentConfig) bool {
	return !slices.ContainsFunc(Changes(a, b), func(c Changed) bool { return c.Key == settingOf(kind) })
}

// settingOf is the setting that changes of a kind make otherwise.
func settingOf(kind events.ChangeKind) string {
	switch kind {
	case events.ChangeModel:
		return "model"
	case events.ChangePrompt:
		return "prompt"
	case events.ChangeTemperature:
		return "temperature"
	case events.ChangeTokenLimit:
		return "max tokens"
	case events.ChangeTools:
		return "tools"
	case events.ChangeSkills:
		return "skills"
	case events.ChangeEffort:
		return "reasoning effort"
	case events.ChangeFormat:
		return "schema"
	case events.ChangeFixes:
		return "fixes"
	case events.ChangeExamples:
		return "examples"
	case events.ChangeLessons:
		return "lessons"
	case events.ChangeFallbacks:
		return "fallbacks"
	case events.ChangeRouting, events.ChangeSpawn, events.ChangeSplit, events.ChangeMerge, events.ChangeRetire:
		return "routes"
	case events.ChangeWorkflow, events.ChangeRunbook:
	}
	return ""
}
