package web

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Limits are what a budget bounds, in a body.
type Limits struct {
	USD     string `json:"limit_usd,omitempty" maxLength:"40" doc:"Dollars that may be spent, as exact decimal text: 12.50."`
	Tokens  int64  `json:"limit_tokens,omitempty" minimum:"1" doc:"Tokens that calls of models may read and write."`
	Seconds int64  `json:"limit_seconds,omitempty" minimum:"1" maximum:"1000000000" doc:"How long calls of models and tools may take."`
	Agents  int64  `json:"limit_agents,omitempty" minimum:"1" doc:"How many agents may be spawned by themselves."`
}

// run is what a run may take, nil where nothing is said.
func (l Limits) run() (*commands.RunLimits, error) {
	if l == (Limits{}) {
		return nil, nil
	}
	nanos, err := dollars("limit_usd", l.USD)
	return &commands.RunLimits{
		LimitNanos: nanos, AnyCost: l.USD == "", Limits: events.Resources{Tokens: l.Tokens, TimeMS: 1000 * l.Seconds, Agents: l.Agents},
	}, err
}

type limitBudgetInput struct {
	Idempotency
	Budget string `path:"budget" maxLength:"200"`
	Body   struct {
		Limits
		By string `json:"by,omitempty" maxLength:"200" doc:"The person who wants it, such as user:anna. Default: whose token it is."`
	}
}

type limitedBudget struct {
	Body struct {
		Budget string `json:"budget"`
		Limits
		Position uint64 `json:"position" doc:"Where the log holds it."`
	}
}

// limitBudget registers the wish for other limits of a budget that is there. What is not given stays, and runs that wait for it go on.
func (d *door) limitBudget(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "limit-budget", Method: http.MethodPost, Path: "/api/budgets/{budget}/limit",
		Summary: "Give a budget other limits; runs that wait for it go on with higher ones", MaxBodyBytes: maxBody,
		Errors: []int{http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *limitBudgetInput) (*limitedBudget, error) {
		if err := texts(named{"limit_usd", in.Body.USD}, named{"by", in.Body.By}); err != nil {
			return nil, err
		}
		limits, err := in.Body.Limits.run()
		switch {
		case err != nil:
			return nil, err
		case limits == nil:
			return nil, huma.Error422UnprocessableEntity("give limit_usd, limit_tokens, limit_seconds or limit_agents")
		}
		if strings.HasPrefix(in.Budget, commands.GoalBudget("")) {
			return nil, huma.Error422UnprocessableEntity("the limit of a goal is set with the goal: `virtuous6 goals resume GOAL --limit USD`")
		}
		_, id, err := d.ids(ctx, in.Key, "limit\x00"+in.Budget, in.Body)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		meta := d.meta(ctx, id, "")
		meta.Actor = cmp.Or(in.Body.By, meta.Actor)
		receipt, err := d.Dispatch(ctx, commands.SetBudget{
			Meta: meta, Budget: in.Budget, LimitNanos: limits.LimitNanos, AnyCost: limits.AnyCost, Limits: limits.Limits,
		})
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		out := &limitedBudget{}
		out.Body.Budget, out.Body.Limits, out.Body.Position = in.Budget, in.Body.Limits, receipt.Position
		return out, nil
	})
}
