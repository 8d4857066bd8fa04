package orchestrator

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/feedback"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// wordsAdviser words what analysts found, beside their figures.
func wordsAdviser() adviser {
	return adviser{
		role: events.RoleAnalysis,
		prompt: "You explain to a colleague what an analysis found: what it means for the work, and what to look at first. Write two or three plain sentences, 80 words at most. " +
			"Give no number, in digits or in words, that does not stand in it as you give it, no link, and no cause where it speaks of what goes together.",
		schema: json.RawMessage(`{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}`),
		ask: func(_ context.Context, _ *desk, _ string, found Analysis) ([]question, error) {
			return toWord(found), nil
		},
		take: func(_ context.Context, _ *desk, _ managers.Answer, said string, fact *events.RoleAnswered) (string, error) {
			var answer struct {
				Text string `json:"text"`
			}
			if err := answers.ReadStrict(said, &answer); err != nil {
				return err.Error(), nil
			}
			if fact.Text = strings.TrimSpace(answer.Text); fact.Text == "" {
				return "it says nothing", nil
			}
			return "", nil // whether it says what it may, the aggregate tells
		},
	}
}

// toWord are the proposals that wait and the findings of some worth, the greatest first. What people wrote is worded by nobody.
func toWord(found Analysis) []question {
	type worded struct {
		worth *events.Worth
		question
	}
	var all []worded
	add := func(worth *events.Worth, subject []string, text string, of []string, e events.Evidence) {
		fact := events.RoleAsked{Subject: subject, Ground: text, Of: of, Evidence: e}
		all = append(all, worded{worth, question{fact: fact, given: map[string]string{"found": text}}})
	}
	for _, p := range found.Proposals {
		if !p.Ended && p.Refused == "" && p.Analyst != feedback.Name {
			add(p.Worth, proposalSubject(p.Proposal), p.Reason, p.Of, p.Evidence)
		}
	}
	for _, f := range found.Findings {
		said := slices.ContainsFunc(found.Proposals, func(p Proposed) bool { return p.Says(f) })
		if !said && f.Kind != feedback.Wish && f.Workflow != RoleWorkflow && (f.Worth != nil && f.Strength.Claims() || f.Severity == events.SeverityCritical || f.Severity == events.SeverityHigh) {
			add(f.Worth, findingSubject(f), f.Text, f.People, f.Evidence)
		}
	}
	slices.SortStableFunc(all, func(a, b worded) int {
		return cmp.Or(events.ByWorth(a.worth, b.worth), slices.Compare(a.fact.Subject, b.fact.Subject))
	})
	questions := make([]question, len(all))
	for i, w := range all {
		questions[i] = w.question
	}
	return questions
}

func proposalSubject(p evidence.Proposal) []string { return []string{"improvement", p.ID()} }

func findingSubject(f evidence.Finding) []string {
	return append([]string{"finding", f.Analyst, f.Kind, f.Workflow}, f.Subject...)
}

// worded puts beside what analysts say how a model words it, where one did of the same text.
func (a *Analysis) worded(rows []projections.RoleRow) {
	words := map[string]*evidence.Wording{}
	for _, r := range rows {
		if r.Role == events.RoleAnalysis && r.Text != "" {
			words[r.Run] = &evidence.Wording{Text: r.Text, Model: r.Model, Run: r.Run}
		}
	}
	if len(words) == 0 {
		return
	}
	for i := range a.Proposals {
		p := &a.Proposals[i].Proposal
		p.Wording = words[events.RoleRun(events.RoleAnalysis, proposalSubject(*p), p.Reason)]
	}
	for i := range a.Findings {
		f := &a.Findings[i]
		f.Wording = words[events.RoleRun(events.RoleAnalysis, findingSubject(*f), f.Text)]
	}
}
