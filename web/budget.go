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

type limitBudgetInput struct {
	Idempotency
	Budget string `path:"budget" maxLength:"200"`
	Body   struct {
		LimitUSD string `json:"limit_usd" minLength:"1" maxLength:"40" doc:"Dollars that may be spent in a period, as exact decimal text: 12.50."`
		By       string `json:"by,omitempty" maxLength:"200" doc:"The person who wants it, such as user:anna. Default: whose token it is."`
	}
}

type limitedBudget struct {
	Body struct {
		Budget   string `json:"budget"`
		LimitUSD string `json:"limit_usd"`
		Position uint64 `json:"position" doc:"Where the log holds it."`
	}
}

// limitBudget registers the wish for another limit of a budget that is there. Runs that wait for money go on with a higher one.
func (d *door) limitBudget(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "limit-budget", Method: http.MethodPost, Path: "/api/budgets/{budget}/limit",
		Summary: "Give a budget another limit; runs that wait for it go on with a higher one", MaxBodyBytes: maxBody,
		Errors: []int{http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *limitBudgetInput) (*limitedBudget, error) {
		if err := texts(named{"limit_usd", in.Body.LimitUSD}, named{"by", in.Body.By}); err != nil {
			return nil, err
		}
		limit, err := events.ParseUSD(in.Body.LimitUSD)
		if err != nil {
			return nil, huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "body.limit_usd", Message: "give dollars, such as 12.50: " + err.Error()})
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
		receipt, err := d.Dispatch(ctx, commands.SetBudget{Meta: meta, Budget: in.Budget, LimitNanos: limit})
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		out := &limitedBudget{}
		out.Body.Budget, out.Body.LimitUSD, out.Body.Position = in.Budget, limit.String(), receipt.Position
		return out, nil
	})
}
