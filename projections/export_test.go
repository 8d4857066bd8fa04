package projections

// SelfTimes is for tests of what is made of it.
var SelfTimes = selfTimes

// Oddities are what an observation tells of what is odd about a run.
func Oddities(run RunSteps) (cut, outside, more bool, alike uint64) {
	r := run.Run
	r.steps = run.Steps
	marks := r.marks()
	return marks&markCut != 0, marks&markOutside != 0, marks&markMore != 0, r.alike()
}

// Paths are what of a run's time hangs on each step, what it saves, and the wait before it.
func Paths(steps []StepRow) [][3]int64 {
	var all [][3]int64
	for _, s := range paths(steps) {
		all = append(all, [3]int64{s.on, s.saves, s.wait})
	}
	return all
}
