package orchestrator

import (
	"log/slog"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// tellRun logs the beginning and the end of live runs: names and figures, and nothing that anybody said.
func tellRun(log *slog.Logger, e *events.Envelope) {
	switch e.Kind {
	case (events.RunStarted{}).Kind(), (events.RunFinished{}).Kind(), (events.RunFailed{}).Kind(), (events.RunCancelled{}).Kind():
	default:
		return
	}
	if strings.HasPrefix(e.Actor, "import:") {
		return
	}
	fact, err := events.Decode(*e)
	if err != nil {
		return // `virtuous6 doctor` tells of it
	}
	run := events.Identity(e.Stream)
	switch f := fact.(type) {
	case events.RunStarted:
		log.Info("run started", "run", run, "workflow", f.Workflow, "agent", f.Agent)
	case events.RunFinished:
		log.Info("run ended", "run", run, "outcome", f.Outcome)
	case events.RunFailed:
		log.Info("run ended", "run", run, "outcome", events.Failed, "failure", f.Failure)
	case events.RunCancelled:
		log.Info("run ended", "run", run, "outcome", events.Cancelled)
	}
}
