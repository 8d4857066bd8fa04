package main

import (
	"context"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

type learnedVerb struct {
	Question string `arg:"" optional:"" help:"A question in words. Default: what was learned."`
	Since    day    `placeholder:"DAY" help:"From this UTC day on. Default: what the question says, else the last seven days."`
	Plain    bool   `help:"In the record's own words, also where a model is configured to find better ones."`
	JSON     bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help tells which questions are answered.
func (learnedVerb) Help() string {
	return "Answers from the read models: what did you learn, what patterns did you find yesterday, how can you improve, why did you " +
		"change the deploy agent. Where the configuration has a model for the role `phrasing`, with a limit, that model finds the words, in a run that is recorded; numbers, " +
		"names and links stay those of the record, and where they do not, the record's own words are printed.\n\nExamples:\n  virtuous6 learned --since 2026-11-01\n" +
		"  virtuous6 learned 'What patterns did you find yesterday?'\n  virtuous6 learned 'How can you improve?' --json\n  virtuous6 learned --plain"
}

// learnedJSON is what `learned --json` prints.
type learnedJSON struct {
	answers.Said
	// Run is the one in which a model was asked for words, Untaken why they were not taken.
	Run     string `json:"run,omitempty"`
	Untaken string `json:"untaken,omitempty"`
}

// Run answers.
func (v learnedVerb) Run(ctx context.Context, a *app) error {
	text := v.Question
	if text == "" {
		text = "What did you learn?"
	}
	var since time.Time
	if v.Since != "" {
		var err error
		if since, err = time.Parse(time.DateOnly, string(v.Since)); err != nil {
			return err
		}
	}
	asked := a.clock()
	q, ok := answers.Ask(text, asked, since)
	if !ok {
		return usage("%q is not a question about the record; one is %q, %q, %q or %q. `virtuous6 ask` asks an agent", oneLine(text),
			"What did you learn?", "What patterns did you find yesterday?", "How can you improve?", "Why did you change the deploy agent?")
	}
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	said, err := answers.Answer(ctx, reader, q)
	if err != nil {
		return err
	}
	told := learnedJSON{Said: said}
	if role, there := a.config.Roles[phrasing].of(orchestrator.Phrasing()); there && !v.Plain && v.pastFlag == (pastFlag{}) {
		if says := answers.Phrasing(asked, since, said); says != nil {
			if told, err = v.worded(ctx, a, role, text, *says); err != nil {
				return err
			}
		}
	}
	if v.JSON {
		return a.json(told)
	}
	fmt.Fprintln(a.out, oneLine(told.Title))
	if told.None != "" {
		fmt.Fprintln(a.out, oneLine(told.None))
	}
	for _, l := range told.Lines {
		if _, err := fmt.Fprintf(a.out, "- %s%s\n", oneLine(l.Text), grounds(l)); err != nil {
			return err
		}
	}
	switch {
	case told.Untaken != "":
		a.note("the record's own words: those of the model were not taken, %s (run %s)", oneLine(told.Untaken), told.Run)
	case told.Run != "":
		a.note("a model found the words, in run %s", told.Run)
	}
	return nil
}

// wordsWithin is how long a model may take for words.
const wordsWithin = 20 * time.Second

// worded has a model find words, in a run. Where that takes too long, or has to wait for money, the run is cancelled.
func (v learnedVerb) worded(ctx context.Context, a *app, role orchestrator.Role, question string, says events.Phrasing) (told learnedJSON, err error) {
	start := commands.StartRun{Meta: a.meta(""), Prompt: question, Phrases: &says, Requester: "user:" + a.config.user()}
	start.Run = start.ID.String()
	start.Correlation, told.Run = start.Run, start.Run
	if err := a.ready(ctx); err != nil {
		return told, err
	}
	receipt, err := a.runs().Phrase(ctx, role, start)
	if err != nil {
		return told, err
	}
	waiting, enough := context.WithTimeout(ctx, wordsWithin)
	defer enough()
	words, err := a.answerOf(waiting, "learned", start.Run, receipt.Position, enough)
	if err != nil {
		return told, err
	}
	if err := a.catchUp(ctx); err != nil {
		return told, err
	}
	told.Said, told.Untaken, err = answers.Told(ctx, a.own(), question, says, words.answer)
	if words.failed != "" {
		told.Untaken = words.failed
	}
	return told, err
}
