package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/commands"
)

type loopInput struct {
	Idempotency
	Body struct {
		By     string `json:"by" minLength:"1" maxLength:"200" doc:"The person who wants it, such as user:anna."`
		Reason string `json:"reason,omitempty" maxLength:"10000" doc:"Why. A pause needs one."`
	}
}

type loopOutput struct {
	Body struct {
		Paused bool `json:"paused"`
	}
}

// switchLoop registers the wishes to stop every step of the loop that no person takes, and to let it go on.
func (d *door) switchLoop(api huma.API) {
	for verb, summary := range map[string]string{
		"pause":  "Stop every step of the loop of improvements that no person takes",
		"resume": "Let the loop of improvements go on",
	} {
		huma.Register(api, huma.Operation{
			OperationID: verb + "-loop", Method: http.MethodPost, Path: "/api/loop/" + verb, Summary: summary, MaxBodyBytes: maxBody,
			Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		}, func(ctx context.Context, in *loopInput) (*loopOutput, error) {
			if err := texts(named{"by", in.Body.By}, named{"reason", in.Body.Reason}); err != nil {
				return nil, err
			}
			_, id, err := d.ids(ctx, in.Key, verb, in.Body)
			if err != nil {
				return nil, d.problem(ctx, err)
			}
			meta, out := d.meta(ctx, id, ""), &loopOutput{}
			var wish commands.Loop = commands.ResumeLoop{Meta: meta, By: in.Body.By, Reason: in.Body.Reason}
			if out.Body.Paused = verb == "pause"; out.Body.Paused {
				wish = commands.PauseLoop{Meta: meta, By: in.Body.By, Reason: in.Body.Reason}
			}
			if _, err := d.Dispatch(ctx, wish); err != nil {
				return nil, d.problem(ctx, err)
			}
			return out, nil
		})
	}
}
