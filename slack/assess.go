package slack

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// assessBlock has what says whether an answer is right, which is another question than whether it was liked.
func assessBlock(run string) api.Block {
	return api.NewActionBlock("", button(rightAction, run, "Right"), button(wrongAction, run, "Wrong…"))
}

// wrongView is the modal in which to say why an answer is wrong.
func wrongView(metadata, prompt string) api.ModalViewRequest {
	input := api.NewPlainTextInputBlockElement(words("The key is rotated every 90 days, not every year"), "text")
	input.Multiline, input.MaxLength = true, 3000
	reason := api.NewInputBlock("text", words("What is wrong about it?"), nil, input)
	reason.Optional = true
	return askView(wrongModal, "Wrong", metadata, prompt, reason)
}

// askView is a modal about a run.
func askView(callback, title, metadata, prompt string, inputs ...api.Block) api.ModalViewRequest {
	view := api.ModalViewRequest{
		Type: api.VTModal, CallbackID: callback, PrivateMetadata: metadata, Title: words(title), Submit: words("Send"), Close: words("Cancel"),
	}
	if prompt != "" {
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, small("On “"+inert(clip(oneLine(prompt), 200))+"”"))
	}
	view.Blocks.BlockSet = append(view.Blocks.BlockSet, inputs...)
	return view
}

// askRun opens a modal about a run.
func (d *Door) askRun(ctx context.Context, r Request, named string, view func(metadata, prompt string) api.ModalViewRequest) (*Reply, error) {
	run, err := d.about(ctx, r, named)
	if err != nil {
		return &Reply{Text: firstUpper(err.Error()) + "."}, nil
	}
	return nil, d.open(ctx, r, origin{Run: run.Run}, func(metadata string) api.ModalViewRequest { return view(metadata, run.Prompt) })
}

// open opens a modal, which carries along where that was.
func (d *Door) open(ctx context.Context, r Request, from origin, view func(metadata string) api.ModalViewRequest) error {
	from.Channel, from.Thread, from.Home = r.Channel, r.Thread, r.Home
	metadata, err := json.Marshal(from)
	if err != nil {
		return err
	}
	// What opens a modal is good for three seconds: it is not tried again.
	_, err = d.API.OpenViewContext(ctx, r.Trigger, view(string(metadata)))
	return err
}

// assess records a person's verdict on a run. The latest one counts.
func (d *Door) assess(ctx context.Context, r Request, id uuid.UUID, w Assess) (done, error) {
	verdict, label, says := events.Succeeded, "right", "Noted: that is right. It counts as a success."
	if !w.Right {
		verdict, label, says = events.Failed, "wrong", "Noted: that is wrong. It counts as a failure, whatever it looked like."
	}
	receipt, err := d.Dispatch(ctx, commands.GiveVerdict{Meta: d.meta(r, id, 0, w.Run), Run: w.Run, Verdict: verdict, From: events.ByPerson, By: r.person()})
	if err == nil && w.Reason != "" {
		_, err = d.Dispatch(ctx, commands.GiveFeedback{
			Meta: d.meta(r, id, 1, w.Run), Feedback: id.String(), Run: w.Run, User: r.person(), Name: "correctness", Label: label, Text: clip(w.Reason, maxText),
		})
	}
	return done{outcome: events.SlackRecorded, run: w.Run, repeated: receipt.Repeated, reply: &Reply{Text: says}}, err
}
