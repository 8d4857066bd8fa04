package managers

import (
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// line gives an experiment its place: behind those that were planned before it, but for what gives way and has not begun.
func (s *experimentsState) line(t *trial) {
	at := len(s.Trials)
	if !t.Plan.GivesWay {
		if i := slices.IndexFunc(s.Trials, func(o *trial) bool { return o.subject() == t.subject() && o.Plan.GivesWay && !o.Started() }); i >= 0 {
			at = i
		}
	}
	s.Trials = slices.Insert(s.Trials, at, t)
}

// giveWay ends what is tried though nobody foretells a gain of it, where something else waits for its turn. What is proved to be better by now stays, and
// so does what was decided already: it is looked at again when that is carried out. One whose start was under way when the other one was planned ends too.
func (s *experimentsState) giveWay(e *events.Envelope, on subject) {
	i := slices.IndexFunc(s.Trials, func(t *trial) bool { return t.subject() == on && !t.Plan.GivesWay })
	if i < 0 {
		return
	}
	for _, t := range s.Trials {
		if t.subject() == on && t.Plan.GivesWay && t.Started() && !t.Proved && t.Verdict == nil {
			t.stop(e, "nobody foretells a gain of it: it gives way to experiment "+s.Trials[i].Experiment+", which waits for its turn")
		}
	}
}
