package orchestrator_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// calm always answers with what its agent is told: how a run ends tells nothing of whether the answer is right.
type calm struct{}

func (calm) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	return agents.Answer{Message: events.Message{Role: "assistant", Content: r.Messages[0].Content}, FinishReason: "stop", Priced: true, CostNanos: 1000}, nil
}

// All runs end well, and only people tell that half of the answers are wrong: their blind judgements become verdicts, which narrow the open decision
// until it falls, and are what a judge is measured by.
func TestBlindJudgementsDecideAnOpenExperimentAndMeasureJudges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, askUntil := tryingBy(t, "Just guess.", "Look it up.", events.ExperimentPlan{JudgedWithin: 3600})
		defer h.close(t)
		h.model.Model = calm{}
		judgements := 0
		review := func(_ context.Context, w managers.SlackReview) error {
			if w.As != "asked" {
				return nil
			}
			said := events.JudgedWrong
			for _, e := range h.stream(t, "run-"+w.Run) {
				if e.Kind == "run.finished" && strings.Contains(string(e.Data), "Look it up.") { // the answer is all that a reviewer is shown
					said = events.JudgedRight
				}
			}
			for _, user := range []string{"slack:T1:U2", "slack:T1:U3"} {
				h.wish(t, func(m commands.Meta) commands.Command {
					m.ID = events.NameID(m.At, user+w.Run)
					return commands.JudgeReview{Meta: m, Run: w.Run, User: user, Judgement: said, Reason: "as I know"}
				})
				judgements++
			}
			return nil
		}
		h.configure = func(c *orchestrator.Config) {
			c.Handlers = append(c.Handlers, orchestrator.Handle(review, func(_ context.Context, _ managers.SlackReview, reason string) error {
				return fmt.Errorf("it is given up: %s", reason)
			}))
		}
		stop := h.serve(t)
		runs := askUntil(func() bool { return h.experiment(t, "x").Status == projections.ExperimentPromoted })
		stop()
		x := h.experiment(t, "x")
		if x.Proof == nil || x.Proof.Low <= 0 || x.Arms[0].Judged == 0 || x.Arms[1].Judged == 0 {
			t.Errorf("after %d runs it is %+v", runs, x)
		}
		var calls, people []bool
		for row, err := range h.models.Verdicts(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			if row.PersonBy != "review" {
				t.Errorf("a verdict is by %+v", row)
			}
			run, _, err := h.models.Run(t.Context(), row.Run)
			if err != nil || run.Outcome != events.Succeeded || strings.Contains(run.Answer, "Look") != (run.Result() == events.Succeeded) {
				t.Errorf("the run %+v counts as %s, %v", run, run.Result(), err)
			}
			calls, people = append(calls, run.Outcome == events.Succeeded), append(people, row.Person == events.Succeeded)
		}
		if len(people) < 20 || judgements < 2*len(people) {
			t.Errorf("%d judgements came to %d verdicts", judgements, len(people))
		}
		// A judge that calls all good, as the ends of the runs do, agrees with people by chance alone; one who says what they say decides.
		if m := evals.Measured(events.JudgeMeasured{}, calls, people); m.Kappa != 0 || evals.Undecided(&m) == "" {
			t.Errorf("who calls all good is measured as %+v", m)
		}
		if m := evals.Measured(events.JudgeMeasured{}, people, people); m.Kappa != 1 {
			t.Errorf("who says what they say is measured as %+v", m)
		}
	})
}
