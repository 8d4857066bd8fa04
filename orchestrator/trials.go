package orchestrator

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// trials are the experiments that run. Like caps they go by the log, so that a run that is assigned asks nobody which there are.
type trials struct {
	mu sync.Mutex
	// of are what experiments are about that were planned and are not over, by stream; running are those that were started.
	of      map[string]trialOf
	running map[string]bool
}

// trialOf is what an experiment is about: an agent or a runbook.
type trialOf struct{ agent, runbook string }

func newTrials() *trials { return &trials{of: map[string]trialOf{}, running: map[string]bool{}} }

// trialKinds are the facts that tell which experiments there are.
var trialKinds = []string{
	events.ExperimentPlanned{}.Kind(), events.ExperimentStarted{}.Kind(), events.ExperimentPromoted{}.Kind(),
	events.ExperimentRolledBack{}.Kind(), events.ExperimentStopped{}.Kind(), events.ExperimentExpired{}.Kind(),
}

func (*trials) kinds() []string { return trialKinds }

// start implements heard.
func (t *trials) start(ctx context.Context, models *projections.Models) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for row, err := range models.AllExperiments(ctx) {
		if err != nil {
			return err
		}
		stream := commands.ExperimentStream(row.Workspace, row.Experiment)
		switch row.Status {
		case projections.ExperimentRunning, projections.ExperimentProved:
			t.running[stream] = true
			fallthrough
		case projections.ExperimentPlanned:
			t.of[stream] = trialOf{row.Agent, row.Runbook}
		}
	}
	return nil
}

// hear takes in a fact of the log. A plan that can't be read tells nothing: whoever loads the experiment hears of it.
func (t *trials) hear(e *events.Envelope) {
	at := slices.Index(trialKinds, e.Kind)
	if at < 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch at {
	case 0:
		if fact, err := events.Decode(*e); err == nil {
			f := fact.(events.ExperimentPlanned) //nolint:forcetypeassert // its kind tells
			on := trialOf{agent: f.Agent}
			if f.Book != nil {
				on.runbook = f.Book.Runbook
			}
			t.of[e.Stream] = on
		}
	case 1:
		t.running[e.Stream] = true
	default:
		delete(t.of, e.Stream)
		delete(t.running, e.Stream)
	}
}

// on is the experiment that an agent's runs, or a runbook's goals, take part in, empty where there is none.
func (t *trials) on(workspace string, what trialOf) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, stream := range slices.Sorted(maps.Keys(t.running)) {
		if _, of, name := events.SplitStream(stream); of == workspace && t.of[stream] == what {
			return name
		}
	}
	return ""
}
