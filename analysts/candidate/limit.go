package candidate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

const (
	// wavering is how many of the questions that were asked several times surely have to come out now well and now not for a lower temperature to be worth a trial,
	// and questions how many of them tell.
	wavering, questions = .05, 20
	// usual is the temperature of providers where none is set.
	usual = 1.0
	// runaway is how much of what an agent writes its longest answers have to hold for a limit to be worth a trial, and answers how many tell.
	runaway, answers = .1, 200
	// step is what limits are rounded up to.
	step = 64
	// cutRuns and cutShare are how many runs, and which share of them, surely have to be cut at a limit for a higher one to be worth a trial.
	cutRuns, cutShare = 5, .02
)

// temperatures are lower ones, for an agent of which the same question comes out now well and now not: that is chance, of which a lower temperature
// leaves less. Where it mostly fails nobody knows which way that would go.
func (v *View) temperatures(a *Agent) []candidate {
	now := a.now().Config
	was := usual
	if now.Temperature != nil {
		was = *now.Temperature
	}
	to := math.Round(was*5) / 10 // half of it, to a tenth
	// Models that think take none.
	if now.Effort != "" || to >= was || a.triedValue(events.ChangeTemperature, func(c events.AgentConfig) bool { return c.Temperature != nil && *c.Temperature == to }) {
		return nil
	}
	type question struct {
		task
		asked string
	}
	type count struct{ runs, good int64 }
	of := map[question]count{}
	for i := range a.Runs {
		if r := &a.Runs[i]; r.Asked != "" {
			q := question{r.task(), r.Asked}
			c := of[q]
			if c.runs++; r.Good {
				c.good++
			}
			of[q] = c
		}
	}
	var again, wavers, runs, failed int64
	for _, c := range of {
		if c.runs < 2 {
			continue
		}
		again++
		if c.good > 0 && c.good < c.runs && 2*c.good > c.runs { // it mostly goes well
			wavers++
			failed += c.runs - c.good
		}
		runs += c.runs
	}
	e := a.share("questions asked several times that mostly go well, and not always", wavers, again)
	if again < questions || e.Low < wavering {
		return nil
	}
	most := stats.Round(float64(failed) / float64(runs))
	w := evidence.Successes(0, -most, most, a.Monthly, v.Total)
	return []candidate{{
		change:   events.Change{Kind: events.ChangeTemperature, Agent: a.Name, Config: &events.AgentConfig{Temperature: &to}, Instruction: fmt.Sprintf("Try %s with the temperature %g.", a.Name, to)},
		claim:    events.Claim{Subject: []string{"wavers", a.Name, fmt.Sprint(to), now.Model}},
		evidence: e, most: most, worth: &w,
		reason: fmt.Sprintf("Of %d questions that %s was asked several times with its version %d, %d mostly go well and not always (interval %.0f to %.0f%%): that is chance, and a lower temperature leaves less to it.",
			again, a.Name, a.now().Version, wavers, 100*e.Low, 100*e.High),
	}}
}

// triedValue tells that a trial told of a value of a setting.
func (a *Agent) triedValue(kind events.ChangeKind, is func(events.AgentConfig) bool) bool {
	return slices.ContainsFunc(a.tried(kind), func(t trial) bool { return is(t.Config) || slices.ContainsFunc(t.Others, is) })
}

// limits are limits of tokens by how long the answers of an agent are: a higher one where answers are cut, and a lower one where a few run away.
func (v *View) limits(a *Agent) []candidate {
	now := a.now().Config
	var all []int64
	cut, n := int64(0), int64(len(a.Runs))
	total := 0.0
	for i := range a.Runs {
		r := &a.Runs[i]
		if all = append(all, r.Answers...); r.Cut {
			cut++
		}
	}
	for _, tokens := range all {
		total += float64(tokens)
	}
	propose := func(to int, e events.Evidence, most float64, worth *events.Worth, reason string) []candidate {
		if a.triedValue(events.ChangeTokenLimit, func(c events.AgentConfig) bool { return c.MaxTokens == to }) {
			return nil
		}
		return []candidate{{
			change:   events.Change{Kind: events.ChangeTokenLimit, Agent: a.Name, Config: &events.AgentConfig{MaxTokens: to}, Instruction: fmt.Sprintf("Try %s with at most %d tokens an answer.", a.Name, to)},
			claim:    events.Claim{Subject: []string{"length", a.Name, fmt.Sprint(to), now.Model}},
			evidence: e, most: stats.Round(most), worth: worth, reason: reason,
		}}
	}
	if now.MaxTokens > 0 {
		if e := a.share("runs whose last answer is cut", cut, n); cut >= cutRuns && e.Low >= cutShare {
			w := evidence.Successes(0, -e.Value, e.Value, a.Monthly, v.Total)
			return propose(2*now.MaxTokens, e, e.Value, &w, fmt.Sprintf("%d of %d runs of %s ended with an answer that was cut at %d tokens.", cut, n, a.Name, now.MaxTokens))
		}
	}
	if len(all) < answers {
		return nil
	}
	slices.SortFunc(all, cmp.Compare[int64])
	// Twice as long as all but one of fifty answers.
	to := (2*int(all[len(all)*98/100]) + step - 1) / step * step
	beyond, longer := 0.0, int64(0)
	for _, tokens := range all {
		if over := tokens - int64(to); over > 0 {
			beyond, longer = beyond+float64(over), longer+1
		}
	}
	if now.MaxTokens > 0 && now.MaxTokens <= to || beyond < runaway*total {
		return nil
	}
	e := a.share("answers that are longer", longer, int64(len(all)))
	return propose(to, e, e.High, v.dollars(a, beyond), fmt.Sprintf("%d of %d answers of %s are longer than %d tokens, twice the length of all but one of fifty, and hold %.0f%% of what it writes beyond that.",
		longer, len(all), a.Name, to, 100*beyond/total))
}
