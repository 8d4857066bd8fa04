package agents

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// chain are the models that an agent asks, one after the other until one answers.
func chain(config events.AgentConfig) []string {
	return append([]string{config.Model}, config.Fallbacks...)
}

// elsewhere tells of a failure that another model may not have.
func elsewhere(err error) bool {
	var e *CallError
	if errors.As(err, &e) && e.Streamed {
		return false // whoever watches has seen the beginning of another answer
	}
	return slices.ContainsFunc([]error{ErrOpen, ErrUnavailable, ErrTimeout, ErrRateLimited, ErrQuota, ErrModelNotFound, ErrContextLength, ErrCut, ErrProtocol},
		func(kind error) bool { return errors.Is(err, kind) })
}

// firstAnswer asks the agent's models until one answers. asked is the one that did. billed tells that one that failed before may
// have been charged for, at nobody knows how much.
func (r Runner) firstAnswer(ctx context.Context, config events.AgentConfig, req Request, onDelta func(string)) (answer Answer, asked string, billed bool, err error) {
	var failures []error
	for _, asked = range chain(config) {
		if req.Model = asked; asked != config.Model {
			req.API = "" // how a model is asked goes with the model
		}
		answer, err = r.Model.Chat(ctx, req, onDelta)
		if err == nil {
			return answer, asked, billed, nil
		}
		err = fmt.Errorf("ask %s: %w", asked, err)
		failures = append(failures, err)
		if ctx.Err() != nil || !elsewhere(err) {
			break
		}
		billed = billed || !Unbilled(err)
	}
	if len(failures) == 1 {
		return answer, asked, billed, err
	}
	return answer, asked, billed, &chainError{failures}
}

// chainError is what all of an agent's models failed with.
type chainError struct{ failures []error }

func (e *chainError) Error() string {
	text := e.failures[0].Error()
	for _, err := range e.failures[1:] {
		text += "; then " + err.Error()
	}
	return text
}

// Unwrap gives each of them.
func (e *chainError) Unwrap() []error { return e.failures }
