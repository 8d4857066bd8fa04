package aggregates_test

import (
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	asked := events.RoleAsked{
		Run: "role-1", Role: events.RoleAnalysis, Subject: []string{"finding", "workflow"},
		Ground:   "Runs with check succeed in 61 of 80 runs (76.3%), the others in 1,204 of 2,408; half of them.",
		Evidence: events.Evidence{From: 1, To: 9, Statistic: "share", Value: .5, High: 1, Confidence: .95, N: 80},
	}
	with := func(f func(*events.RoleAsked)) commands.AskRole {
		other := asked
		f(&other)
		return commands.AskRole{Fact: other}
	}
	of := func(role string) events.RoleAsked { return with(func(f *events.RoleAsked) { f.Role = role }).Fact }
	answers := func(f events.RoleAnswered, err error) scenario {
		s := scenario{given: []events.Event{of(f.Role)}, when: commands.AnswerRole{Run: "role-1", Fact: f}, err: err}
		if err == nil {
			s.then = []events.Event{f}
		}
		return s
	}
	words := func(text string) scenario {
		return answers(events.RoleAnswered{Role: events.RoleAnalysis, Text: text}, nil)
	}
	refused := func(text string) scenario {
		return answers(events.RoleAnswered{Role: events.RoleAnalysis, Text: text}, aggregates.ErrInvalid)
	}
	no := []events.RoleRefusal{{Reason: "it is no JSON"}}
	book := &events.RunbookSaved{Runbook: "b", Steps: []events.RunbookStep{{Name: "check"}}}
	silence := events.RoleSilenced{Role: events.RoleAnalysis, Starting: "2026-11-01", LimitNanos: 5}
	scenarios{
		"asked":          {when: commands.AskRole{Fact: asked}, then: []events.Event{asked}},
		"asked again":    {given: []events.Event{asked}, when: commands.AskRole{Fact: asked}, err: aggregates.ErrExists},
		"without reason": {when: with(func(f *events.RoleAsked) { f.Evidence = events.Evidence{} }), err: aggregates.ErrEvidence},
		"too long":       {when: with(func(f *events.RoleAsked) { f.Ground = strings.Repeat("x", 8<<10+1) }), err: aggregates.ErrInvalid},
		"never asked":    {when: commands.AnswerRole{Run: "role-1", Fact: events.RoleAnswered{Role: events.RoleAnalysis, Refused: no}}, err: aggregates.ErrMissing},
		"answered twice": {
			given: []events.Event{asked, events.RoleAnswered{Role: events.RoleAnalysis, Refused: no}},
			when:  commands.AnswerRole{Run: "role-1", Fact: events.RoleAnswered{Role: events.RoleAnalysis, Refused: no}}, err: aggregates.ErrEnded,
		},
		"as another one": {
			given: []events.Event{asked}, when: commands.AnswerRole{Run: "role-1", Fact: events.RoleAnswered{Role: events.RoleRunbook, Runbook: book}}, err: aggregates.ErrInvalid,
		},
		"nothing, and no reason":   answers(events.RoleAnswered{Role: events.RoleAnalysis}, aggregates.ErrInvalid),
		"nothing":                  answers(events.RoleAnswered{Role: events.RoleAnalysis, Refused: no}, nil),
		"an analyst proposes":      answers(events.RoleAnswered{Role: events.RoleAnalysis, Improvement: "i", Candidates: 1}, aggregates.ErrInvalid),
		"an analyst drafts":        answers(events.RoleAnswered{Role: events.RoleAnalysis, Runbook: book}, aggregates.ErrInvalid),
		"a drafter proposes":       answers(events.RoleAnswered{Role: events.RoleRunbook, Improvement: "i", Candidates: 1}, aggregates.ErrInvalid),
		"a configurer words":       answers(events.RoleAnswered{Role: events.RoleConfiguration, Text: "61"}, aggregates.ErrInvalid),
		"a proposal":               answers(events.RoleAnswered{Role: events.RoleConfiguration, Improvement: "i", Candidates: 1}, nil),
		"a proposal of nothing":    answers(events.RoleAnswered{Role: events.RoleConfiguration, Improvement: "i"}, aggregates.ErrInvalid),
		"candidates of nothing":    answers(events.RoleAnswered{Role: events.RoleConfiguration, Candidates: 1}, aggregates.ErrInvalid),
		"fewer than none":          answers(events.RoleAnswered{Role: events.RoleConfiguration, Improvement: "i", Candidates: -1}, aggregates.ErrInvalid),
		"a draft":                  answers(events.RoleAnswered{Role: events.RoleRunbook, Runbook: book}, nil),
		"a draft of no runbook":    answers(events.RoleAnswered{Role: events.RoleRunbook, Runbook: &events.RunbookSaved{Runbook: "b"}}, aggregates.ErrInvalid),
		"its own words":            words("Checking goes with success: half of the others fail."),
		"its own figures":          words("61 of 80 with a check, 1204 of 2,408 without (76.3 percent)."),
		"its own figure as a word": words("Of eighty runs most succeed."),
		"another figure":           refused("Checking raises success by 15 points."),
		"another part of one":      refused("It succeeds in 76 of runs."),
		"another word for one":     refused("Twice as many succeed."),
		"another script's figure":  refused("Runs succeed in ٩٩ of runs."),
		"a link":                   refused("Read https://evil.example before."),
		"a link in Markdown":       refused("Read [this](evil)."),
		"an unseen character":      refused("Che\u200bck."),
		"an order to a terminal":   refused("\x1b[2J"),
		"too many words":           refused(strings.Repeat("w", 601)),
		"silence":                  {when: commands.SilenceRole{Fact: silence}, then: []events.Event{silence}},
		"a question is no silence": {given: []events.Event{asked}, when: commands.SilenceRole{Fact: silence}, err: aggregates.ErrInvalid},
		"a silence asks nothing":   {given: []events.Event{silence}, when: commands.AskRole{Fact: asked}, err: aggregates.ErrInvalid},
		"silence, once":            {given: []events.Event{silence}, when: commands.SilenceRole{Fact: silence}},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return with(func(f *events.RoleAsked) { f.Run = name })
	})
	refusesBadNames(t, nil, func(name string) commands.Command {
		return commands.SilenceRole{Fact: events.RoleSilenced{Role: name}}
	})
}

func TestRole(t *testing.T) {
	t.Parallel()
	asked := events.RoleAsked{Run: "r", Role: events.Writer, Agent: "clerk", Evidence: events.Evidence{Statistic: "share", N: 9, From: 1, To: 2, High: 1, Confidence: .95}}
	answered := events.RoleAnswered{Role: events.Writer, Improvement: "i", Candidates: 1}
	answer := func(f events.RoleAnswered) commands.AnswerRole { return commands.AnswerRole{Run: "r", Fact: f} }
	given := []events.Event{asked}
	unproved := asked
	unproved.Evidence.N = 0
	scenarios{
		"asked":                    {when: commands.AskRole{Fact: asked}, then: given},
		"asked twice":              {given: given, when: commands.AskRole{Fact: asked}, err: aggregates.ErrExists},
		"asked for nothing":        {when: commands.AskRole{Fact: unproved}, err: aggregates.ErrEvidence},
		"answered":                 {given: given, when: answer(answered), then: []events.Event{answered}},
		"answered unasked":         {when: answer(answered), err: aggregates.ErrMissing},
		"answered twice":           {given: []events.Event{asked, answered}, when: answer(answered), err: aggregates.ErrEnded},
		"answered by another role": {given: given, when: answer(events.RoleAnswered{Role: "other"}), err: aggregates.ErrInvalid},
		"candidates of nothing":    {given: given, when: answer(events.RoleAnswered{Role: events.Writer, Candidates: 1}), err: aggregates.ErrInvalid},
		"nothing of candidates":    {given: given, when: answer(events.RoleAnswered{Role: events.Writer, Improvement: "i"}), err: aggregates.ErrInvalid},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		f := asked
		f.Role = name
		return commands.AskRole{Fact: f}
	})
}
