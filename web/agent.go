package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/projections"
)

func (d *door) agentVersions(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "agent-versions", Method: http.MethodGet, Path: "/api/agents/{agent}/versions",
		Summary: "What an agent was made of, the first version first, with who changed it and why",
		Errors:  []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
	}, func(ctx context.Context, in *agentInput) (*agentVersions, error) {
		past, err := d.at(ctx, in.scope())
		if err != nil {
			return nil, err
		}
		defer past.Done()
		versions, err := past.AgentVersions(ctx, in.Agent)
		if err == nil && len(versions) == 0 {
			err = fmt.Errorf("agent %s: %w", clip(in.Agent), projections.ErrNotFound)
		}
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		body, _, err := rowsUpTo(d, each(versions, nil), len(versions))
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		return &agentVersions{Told{past.Of}, body}, nil
	})
}

type agentInput struct {
	Scope
	Agent string `path:"agent" maxLength:"200"`
}

type agentVersions struct {
	Told
	Body rows[projections.AgentVersionRow]
}

type rollBackInput struct {
	Idempotency
	Agent string `path:"agent" maxLength:"200"`
	Body  struct {
		Version int    `json:"version,omitempty" minimum:"1" doc:"The version to go back to. Default: the one before."`
		Reason  string `json:"reason,omitempty" maxLength:"10000" doc:"Why."`
		By      string `json:"by,omitempty" maxLength:"200" doc:"Who takes it back."`
	}
}

type rolledBackAgent struct {
	Body struct {
		Agent        string   `json:"agent"`
		Version      int      `json:"version" doc:"The version that it goes by now."`
		Restores     int      `json:"restores" doc:"The version that this one repeats; 0 where the agent was so already."`
		Improvements []string `json:"improvements" doc:"Those that it is without from now on."`
	}
}

// rollBackAgent registers the wish to take an agent back, for all runs that start from then on.
func (d *door) rollBackAgent(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "roll-back-agent", Method: http.MethodPost, Path: "/api/agents/{agent}/rollback",
		Summary: "Take an agent back to an earlier version", MaxBodyBytes: maxBody,
		Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *rollBackInput) (*rolledBackAgent, error) {
		if err := texts(named{"reason", in.Body.Reason}, named{"by", in.Body.By}); err != nil {
			return nil, err
		}
		_, id, err := d.ids(ctx, in.Key, "rollback\x00"+in.Agent, in.Body)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		meta := d.meta(ctx, id, "")
		meta.Actor = cmp.Or(in.Body.By, meta.Actor)
		back, err := d.Improvements.RollBack(ctx, commands.RestoreAgent{
			Meta: meta, Agent: in.Agent, Version: in.Body.Version, Reason: in.Body.Reason,
		})
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		out := &rolledBackAgent{}
		out.Body.Agent, out.Body.Version, out.Body.Restores = in.Agent, back.Version, back.Restores
		out.Body.Improvements = append([]string{}, back.Undone...)
		return out, nil
	})
}
