package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
)

// judge is a judge of an eval with what is known of it.
type judge struct {
	rater    evals.Rater
	id       string
	measured *events.JudgeMeasured
	decides  bool
}

// judges are those that a dataset holds answers to, by their criteria.
type judges map[string]judge

// judges finds the judges that a dataset's answers are held to. It refuses one that decides nothing where nothing else would.
func (v evalVerb) judges(ctx context.Context, a *app, items []evals.Item) (judges, error) {
	all := judges{}
	for _, item := range items {
		for _, c := range item.Checks {
			if _, known := all[c.Text]; known || c.Kind != events.JudgeCheck {
				continue
			}
			rater, err := a.rater(ctx, judgeFlags{Agent: v.Judge, Criterion: c.Text})
			if err != nil {
				return nil, err
			}
			j := judge{rater: rater}
			if j.id, err = rater.ID(); err != nil {
				return nil, err
			}
			var why string
			if j.measured, why, err = a.measured(ctx, rater); err != nil {
				return nil, err
			}
			if j.decides = why == ""; !j.decides && !slices.ContainsFunc(item.Checks, func(c events.Check) bool { return c.Kind != events.JudgeCheck }) {
				return nil, fmt.Errorf("run %s is held to nothing but a judge that decides nothing: %s. Measure it (`virtuous6 judges measure --agent %s%s`), or hold the run to another check too",
					item.Run, why, v.Judge, criterionFlag(c.Text))
			}
			all[c.Text] = j
		}
	}
	return all, nil
}

func criterionFlag(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(" --criterion %q", text)
}

// hear asks the judges of all answers, and tells what they said, by their criteria.
func (all judges) hear(ctx context.Context, a *app, items []evals.Item, of []evals.Compared) ([]events.EvalJudged, error) {
	if len(all) == 0 {
		return nil, nil
	}
	type answer struct {
		attempt   *evals.Attempt
		criterion string
		// with tells that it is of the agent as it is evaluated, and not of what that is compared with.
		with bool
	}
	var answers []answer
	var questions []question
	for i := range of {
		for _, c := range items[i].Checks {
			if c.Kind != events.JudgeCheck {
				continue
			}
			for n, attempt := range []*evals.Attempt{&of[i].With, of[i].Against} {
				if attempt != nil && attempt.Error == "" {
					answers = append(answers, answer{attempt, c.Text, n == 0})
					questions = append(questions, question{rater: all[c.Text].rater, about: items[i].Recording, answer: attempt.Answer})
				}
			}
		}
	}
	opinions, err := a.opinions(ctx, questions)
	if err != nil {
		return nil, err
	}
	said := map[string][]evals.Said{}
	for i, o := range opinions {
		j := all[answers[i].criterion]
		s := evals.Said{Judge: j.id, Criterion: answers[i].criterion, Good: o.good, Why: o.why, Decides: j.decides && o.err == nil}
		if o.err != nil {
			s.Why = o.err.Error()
		} else if answers[i].with {
			said[s.Criterion] = append(said[s.Criterion], s)
		}
		answers[i].attempt.Heard(s, o.cost, o.unpriced)
	}
	var judged []events.EvalJudged
	for _, criterion := range slices.Sorted(maps.Keys(said)) {
		judged = append(judged, evals.Corrected(all[criterion].id, said[criterion], all[criterion].measured))
	}
	return judged, nil
}

// judgedText tells what a judge said of answers.
func judgedText(j events.EvalJudged) string {
	if !j.Decides {
		return fmt.Sprintf("judge %s calls %d of %d answers good, and decides nothing: it was not measured to agree with people well enough", j.Judge, j.Good, j.Answers)
	}
	return fmt.Sprintf("judge %s calls %d of %d answers good; by how far it agrees with people, those would call %.1f%% good (%.1f%% to %.1f%%)",
		j.Judge, j.Good, j.Answers, 100*j.Rate, 100*j.Low, 100*j.High)
}
