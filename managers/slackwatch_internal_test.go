package managers

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// watching is an agent whose runs succeed by chance. It returns the runs at which an episode began.
func watching(seed uint64, runs int, chance func(run int) float64) (began []int) {
	random := rand.New(rand.NewPCG(24, seed)) //nolint:gosec // chances, not secrets
	s := slackWatchState{Running: map[string]string{}, Agents: map[string]*watched{}}
	for run := range runs {
		s.Running["r"] = "clerk"
		outcome := events.Failed
		if random.Float64() < chance(run) {
			outcome = events.Succeeded
		}
		w := s.Agents["clerk"]
		before := w != nil && w.Episode != nil
		s.ended(&events.Envelope{Position: uint64(run), OccurredAt: time.Unix(int64(run), 0)}, "r", outcome)
		if w = s.Agents["clerk"]; w.Episode != nil {
			if !before {
				began = append(began, run)
			}
			if card := &w.Episode.slackCard; !card.done() {
				card.Shown, card.TS = card.As, "1.1"
				if card.As == Recovered {
					w.Episode = nil
				}
			}
		}
	}
	return began
}

// Where nothing changes an alarm is false: of histories that are looked at after each run at most one in twenty has
// one. Where an agent does much worse it is told, once.
func TestAnAgentThatIsAsItWasRaisesNoAlarm(t *testing.T) {
	t.Parallel()
	const histories, runs = 100, 300
	for _, chance := range []float64{.7, .9, .97} {
		alarmed := 0
		for seed := range uint64(histories) {
			if len(watching(seed, runs, func(int) float64 { return chance })) > 0 {
				alarmed++
			}
		}
		t.Logf("at a success rate of %v, %d of %d histories have a false alarm", chance, alarmed, histories)
		if alarmed*20 > histories {
			t.Errorf("at a success rate of %v, %d of %d histories have a false alarm", chance, alarmed, histories)
		}
	}
	told := 0
	for seed := range uint64(histories) {
		began := watching(seed, 400, func(run int) float64 {
			if run >= 200 {
				return .4
			}
			return .9
		})
		if len(began) > 1 {
			t.Errorf("history %d: the one episode is told at %d", seed, began)
		}
		if len(began) == 1 && began[0] >= 200 && began[0] < 260 {
			told++
		}
	}
	t.Logf("%d of %d falls from 90 %% to 40 %% are told within 60 runs", told, histories)
	if told < histories*9/10 {
		t.Errorf("only %d of %d falls from 90 %% to 40 %% are told within 60 runs", told, histories)
	}
}
