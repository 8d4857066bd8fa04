package orchestrator

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Caching tells of each call to a model that a run made what was read from the provider's cache and, where less than the call before had
// left there, why. It follows from the log. An imported record does not tell all that was sent: of such a run only what was read is told.
func (r Runs) Caching(ctx context.Context, row *projections.RunRow, steps []projections.StepRow) ([]answers.CacheUse, error) {
	if row.AgentRevision < 0 {
		uses := []answers.CacheUse{}
		for _, s := range steps {
			if s.CachedTokens > 0 {
				uses = append(uses, answers.CacheUse{Step: int(s.Step), Read: s.CachedTokens})
			}
		}
		return uses, nil
	}
	calls, earlier, err := r.calls(ctx, row.Workspace, row.Run, row.LastPosition)
	if err != nil {
		return nil, err
	}
	var before *answers.ModelCall
	if n := len(earlier); n > 0 {
		said, _, err := r.calls(ctx, row.Workspace, earlier[n-1], row.LastPosition)
		if err != nil {
			return nil, err
		}
		if n := len(said); n > 0 {
			before = &said[n-1]
		}
	}
	return answers.CacheUses(before, calls), nil
}

// calls are those that a live run made up to a position and that were answered, and the earlier runs that it sees.
func (r Runs) calls(ctx context.Context, workspace, run string, until uint64) (calls []answers.ModelCall, earlier []string, err error) {
	c := newConversation()
	t := turn{
		performer:    &performer{store: r.Store, agents: r.Agents, versions: newRecent[aggregates.Agent](1)},
		wish:         managers.Turn{Workspace: workspace, Run: run},
		conversation: c,
	}
	began := map[int]time.Time{}
	var failed error
	err = c.follow(ctx, r.Store, workspace, run, func(e events.Envelope, fact events.Run) bool {
		if e.Position > until {
			return false // the row is of a moment before
		}
		switch f := fact.(type) {
		case events.RunAssigned:
			t.config, failed = t.configOf(ctx, &f)
			earlier = f.Earlier
		case events.RunStepStarted:
			began[f.Step] = e.OccurredAt
		case events.RunLLMCalled:
			if f.Step == nil || f.Scripted || c.assigned == nil { // the built-in model has no cache, and an imported record does not tell enough
				break
			}
			var sent []events.Message
			sent, failed = t.whole(ctx, slices.Concat(c.messages, c.told(), f.Asked))
			call := callOf(t.config, sent)
			call.Step, call.At, call.Model = *f.Step, began[*f.Step], f.Model
			calls = append(calls, call)
		case events.RunStepFinished:
			if n := len(calls); n > 0 && calls[n-1].Step == f.Step {
				calls[n-1].Input, calls[n-1].Cached = f.InputTokens, f.CachedTokens
			}
		case events.RunStarted, events.RunToolCalled, events.RunApprovalAsked, events.RunApprovalAnswered, events.RunSuspended, events.RunResumed, events.RunSkillLoaded, events.RunFixKnown, events.RunSpecialistDrafted,
			events.RunFinished, events.RunFailed, events.RunCancelled:
		}
		return failed == nil
	})
	if err = cmp.Or(err, failed); errors.Is(err, eventstore.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", readmodel.ErrUnavailable, err)
	}
	return calls, earlier, err
}

// callOf is what of a call a cache goes by. The schema of answers is sent ahead of the messages, as the instructions are.
func callOf(config events.AgentConfig, sent []events.Message) answers.ModelCall {
	head := instructed(sent)
	tools := slices.Compact(slices.Sorted(slices.Values(config.Tools)))
	call := answers.ModelCall{
		Tools: digest([]byte(strings.Join(tools, " "))), System: digest(append(encoded(sent[:head]), config.Schema...)),
		History: make([]string, 0, len(sent)-head),
	}
	for _, m := range sent[head:] {
		call.History = append(call.History, digest(encoded(m)))
	}
	return call
}

func encoded(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("what a fact held can be JSON: " + err.Error())
	}
	return text
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return string(sum[:])
}
