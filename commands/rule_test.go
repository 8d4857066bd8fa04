package commands_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestCriteria(t *testing.T) {
	t.Parallel()
	score := func(name string, v float64) commands.GiveFeedback {
		return commands.GiveFeedback{Run: "r", Name: name, Score: &v}
	}
	label := func(name, word string) commands.GiveFeedback {
		return commands.GiveFeedback{Run: "r", Name: name, Label: word}
	}
	one := score("", 1).Score
	step := score("correctness", 1)
	step.Step = new(int)
	for _, c := range []struct {
		rule string
		of   commands.GiveFeedback
		want events.Outcome
	}{
		{"correctness>=0.5", score("correctness", .5), events.Succeeded},
		{"correctness>=0.5", score("correctness", .49), events.Failed},
		{" correctness > 0.5 ", score("correctness", .5), events.Failed},
		{"toxicity<0.1", score("toxicity", .05), events.Succeeded},
		{"toxicity<=0", score("toxicity", 0), events.Succeeded},
		{"stars!=1", score("stars", 1), events.Failed},
		{"reward=1", score("reward", 1), events.Succeeded},
		{">=1", score("", 0), events.Failed},
		{"grade=correct", label("grade", "Correct"), events.Succeeded},
		{"grade=correct", label("grade", "incorrect"), events.Failed},
		{"grade!=bad", label("grade", "fair"), events.Succeeded},
		{"correctness>=0.5", score("helpfulness", 1), ""},
		{"correctness>=0.5", score("", 1), ""},
		{"correctness>=0.5", label("correctness", "yes"), ""},
		{"grade=correct", score("grade", 1), ""},
		{"correctness>=0.5", step, ""},
		{"correctness>=0.5", commands.GiveFeedback{Agent: "a", Name: "correctness", Score: one}, ""},
	} {
		rule, err := commands.ParseCriterion(c.rule)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		if got, ok := rule.Of(c.of); got != c.want || ok != (c.want != "") {
			t.Errorf("%s of %+v: %q, want %q", c.rule, c.of, got, c.want)
		}
	}
	for _, text := range []string{"", "correctness", "correctness>=", "correctness>=high", "a=>1", "a==b", ">", "a=NaN", "grade>correct", "a=b=c"} {
		if r, err := commands.ParseCriterion(text); err == nil {
			t.Errorf("%q was read as %+v", text, r)
		}
	}
}
