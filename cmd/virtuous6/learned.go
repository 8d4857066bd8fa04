package main

import (
	"context"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/answers"
)

type learnedVerb struct {
	Question string `arg:"" optional:"" help:"A question in words. Default: what was learned."`
	Since    day    `placeholder:"DAY" help:"From this UTC day on. Default: what the question says, else the last seven days."`
	JSON     bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help tells which questions are answered.
func (learnedVerb) Help() string {
	return "Answers from the read models, without a model: what did you learn, what patterns did you find yesterday, how can you improve, why did you " +
		"change the deploy agent.\n\nExamples:\n  virtuous6 learned --since 2026-11-01\n  virtuous6 learned 'What patterns did you find yesterday?'\n" +
		"  virtuous6 learned 'How can you improve?' --json"
}

// Run answers.
func (v learnedVerb) Run(ctx context.Context, a *app) error {
	text := v.Question
	if text == "" {
		text = "What did you learn?"
	}
	q, ok := answers.Understand(text, a.clock())
	if !ok {
		return usage("%q is not a question about the record; one is %q, %q, %q or %q. `virtuous6 ask` asks an agent", oneLine(text),
			"What did you learn?", "What patterns did you find yesterday?", "How can you improve?", "Why did you change the deploy agent?")
	}
	if v.Since != "" {
		since, err := time.Parse(time.DateOnly, string(v.Since))
		if err != nil {
			return err
		}
		q.Since, q.When = since, "since "+string(v.Since)
	}
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	said, err := answers.Answer(ctx, reader, q)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(said)
	}
	fmt.Fprintln(a.out, oneLine(said.Title))
	if said.None != "" {
		fmt.Fprintln(a.out, oneLine(said.None))
	}
	for _, l := range said.Lines {
		if _, err := fmt.Fprintf(a.out, "- %s%s\n", oneLine(l.Text), grounds(l)); err != nil {
			return err
		}
	}
	return nil
}
