package web

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
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
		Wish   string   `json:"wish,omitempty" maxLength:"100000" doc:"What the person would rather have in an answer, such as: shorter, with links."`
		// Outcome is the one that is no feedback: a verdict of its own.
		Outcome string `json:"outcome,omitempty" enum:"succeeded,failed,none" doc:"The verdict on whether the run was good, which counts from then on; none takes back what a person said before."`
	}
}

// verdictIndex tells the id of a verdict from the others that derive from the feedback that it came with.
const verdictIndex = 1 << 20

type givenFeedback struct {
	Body struct {
		Feedback string `json:"feedback,omitempty" doc:"Missing where there was a verdict alone."`
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
		if err := texts(named{"user", b.User}, named{"name", b.Name}, named{"label", b.Label}, named{"text", b.Text}, named{"better", b.Better}, named{"wish", b.Wish}); err != nil {
			return nil, err
		}
		said := b.Score != nil || b.Label+b.Text+b.Better+b.Wish != ""
		if !said && b.Outcome == "" {
			return nil, huma.Error422UnprocessableEntity("feedback needs at least one of outcome, score, label, text, better and wish")
		}
		run, steps, err := projections.FindRun(ctx, d.own(ctx), in.Run)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		if b.Step != nil && *b.Step >= len(steps) {
			return nil, huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{
				Location: "body.step", Message: "the run has no such step", Value: *b.Step,
			})
		}
		// The run is a part of what the key names: one key may be used once a run.
		feedback, command, err := d.ids(ctx, in.Key, "feedback\x00"+run.Run, b)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		out := &givenFeedback{}
		out.Body.Run = run.Run
		meta := d.meta(ctx, command, run.Run)
		var receipt commands.Receipt
		if said {
			out.Body.Feedback = feedback.String()
			receipt, err = d.Dispatch(ctx, commands.GiveFeedback{
				Meta: meta, Feedback: feedback.String(), Run: run.Run, Step: b.Step, User: b.User, Name: b.Name, Score: b.Score, Label: b.Label,
				Text: b.Text, Better: b.Better, Wish: b.Wish,
			})
			if err != nil {
				return nil, d.problem(ctx, err)
			}
		}
		if b.Outcome != "" {
			verdict := events.Outcome(b.Outcome)
			if verdict == "none" {
				verdict = events.Unrated
			}
			meta.ID = events.DeriveID(feedback, verdictIndex)
			receipt, err = d.Dispatch(ctx, commands.GiveVerdict{
				Meta: meta, Run: run.Run, Verdict: verdict, From: events.ByPerson, By: cmp.Or(b.User, meta.Actor),
			})
			if err != nil {
				return nil, d.problem(ctx, err)
			}
		}
		out.Body.Position, out.Body.Repeated = receipt.Position, receipt.Repeated
		return out, nil
	})
}
