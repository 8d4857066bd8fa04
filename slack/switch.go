package slack

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// switchWish is what "pause improvements: the prices change" wants, nil where it is something else that is to pause.
func switchWish(word, rest string) Wish {
	what, reason, _ := strings.Cut(rest, " ")
	if !strings.EqualFold(strings.TrimRight(what, ":,.!"), "improvements") {
		return nil
	}
	reason = strings.TrimSpace(plain(reason))
	if word == "pause" && reason == "" {
		return Refuse{Says: "Say why: “pause improvements: the prices change tonight”."}
	}
	return Switch{Pause: word == "pause", Reason: reason}
}

// loopBlocks tell whether improvements go on, with what changes that where who looks may decide on it.
func loopBlocks(loop projections.LoopRow, decides bool) []api.Block {
	text, change := "Improvements go on by themselves, as far as the policy lets them.", button(pauseAction, "pause", "Pause them…")
	if loop.Paused {
		text = fmt.Sprintf(":double_vertical_bar: *Improvements are paused* by %s: %s", person(clip(oneLine(loop.By), 80)), inert(clip(oneLine(loop.Reason), 600)))
		change = button(resumeAction, "resume", "Let them go on")
	}
	if !decides {
		return []api.Block{section(text)}
	}
	return []api.Block{api.NewSectionBlock(marked(text), nil, api.NewAccessory(change))}
}

// pauseView is the modal in which to say why improvements are to pause.
func pauseView(metadata string) api.ModalViewRequest {
	input := api.NewPlainTextInputBlockElement(words("The prices change tonight"), "text")
	input.MaxLength = 600
	return askView(pauseModal, "Pause improvements", metadata, "",
		small("Nothing is tried, promoted, taken back or made by itself until somebody lets it go on. Agents go on answering."),
		api.NewInputBlock("text", words("Why?"), nil, input))
}

// askPause opens that modal.
func (d *Door) askPause(ctx context.Context, r Request) (*Reply, error) {
	return nil, d.open(ctx, r, origin{}, pauseView)
}

// turn pauses the loop of improvements, or lets it go on.
func (d *Door) turn(ctx context.Context, r Request, id uuid.UUID, w Switch) (done, error) {
	if allowed, err := d.groups.may(ctx, r.User, d.Approvers); err != nil || !allowed {
		return notApprover(), err
	}
	meta, by := d.meta(r, id, 0, ""), "user:"+r.person()
	var c commands.Command = commands.ResumeLoop{Meta: meta, By: by, Reason: sound(w.Reason)}
	says := "Improvements go on: what was decided meanwhile is carried out."
	if w.Pause {
		c = commands.PauseLoop{Meta: meta, By: by, Reason: sound(w.Reason)}
		says = "Improvements are paused: all runs get their agents as they are. “resume improvements” lets them go on."
	}
	receipt, err := d.Dispatch(ctx, c)
	if err == nil && receipt.Events == 0 && !receipt.Repeated {
		says = map[bool]string{true: "They are paused already.", false: "They go on already."}[w.Pause]
	}
	return done{outcome: events.SlackRecorded, repeated: receipt.Repeated, reply: &Reply{Text: says}}, err
}

// notApprover refuses who may not decide.
func notApprover() done {
	return refusal("You are not among those who may decide here. `slack.approvers` in the configuration names them.")
}
