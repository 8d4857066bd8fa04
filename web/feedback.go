package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/commands"
)

type giveFeedbackInput struct {
	Idempotency
	Run  string `path:"run" maxLength:"200"`
	Body struct {
		User   string   `json:"user,omitempty" maxLength:"200" doc:"Who judges."`
		Step   *int     `json:"step,omitempty" minimum:"0" doc:"The number of the step it is about. Default: the whole run."`
		Name   string   `json:"name,omitempty" maxLength:"200" doc:"What is judged, such as helpfulness. Default: the whole."`
		Score  *float64 `json:"score,omitempty" doc:"A number, the higher the better."`
		Label  string   `json:"label,omitempty" maxLength:"200" doc:"A word, such as correct."`
		Text   string   `json:"text,omitempty" maxLength:"100000" doc:"A remark."`
		Better string   `json:"better,omitempty" maxLength:"100000" doc:"The answer that would have been better."`
	}
}

type givenFeedback struct {
	Body struct {
		Feedback string `json:"feedback"`
		Run      string `json:"run"`
		Position uint64 `json:"position"`
		Repeated bool   `json:"repeated" doc:"Whether this Idempotency-Key had given it before."`
	}
}

// giveFeedback registers the wish to judge a run that the read models know.
func (d *door) giveFeedback(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "give-feedback", Method: http.MethodPost, Path: "/api/runs/{run}/feedback", DefaultStatus: http.StatusAccepted,
		Summary:      "Give feedback on a run",
		MaxBodyBytes: maxBody,
		Errors:       []int{http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *giveFeedbackInput) (*givenFeedback, error) {
		b := in.Body
		if err := texts(named{"user", b.User}, named{"name", b.Name}, named{"label", b.Label}, named{"text", b.Text}, named{"better", b.Better}); err != nil {
			return nil, err
		}
		if b.Score == nil && b.Label+b.Text+b.Better == "" {
			return nil, huma.Error422UnprocessableEntity("feedback needs at least one of score, label, text and better")
		}
		run, steps, err := d.Reader.Run(ctx, in.Run)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		if b.Step != nil && *b.Step >= len(steps) {
			return nil, huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{
				Location: "body.step", Message: "the run has no such step", Value: *b.Step,
			})
		}
		// The run is a part of what the key names: one key may be used once a run.
		feedback, command, err := d.ids(in.Key, "feedback\x00"+run.Run, b)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		receipt, err := d.Dispatch(ctx, commands.GiveFeedback{
			Meta:     d.meta(command, run.Run),
			Feedback: feedback.String(),
			Run:      run.Run,
			Step:     b.Step,
			User:     b.User,
			Name:     b.Name,
			Score:    b.Score,
			Label:    b.Label,
			Text:     b.Text,
			Better:   b.Better,
		})
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		out := &givenFeedback{}
		out.Body.Feedback, out.Body.Run = feedback.String(), run.Run
		out.Body.Position, out.Body.Repeated = receipt.Position, receipt.Repeated
		return out, nil
	})
}
