package managers

import (
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type improvingState struct {
	Workspace   string `json:"workspace,omitempty"`
	Improvement string `json:"improvement,omitempty"`
	// Share is what the experiment gives the change, Applied what the improvement knows of that.
	Share   int `json:"share,omitempty"`
	Applied int `json:"applied,omitempty"`
	// Ended is why the change is no more, and Undone tells that the improvement knows it.
	Ended  string        `json:"ended,omitempty"`
	Undone bool          `json:"undone,omitempty"`
	Proof  *events.Proof `json:"proof,omitempty"`
	Over   bool          `json:"over,omitempty"`
	// Cause is the fact that brought it here, at At.
	Cause uuid.UUID `json:"cause"`
	At    time.Time `json:"at"`
}

// improving keeps the story of an improvement that is tried up with that of its experiment. The two have one id.
func improving() Manager[improvingState] {
	return Manager[improvingState]{
		Name: "improving", Version: 2, Opens: []string{"experiment.planned"},
		Key: func(e *events.Envelope) string {
			return events.StreamName("improvement", e.Workspace, events.Identity(e.Stream))
		},
		Follows: []string{
			"improvement.rejected", "improvement.applied", "improvement.rolled_back", "improvement.effect_measured", "experiment.started", "experiment.moved", "experiment.promoted",
			"experiment.rolled_back", "experiment.stopped", "experiment.expired",
		},
		Evolve: evolveImproving,
		Wants:  wantsOfImproving,
		Over:   func(s improvingState) bool { return s.Over },
	}
}

func evolveImproving(s improvingState, e *events.Envelope, fact events.Event) improvingState {
	here := func() { s.Cause, s.At = e.ID, e.OccurredAt }
	switch f := fact.(type) {
	case events.ImprovementRejected:
		s.Over = true
	case events.ImprovementApplied:
		s.Applied = f.Share
	case events.ImprovementRolledBack:
		s.Undone = true
		s.Over = s.Proof == nil
	case events.ImprovementEffectMeasured:
		s.Over = s.Ended != "" || s.Share == 1000
	case events.ExperimentPlanned:
		s = improvingState{Workspace: e.Workspace, Improvement: f.Improvement, Over: f.Improvement == ""}
	case events.ExperimentStarted:
		s.Share = f.Share
		here()
	case events.ExperimentMoved:
		s.Share = f.Share
		here()
	case events.ExperimentPromoted:
		s.Share, s.Proof = 1000, &f.Proof
		here()
	case events.ExperimentRolledBack:
		s.Ended, s.Proof = f.Reason, &f.Proof
		here()
	case events.ExperimentExpired:
		s.Ended, s.Proof = f.Reason, &f.Proof
		here()
	case events.ExperimentStopped:
		// Made for all meanwhile, it is no more on trial.
		s.Ended, s.Over = f.Reason, s.Applied == 1000 || f.Reason == madeForAll
		here()
	}
	if s.Proof != nil && evidenceOf(*s.Proof).N == 0 {
		s.Proof = nil // no run ended: there is nothing to tell of it
	}
	return s
}

// measured is the figure that experiments measure.
const measured = "success_rate"

func wantsOfImproving(s improvingState) []Want {
	about := func(index int) commands.Meta {
		return meta("improving", s.Cause, index, s.At, s.Workspace, "")
	}
	want := func(c commands.Command) []Want { return []Want{{ID: c.About().ID, Command: c}} }
	done := s.Share == 1000 && s.Applied == 1000 || s.Undone
	switch {
	case done && s.Proof != nil:
		return want(commands.MeasureImprovement{
			Meta: about(1), Improvement: s.Improvement, Metric: measured, Evidence: evidenceOf(*s.Proof),
		})
	case done:
	case s.Ended != "" && s.Applied == 0:
		c := commands.RejectImprovement{Meta: about(2), Improvement: s.Improvement, Reason: s.Ended}
		c.By = c.Actor
		return want(c)
	case s.Ended != "":
		return want(commands.RollBackImprovement{Meta: about(3), Improvement: s.Improvement, Reason: s.Ended})
	case s.Share > s.Applied:
		return want(commands.ApplyImprovement{Meta: about(4), Improvement: s.Improvement, SharePermille: s.Share})
	}
	return nil
}

// evidenceOf is what an experiment found, as the improvement tells it.
func evidenceOf(p events.Proof) events.Evidence {
	e := events.Evidence{
		From: p.From, To: p.To, Statistic: "difference of the success rates in an experiment, at any number of looks", Value: p.Difference,
		Low: p.Low, High: p.High, Confidence: p.Confidence, Counts: map[string]int64{},
	}
	for _, arm := range p.Arms {
		e.N += arm.Runs
		e.Counts[arm.Arm+"_runs"], e.Counts[arm.Arm+"_succeeded"] = arm.Runs, arm.Succeeded
	}
	return e
}
