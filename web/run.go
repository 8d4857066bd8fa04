package web

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type runsInput struct {
	Page
	Workflow     string    `query:"workflow" doc:"Only runs of this workflow."`
	Task         string    `query:"task" doc:"Only runs that tried this task."`
	Conversation string    `query:"conversation" doc:"Only runs of this conversation."`
	Agent        string    `query:"agent" doc:"Only runs that this agent had a step in."`
	Outcome      string    `query:"outcome" enum:"succeeded,failed,cancelled,unrated,running" doc:"Only runs that count so, by their verdict or else by how they ended, or are running."`
	Since        time.Time `query:"since" doc:"Only runs that started then or later."`
	Until        time.Time `query:"until" doc:"Only runs that started before."`
}

// runDetail is a run with all that belongs to it.
type runDetail struct {
	Run      projections.RunRow        `json:"run"`
	Steps    []projections.StepRow     `json:"steps"`
	Feedback []projections.FeedbackRow `json:"feedback"`
	// Caching tells of its calls to models what was read from the provider's cache, and why a prefix was lost.
	Caching []answers.CacheUse `json:"caching"`
}

// runs registers the list of runs, the latest first, and one run.
func (d *door) runs(api huma.API) {
	list(d, api, "runs", "Runs, the latest first, with the beginnings of their prompts and answers", func(ctx context.Context, r projections.Reader, in runsInput) iter.Seq2[projections.RunRow, error] {
		return r.Runs(ctx, projections.RunFilter{
			Workflow: in.Workflow, Task: in.Task, Conversation: in.Conversation, Agent: in.Agent, Outcome: events.Outcome(in.Outcome),
			Since: in.Since, Until: in.Until, Limit: in.Limit + 1,
		})
	})
	type input struct {
		Scope
		Run string `path:"run" maxLength:"200"`
	}
	type answer struct {
		Told
		Body document[runDetail]
	}
	huma.Register(api, huma.Operation{
		OperationID: "run", Method: http.MethodGet, Path: "/api/runs/{run}",
		Summary: "A run with its whole prompt and answer, its steps, the feedback on it and what was read from its provider's cache",
		Errors:  []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
	}, func(ctx context.Context, in *input) (*answer, error) {
		past, err := d.at(ctx, in.scope())
		if err != nil {
			return nil, err
		}
		defer past.Done()
		run, steps, err := projections.FindRun(ctx, past.Reader, in.Run)
		if err == nil && d.Texts != nil {
			err = d.Texts(ctx, &run)
		}
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		feedback, err := past.Feedback(ctx, run.Run)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		detail := runDetail{Run: run, Steps: steps, Feedback: feedback, Caching: []answers.CacheUse{}}
		if d.Caching != nil {
			if detail.Caching, err = d.Caching(ctx, &run, steps); err != nil {
				return nil, d.problem(ctx, err)
			}
		}
		if steps == nil {
			detail.Steps = []projections.StepRow{}
		}
		if feedback == nil {
			detail.Feedback = []projections.FeedbackRow{}
		}
		return &answer{Told{past.Of}, document[runDetail]{detail}}, nil
	})
}

type startRunInput struct {
	Idempotency
	Body struct {
		Prompt       string `json:"prompt" minLength:"1" maxLength:"100000" doc:"What is asked."`
		Workflow     string `json:"workflow,omitempty" maxLength:"200" doc:"The workflow it counts to. Default: the server's."`
		Agent        string `json:"agent,omitempty" maxLength:"200" doc:"Who is asked. Default: who answered last in the conversation, else the agent that fits best, else assistant."`
		Task         string `json:"task,omitempty" maxLength:"200" doc:"The task it tries."`
		Requester    string `json:"requester,omitempty" maxLength:"200" doc:"Who asks."`
		Conversation string `json:"conversation,omitempty" maxLength:"200" doc:"The conversation that it goes on with: it sees what was said there. Default: one of its own."`
		Limits
	}
}

type startedRun struct {
	Location string `header:"Location"`
	Body     struct {
		Run      string `json:"run"`
		Workflow string `json:"workflow"`
		Position uint64 `json:"position" doc:"Where the log holds it: the read models show it once they are there."`
		Repeated bool   `json:"repeated" doc:"Whether this Idempotency-Key had started it before."`
	}
}

// startRun registers the wish for a run. The answer comes before the run has ended.
func (d *door) startRun(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "start-run", Method: http.MethodPost, Path: "/api/runs", DefaultStatus: http.StatusAccepted,
		Summary:      "Start a run",
		MaxBodyBytes: maxBody,
		Errors:       []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *startRunInput) (*startedRun, error) {
		b := in.Body
		if err := texts(named{"prompt", b.Prompt}, named{"workflow", b.Workflow}, named{"agent", b.Agent}, named{"task", b.Task}, named{"requester", b.Requester}, named{"conversation", b.Conversation}); err != nil {
			return nil, err
		}
		if err := needed("prompt", b.Prompt); err != nil {
			return nil, err
		}
		limits, err := b.run()
		if err != nil {
			return nil, err
		}
		b.Workflow = cmp.Or(b.Workflow, d.Workflow)
		run, command, err := d.ids(ctx, in.Key, "run", b)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		receipt, err := d.Start(ctx, commands.StartRun{
			Meta:      d.meta(ctx, command, run.String()),
			Run:       run.String(),
			Workflow:  b.Workflow,
			Agent:     b.Agent,
			Task:      b.Task,
			Requester: b.Requester, Conversation: b.Conversation,
			Prompt: b.Prompt, Limits: limits,
		})
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		out := &startedRun{Location: "/api/runs/" + run.String()}
		out.Body.Run, out.Body.Workflow = run.String(), b.Workflow
		out.Body.Position, out.Body.Repeated = receipt.Position, receipt.Repeated
		return out, nil
	})
}

type cancelRunInput struct {
	Idempotency
	Run  string `path:"run" maxLength:"200"`
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"10000" doc:"Why."`
	}
}

type cancelledRun struct {
	Body struct {
		Run       string `json:"run"`
		Cancelled bool   `json:"cancelled" doc:"False where it had ended already: it stays as it is."`
	}
}

// cancelRun registers the wish to stop a run.
func (d *door) cancelRun(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "cancel-run", Method: http.MethodPost, Path: "/api/runs/{run}/cancel",
		Summary: "Stop a run, and what is under way for it, within two seconds", MaxBodyBytes: maxBody,
		Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *cancelRunInput) (*cancelledRun, error) {
		if err := texts(named{"reason", in.Body.Reason}); err != nil {
			return nil, err
		}
		run, err := d.runID(ctx, in.Run)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		_, id, err := d.ids(ctx, in.Key, "cancel\x00"+run, in.Body)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		cancelled, err := d.Cancel(ctx, commands.CancelRun{Meta: d.meta(ctx, id, run), Run: run, Reason: in.Body.Reason})
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		out := &cancelledRun{}
		out.Body.Run, out.Body.Cancelled = run, cancelled
		return out, nil
	})
}

// runID is the whole of a run's id. One that the read models do not know yet stays as it is.
func (d *door) runID(ctx context.Context, id string) (string, error) {
	row, _, err := projections.FindRun(ctx, d.own(ctx), id)
	if errors.Is(err, projections.ErrNotFound) {
		return id, nil
	}
	return row.Run, err
}
