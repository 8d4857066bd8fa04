package orchestrator_test

import "github.com/virtuous6/virtuous6/orchestrator/logtest"

var (
	noon       = logtest.Noon
	fixedClock = logtest.Clock
	wish       = logtest.Meta
	newLog     = logtest.New
	oneRun     = logtest.OneRun
)
