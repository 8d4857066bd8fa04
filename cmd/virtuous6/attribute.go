package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/virtuous6/virtuous6/analysts/failure"
)

type attributeVerb struct {
	JSON bool   `name:"json" help:"Print one JSON value."`
	File string `arg:"" help:"A conversation as JSON or JSON Lines: a list of messages with name or role and content, or an object with it under history."`
}

// Help tells by what it goes.
func (attributeVerb) Help() string {
	return "Names who made a failed conversation go wrong first, and at which message, from 0: where the first sign of an error is (what " +
		"programs and people say when something failed, an answer without content, data that was assumed), and who spoke before it where that came " +
		"from a tool or from one who leads the others. It is a guess without a model: on 63 public failed conversations it names the right agent in 40 and the right message in 25.\n\n" +
		"Example:\n  virtuous6 attribute conversation.json --json"
}

// Run attributes.
func (v attributeVerb) Run(_ context.Context, a *app) error {
	data, err := os.ReadFile(v.File)
	if err != nil {
		return fmt.Errorf("read the conversation: %w", err)
	}
	conversation, err := failure.ReadConversation(data)
	if err != nil {
		return fmt.Errorf("%s: %w", v.File, err)
	}
	blame, ok := failure.Attribute(conversation)
	if !ok {
		return fmt.Errorf("%s: %w", v.File, errors.New("nobody but tools and users speaks in it: there is nobody to name"))
	}
	if v.JSON {
		return a.json(blame)
	}
	line := []rune(conversation[blame.Step].Content)
	fmt.Fprintf(a.out, "%s, at message %d: %s\n", oneLine(blame.Agent), blame.Step, short(string(line), 200))
	return nil
}
