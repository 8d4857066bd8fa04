//go:build race

package workflow_test

// underRace tells that the race detector slows everything tenfold. A pure function on one goroutine has nothing to
// show it: the large histories are for the ordinary run.
const underRace = true
