package candidate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/candidate"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

func TestALowerTemperatureIsTriedWhereChanceDecides(t *testing.T) {
	t.Parallel()
	set := func(to float64) *float64 { return &to }
	for name, tt := range map[string]struct {
		config events.AgentConfig
		// rate is how often a question goes well, asked how many questions there are.
		rate  func(question int) float64
		asked int
		given func(w *world)
		want  float64
	}{
		"the same questions go now well and now not": {config: events.AgentConfig{}, rate: func(int) float64 { return .8 }, asked: 60, want: .5},
		"at a temperature of its own":                {config: events.AgentConfig{Temperature: set(.7)}, rate: func(int) float64 { return .8 }, asked: 60, want: .4},
		"some are hard, and each goes as it goes": {config: events.AgentConfig{}, rate: func(q int) float64 {
			return float64(min(q%3, 1))
		}, asked: 60},
		"they mostly fail":              {config: events.AgentConfig{}, rate: func(int) float64 { return .2 }, asked: 60},
		"no question is asked twice":    {config: events.AgentConfig{}, rate: func(int) float64 { return .8 }, asked: 300},
		"few are":                       {config: events.AgentConfig{}, rate: func(int) float64 { return .8 }, asked: 19},
		"it has the lowest":             {config: events.AgentConfig{Temperature: set(0)}, rate: func(int) float64 { return .8 }, asked: 60},
		"it thinks, and takes none":     {config: events.AgentConfig{Effort: "low"}, rate: func(int) float64 { return .8 }, asked: 60},
		"that was tried with it":        {config: events.AgentConfig{}, rate: func(int) float64 { return .8 }, asked: 60, given: func(w *world) { w.triedTo("clerk", events.ChangeTemperature, events.AgentConfig{Temperature: set(.5)}) }},
		"another temperature was tried": {config: events.AgentConfig{}, rate: func(int) float64 { return .8 }, asked: 60, given: func(w *world) { w.triedTo("clerk", events.ChangeTemperature, events.AgentConfig{Temperature: set(.1)}) }, want: .5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(21)
			w.configured("clerk", tt.config)
			for i := range 300 {
				w.run("clerk", tt.rate(i%tt.asked), candidate.Run{Task: "t", Asked: fmt.Sprint("Question ", i%tt.asked)})
			}
			if tt.given != nil {
				tt.given(w)
			}
			all := on(w.look(), "clerk", events.ChangeTemperature)
			if (len(all) == 1) != (tt.want > 0) {
				t.Fatalf("%+v", all)
			}
			if tt.want == 0 {
				return
			}
			p := all[0]
			if p.Change.Config.Temperature == nil || *p.Change.Config.Temperature != tt.want || p.Change.Config.Model != "" || p.Expected.Change != 0 || p.Worth == nil || p.Worth.Month != 0 || p.Worth.High <= 0 {
				t.Errorf("%+v, %+v", p, p.Worth)
			}
			// No more can come of it than what fails there.
			if p.Expected.High < .15 || p.Expected.High > .25 {
				t.Errorf("%+v", p.Expected)
			}
		})
	}
}

// triedTo is an experiment with another value, which found nothing.
func (w *world) triedTo(agent string, kind events.ChangeKind, config events.AgentConfig) {
	x := w.tried(agent, projections.ExperimentExpired)
	x.Kind, x.Config = string(kind), config
}

func TestALimitIsTriedByHowLongAnswersAre(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		limit int
		// long is how long an answer of so many is, cut whether the run ended at its limit.
		long  func(i int) int64
		cut   func(i int) bool
		given func(w *world)
		want  int
		says  string
	}{
		"one of a hundred runs away":  {long: func(i int) int64 { return []int64{200, 9000}[b2i(i%100 == 0)] }, want: 448, says: "3 of 300 answers of clerk are longer than 448 tokens"},
		"at a limit far above":        {limit: 16_000, long: func(i int) int64 { return []int64{200, 9000}[b2i(i%100 == 0)] }, want: 448, says: "longer than 448"},
		"at a limit that is as low":   {limit: 448, long: func(i int) int64 { return []int64{200, 9000}[b2i(i%100 == 0)] }},
		"one of ten is long, for all": {long: func(i int) int64 { return []int64{200, 9000}[b2i(i%10 == 0)] }},
		"they spread evenly":          {long: func(i int) int64 { return int64(100 + i) }},
		"that was tried":              {long: func(i int) int64 { return []int64{200, 9000}[b2i(i%100 == 0)] }, given: func(w *world) { w.triedTo("clerk", events.ChangeTokenLimit, events.AgentConfig{MaxTokens: 448}) }},
		"many are cut":                {limit: 500, long: func(int) int64 { return 400 }, cut: func(i int) bool { return i%20 == 0 }, want: 1000, says: "15 of 300 runs of clerk ended with an answer that was cut at 500 tokens"},
		"few are cut":                 {limit: 500, long: func(int) int64 { return 400 }, cut: func(i int) bool { return i%50 == 0 }},
		"two are":                     {limit: 500, long: func(int) int64 { return 400 }, cut: func(i int) bool { return i == 7 || i == 9 }},
		"one of a hundred is longer":  {long: func(i int) int64 { return []int64{200, 700}[b2i(i%100 == 0)] }},
		"cut at no limit of its own":  {long: func(int) int64 { return 400 }, cut: func(i int) bool { return i%20 == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(22)
			w.configured("clerk", events.AgentConfig{MaxTokens: tt.limit})
			for i := range 300 {
				long := tt.long(i)
				w.run("clerk", .8, candidate.Run{Task: "t", Asked: fmt.Sprint(i), Input: 1000, Output: long, Answers: []int64{long}, Cut: tt.cut != nil && tt.cut(i)})
			}
			if tt.given != nil {
				tt.given(w)
			}
			all := on(w.look(), "clerk", events.ChangeTokenLimit)
			if (len(all) == 1) != (tt.want > 0) {
				t.Fatalf("%+v", all)
			}
			if tt.want > 0 && (all[0].Change.Config.MaxTokens != tt.want || all[0].Expected.Change != 0 || all[0].Worth == nil || !strings.Contains(all[0].Reason, tt.says)) {
				t.Errorf("%+v", all[0])
			}
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
