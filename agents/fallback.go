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
	models := []string{config.Model}
	for _, model := range config.Fallbacks {
		if !slices.Contains(models, model) {
			models = append(models, model)
		}
	}
	return models
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

// firstAnswer asks the agent's models until one answers, as the request that it returns. Where none does, the error has them all.
func (r Runner) firstAnswer(ctx context.Context, config events.AgentConfig, req Request, onDelta func(string)) (Answer, Request, chainError, error) {
	var failed chainError
	for _, req.Model = range chain(config) {
		if req.Model != config.Model {
			req.API = "" // how a model is asked goes with the model
		}
		answer, err := r.Model.Chat(ctx, req, onDelta)
		if err == nil {
			return answer, req, failed, nil
		}
		failed = append(failed, modelError{req.Model, err})
		if ctx.Err() != nil || !elsewhere(err) {
			break
		}
	}
	return Answer{}, req, failed, failed
}

// modelError is why a model gave no answer.
type modelError struct {
	model string
	err   error
}

// chainError are the models that failed, in their order.
type chainError []modelError

func (e chainError) Error() (text string) {
	for i, failed := range e {
		if i > 0 {
			text += "; then "
		}
		text += fmt.Sprintf("ask %s: %s", failed.model, failed.err)
	}
	return text
}

// Unwrap gives each of them.
func (e chainError) Unwrap() (all []error) {
	for _, failed := range e {
		all = append(all, failed.err)
	}
	return all
}

// billed tells that one of them may be charged for.
func (e chainError) billed() bool {
	return slices.ContainsFunc(e, func(failed modelError) bool { return !Unbilled(failed.err) })
}

// facts are for the record.
func (e chainError) facts() (all []events.ModelFailed) {
	for _, failed := range e {
		all = append(all, events.ModelFailed{Model: failed.model, Error: failed.err.Error()})
	}
	return all
}
