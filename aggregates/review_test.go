package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestReview(t *testing.T) {
	t.Parallel()
	asked := events.ReviewAsked{Run: "r", Reason: "why", Reviewers: 2}
	said := func(user string, j events.Judgement) events.ReviewJudged {
		return events.ReviewJudged{Run: "r", User: user, Judgement: j}
	}
	judge := func(user string, j events.Judgement) commands.JudgeReview {
		return commands.JudgeReview{Run: "r", User: user, Judgement: j}
	}
	given := func(facts ...events.Event) []events.Event { return append([]events.Event{asked}, facts...) }
	permille := func(n int) *int { return &n }
	scenarios{
		"asked":               {when: commands.AskReview{Run: "r", Reason: "why", Reviewers: 2}, then: []events.Event{asked}},
		"asked twice":         {given: given(), when: commands.AskReview{Run: "r", Reason: "why", Reviewers: 2}, err: aggregates.ErrExists},
		"asked without why":   {when: commands.AskReview{Run: "r", Reviewers: 2}, err: aggregates.ErrInvalid},
		"asked of nobody":     {when: commands.AskReview{Run: "r", Reason: "why"}, err: aggregates.ErrInvalid},
		"judged first":        {given: given(), when: judge("a", events.JudgedRight), then: []events.Event{said("a", events.JudgedRight)}},
		"judged so already":   {given: given(said("a", events.JudgedRight)), when: judge("a", events.JudgedRight)},
		"changes their mind":  {given: given(said("a", events.JudgedRight)), when: judge("a", events.JudgedWrong), then: []events.Event{said("a", events.JudgedWrong)}},
		"judged in no word":   {given: given(), when: judge("a", "nice"), err: aggregates.ErrInvalid},
		"judged by nobody":    {given: given(), when: judge("", events.Unsure), err: aggregates.ErrInvalid},
		"judged unasked":      {when: judge("a", events.JudgedRight), err: aggregates.ErrMissing},
		"judged by all alike": {given: given(said("a", events.JudgedWrong)), when: judge("b", events.JudgedWrong), then: []events.Event{said("b", events.JudgedWrong), events.ReviewClosed{Run: "r", Wrong: 2, Verdict: events.Failed, Agreement: permille(1000)}}},
		"judged by all apart": {given: given(said("a", events.JudgedWrong)), when: judge("b", events.JudgedRight), then: []events.Event{said("b", events.JudgedRight), events.ReviewClosed{Run: "r", Right: 1, Wrong: 1, Agreement: permille(0)}}},
		"one is unsure":       {given: given(said("a", events.Unsure)), when: judge("b", events.JudgedRight), then: []events.Event{said("b", events.JudgedRight), events.ReviewClosed{Run: "r", Right: 1, Unsure: 1, Verdict: events.Succeeded, Agreement: permille(0)}}},
		"two of three agree": {
			given: []events.Event{events.ReviewAsked{Run: "r", Reason: "why", Reviewers: 3}, said("a", events.JudgedRight), said("b", events.JudgedWrong), said("b", events.JudgedRight)},
			when:  judge("c", events.JudgedWrong), then: []events.Event{said("c", events.JudgedWrong), events.ReviewClosed{Run: "r", Right: 2, Wrong: 1, Verdict: events.Succeeded, Agreement: permille(333)}},
		},
		"judged late":        {given: given(events.ReviewClosed{Run: "r"}), when: judge("a", events.JudgedRight), err: aggregates.ErrEnded},
		"closed":             {given: given(said("a", events.JudgedRight)), when: commands.CloseReview{Run: "r", Reason: "expired"}, then: []events.Event{events.ReviewClosed{Run: "r", Right: 1, Verdict: events.Succeeded, Reason: "expired"}}},
		"closed by nobody":   {given: given(), when: commands.CloseReview{Run: "r", Reason: "expired"}, then: []events.Event{events.ReviewClosed{Run: "r", Reason: "expired"}}},
		"closed without why": {given: given(), when: commands.CloseReview{Run: "r"}, err: aggregates.ErrInvalid},
		"closed twice":       {given: given(events.ReviewClosed{Run: "r"}), when: commands.CloseReview{Run: "r", Reason: "expired"}, err: aggregates.ErrEnded},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return commands.AskReview{Run: name, Reason: "why", Reviewers: 2}
	})
}
