package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// refusals are what a wish about a goal can be answered beside what was wished.
var refusals = []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}

type createGoalInput struct {
	Idempotency
	Body struct {
		Prompt    string           `json:"prompt" minLength:"1" maxLength:"100000" doc:"What is to be reached."`
		Level     events.GoalLevel `json:"level,omitempty" enum:"strategic,tactical,operational" doc:"Default: operational."`
		Parent    string           `json:"parent,omitempty" maxLength:"200" doc:"The goal that it is a part of."`
		Requester string           `json:"requester,omitempty" maxLength:"200" doc:"Who asks."`
		Limit     string           `json:"limit_usd,omitempty" maxLength:"40" doc:"Dollars that it may cost, as text. Default: what the other budgets let through."`
		Parallel  int              `json:"parallel,omitempty" minimum:"0" maximum:"256" doc:"How many tasks are under way at a time. Default: 8."`
		Talks     int              `json:"talks,omitempty" minimum:"0" maximum:"1000" doc:"How often its agents may speak to one another. Default: 50."`
	}
}

type goalAnswer struct {
	Location string `header:"Location"`
	Body     struct {
		Goal     string `json:"goal"`
		Position uint64 `json:"position" doc:"Where the log holds it: the read models show it once they are there."`
		Repeated bool   `json:"repeated" doc:"Whether this Idempotency-Key had wished it before."`
	}
}

// createGoal registers the wish for a goal.
func (d *door) createGoal(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "create-goal", Method: http.MethodPost, Path: "/api/goals", DefaultStatus: http.StatusAccepted,
		Summary: "Create a goal. Nothing is done for it yet: plan has it broken into tasks, run has these done", MaxBodyBytes: maxBody, Errors: refusals,
	}, func(ctx context.Context, in *createGoalInput) (*goalAnswer, error) {
		b := in.Body
		if err := texts(named{"prompt", b.Prompt}, named{"parent", b.Parent}, named{"requester", b.Requester}); err != nil {
			return nil, err
		}
		if err := needed("prompt", b.Prompt); err != nil {
			return nil, err
		}
		limit, err := dollars("limit_usd", b.Limit)
		if err != nil {
			return nil, err
		}
		goal, id, err := d.ids(ctx, in.Key, "goal", b)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		return d.wished(ctx, goal.String(), commands.CreateGoal{
			Meta: d.meta(ctx, id, ""), Goal: goal.String(), Prompt: b.Prompt, Level: cmp.Or(b.Level, events.Operational), Parent: b.Parent,
			Requester: cmp.Or(b.Requester, actor(ctx)), LimitNanos: limit, Parallel: b.Parallel, Talks: b.Talks,
		})
	})
}

// dollars reads an amount of a body, 0 where none is given.
func dollars(key, text string) (events.Nanos, error) {
	if text == "" {
		return 0, nil
	}
	n, err := events.ParseUSD(text)
	if err != nil {
		return 0, huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "body." + key, Message: err.Error()})
	}
	return n, nil
}

// wished carries out a wish about a goal.
func (d *door) wished(ctx context.Context, goal string, wish commands.Command) (*goalAnswer, error) {
	receipt, err := d.Dispatch(ctx, wish)
	if err != nil {
		return nil, d.problem(ctx, err)
	}
	out := &goalAnswer{Location: "/api/goals"}
	out.Body.Goal, out.Body.Position, out.Body.Repeated = goal, receipt.Position, receipt.Repeated
	return out, nil
}

// steering is what a person can say of a goal. Each wish takes a part of it.
type steering struct {
	By          string            `json:"by,omitempty" maxLength:"200" doc:"The person who wishes it, such as user:anna. Default: who brings the token."`
	Runbook     string            `json:"runbook,omitempty" maxLength:"200" doc:"Of plan: the runbook to go by."`
	Slots       map[string]string `json:"slots,omitempty" doc:"Of plan: what the runbook leaves open."`
	Task        string            `json:"task,omitempty" maxLength:"200" doc:"Of answer, skip and change: the task."`
	Instruction string            `json:"instruction,omitempty" maxLength:"100000" doc:"Of change: what is to be done instead."`
	Agent       string            `json:"agent,omitempty" maxLength:"200" doc:"Of change: who is to do it instead."`
	Text        string            `json:"text,omitempty" maxLength:"100000" doc:"Of tell and answer: what is said. Of pause, cancel and skip: why."`
	Limit       string            `json:"limit_usd,omitempty" maxLength:"40" doc:"Of resume: dollars that it may cost from now on, what was spent included."`
}

type steerGoalInput struct {
	Idempotency
	Goal string `path:"goal" maxLength:"200"`
	Body steering
}

// steerings are the wishes about a goal that there is, and what each becomes.
var steerings = []struct {
	name, summary string
	// needs are the keys of the body that it can't do without.
	needs []string
	wish  func(m commands.Meta, goal string, s steering) commands.Command
}{
	{"plan", "Have a goal broken into tasks", nil, func(m commands.Meta, goal string, s steering) commands.Command {
		return commands.AskPlan{Meta: m, Goal: goal, By: s.By, Runbook: s.Runbook, Slots: s.Slots}
	}},
	{"run", "Have a goal's tasks done; where there is no plan yet, one is asked for", nil, func(m commands.Meta, goal string, s steering) commands.Command {
		return commands.StartGoal{Meta: m, Goal: goal, By: s.By}
	}},
	{"approve", "Let a plan be carried out that waits for a person's approval", nil, func(m commands.Meta, goal string, s steering) commands.Command {
		return commands.ApproveGoal{Meta: m, Goal: goal, By: s.By}
	}},
	{"change", "Change what a task is, or who does it: an attempt under way is given up, and another one begins", []string{"task"}, func(m commands.Meta, goal string, s steering) commands.Command {
		return commands.ChangeTask{Meta: m, Goal: goal, Task: s.Task, By: s.By, Instruction: s.Instruction, Agent: s.Agent}
	}},
	{"pause", "Let no more tasks of a goal begin", nil, func(m commands.Meta, goal string, s steering) commands.Command {
		return commands.PauseGoal{Meta: m, Goal: goal, By: s.By, Reason: s.Text}
	}},
	{"resume", "Let a goal's tasks begin again", nil, func(m commands.Meta, goal string, s steering) commands.Command {
		return commands.ResumeGoal{Meta: m, Goal: goal, By: s.By}
	}},
	{"cancel", "Give a goal up", nil, func(m commands.Meta, goal string, s steering) commands.Command {
		return commands.CancelGoal{Meta: m, Goal: goal, By: s.By, Reason: s.Text}
	}},
	{"tell", "Say something that all tasks heed that begin from now on", []string{"text"}, func(m commands.Meta, goal string, s steering) commands.Command {
		return commands.TellGoal{Meta: m, Goal: goal, By: s.By, Text: s.Text}
	}},
	{"answer", "Answer the question that a task is", []string{"task", "text"}, func(m commands.Meta, goal string, s steering) commands.Command {
		return commands.AnswerTask{Meta: m, Goal: goal, Task: s.Task, By: s.By, Answer: s.Text}
	}},
	{"skip", "Leave a task out", []string{"task"}, func(m commands.Meta, goal string, s steering) commands.Command {
		return commands.SkipTask{Meta: m, Goal: goal, Task: s.Task, By: s.By, Reason: s.Text}
	}},
}

// steerGoal registers them.
func (d *door) steerGoal(api huma.API) {
	for _, s := range steerings {
		huma.Register(api, huma.Operation{
			OperationID: s.name + "-goal", Method: http.MethodPost, Path: "/api/goals/{goal}/" + s.name, DefaultStatus: http.StatusAccepted,
			Summary: s.summary, MaxBodyBytes: maxBody, Errors: refusals,
		}, func(ctx context.Context, in *steerGoalInput) (*goalAnswer, error) {
			b := in.Body
			if err := texts(named{"by", b.By}, named{"runbook", b.Runbook}, named{"task", b.Task}, named{"text", b.Text}, named{"instruction", b.Instruction}, named{"agent", b.Agent}); err != nil {
				return nil, err
			}
			for _, key := range s.needs {
				if err := needed(key, map[string]string{"task": b.Task, "text": b.Text}[key]); err != nil {
					return nil, err
				}
			}
			b.By = cmp.Or(b.By, actor(ctx))
			limit, err := dollars("limit_usd", b.Limit)
			if err != nil {
				return nil, err
			}
			if limit > 0 && s.name != "resume" {
				return nil, huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "body.limit_usd", Message: "only resume takes it"})
			}
			goal, err := d.goalID(ctx, in.Goal)
			if err != nil {
				return nil, d.problem(ctx, err)
			}
			_, id, err := d.ids(ctx, in.Key, s.name+"\x00"+goal, b)
			if err != nil {
				return nil, d.problem(ctx, err)
			}
			if limit > 0 {
				raise := commands.LimitGoal{Meta: d.meta(ctx, events.DeriveID(id, 1), ""), Goal: goal, By: b.By, LimitNanos: limit}
				if _, err := d.Dispatch(ctx, raise); err != nil {
					return nil, d.problem(ctx, err)
				}
			}
			wish := s.wish(d.meta(ctx, id, ""), goal, b)
			if change, is := wish.(commands.ChangeTask); is {
				if change.Agents, err = orchestrator.Askable(ctx, d.own(ctx)); err != nil {
					return nil, d.problem(ctx, err)
				}
				wish = change
			}
			return d.wished(ctx, goal, wish)
		})
	}
}

// goalID is the whole id of the goal that alone begins with one. A goal that no read model knows yet keeps the one that was given.
func (d *door) goalID(ctx context.Context, id string) (string, error) {
	row, err := projections.FindGoal(ctx, d.own(ctx), id)
	if errors.Is(err, projections.ErrNotFound) {
		return id, nil
	}
	return row.Goal, err
}
