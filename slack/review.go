package slack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// maxReviewed is how many characters of an answer reviewers are shown.
const maxReviewed = 8000

// reviewedBlocks put a run before reviewers: what was asked and answered, and nothing of who did it or what others say. Once it is
// closed they show who said what.
func reviewedBlocks(row projections.ReviewRow, prompt, answer string) (text string, blocks []api.Block) {
	text = "Is this answer right?"
	blocks = []api.Block{
		section("*" + text + "*\n>" + strings.ReplaceAll(inert(clip(prompt, 1500)), "\n", "\n>")), api.NewMarkdownBlock("", harmless(clip(answer, maxReviewed))),
	}
	if row.Status != projections.ReviewClosed {
		waits := fmt.Sprintf("%d of %d have judged. What each says is shown once all have.", len(row.Judgements), row.Reviewers)
		return text, append(blocks, reviewButtons(row.Run), small(waits))
	}
	var lines []string
	for _, j := range row.Judgements {
		line := "• " + person(j.User) + ": *" + string(j.Judgement) + "*"
		if j.Reason != "" {
			line += ", " + inert(clip(oneLine(j.Reason), 200))
		}
		lines = append(lines, line)
	}
	said := map[events.Outcome]string{events.Succeeded: ":white_check_mark: It is right", events.Failed: ":x: It is wrong", "": ":heavy_minus_sign: It is left open"}[row.Verdict]
	said += fmt.Sprintf(": %d say right, %d wrong, %d are unsure.", row.Count(events.JudgedRight), row.Count(events.JudgedWrong), row.Count(events.Unsure))
	if row.Agreement >= 0 {
		said += fmt.Sprintf(" Pairs of reviewers who agree: %d %%.", (row.Agreement+5)/10)
	}
	if row.ClosedFor != "" {
		lines = append(lines, "Closed: "+inert(clip(oneLine(row.ClosedFor), 200))+".")
	}
	blocks = append(blocks, section(said))
	if len(lines) > 0 {
		blocks = append(blocks, section(strings.Join(lines, "\n")))
	}
	of := "experiment `" + inert(row.Experiment) + "`, " + inert(row.Arm)
	if row.Improvement != "" {
		of = "proposal `" + inert(row.Improvement) + "`"
	}
	return text, append(blocks, small("It counts as a verdict on the run `"+inert(row.Run)+"`  ·  "+of))
}

func reviewButtons(run string) api.Block {
	tap := func(j events.Judgement, text string) *api.ButtonBlockElement {
		return button(reviewAction+string(j), run, text)
	}
	return api.NewActionBlock("", tap(events.JudgedRight, "Right").WithStyle(api.StylePrimary), tap(events.JudgedWrong, "Wrong…").WithStyle(api.StyleDanger), tap(events.Unsure, "Unsure…"))
}

// reviewView is the modal in which a reviewer says why.
func reviewView(metadata string, j events.Judgement) api.ModalViewRequest {
	label, example := "What is wrong about it?", "The key is rotated every 90 days, not every year"
	if j == events.Unsure {
		label, example = "What would you have to know?", "How old the keys may be"
	}
	input := api.NewPlainTextInputBlockElement(words(example), "text")
	input.Multiline, input.MaxLength = true, 2000
	reason := api.NewInputBlock("text", words(label), nil, input)
	reason.Optional = true
	return askView(reviewModal, "Review", metadata, "", reason)
}

// reviewWish is what was filled in of it.
func reviewWish(p interactionPayload) (Wish, origin, error) {
	from, in, err := inputsOf(p)
	return Review{Run: from.Run, Judgement: from.Judgement, Reason: strings.TrimSpace(in["text"]["text"].Value)}, from, err
}

// askReview opens that modal.
func (d *Door) askReview(ctx context.Context, r Request, w AskReview) (*Reply, error) {
	return nil, d.open(ctx, r, origin{Run: w.Run, Judgement: w.Judgement}, func(metadata string) api.ModalViewRequest { return reviewView(metadata, w.Judgement) })
}

// reviewOf is the review of a run.
func (d *Door) reviewOf(ctx context.Context, workspace, run string) (row projections.ReviewRow, known bool, err error) {
	rows, err := d.Reader.In(workspace).Reviews(ctx, "")
	return firstOf(rows, err, func(row projections.ReviewRow) bool { return row.Run == run })
}

// Review puts a run before reviewers, or shows how far they are.
func (d *Door) Review(ctx context.Context, w managers.SlackReview) error {
	if err := d.Reach(ctx); err != nil {
		return err
	}
	row, known, err := d.reviewOf(ctx, w.Workspace, w.Run)
	if err != nil {
		return err
	}
	c := card{channel: d.Reviews}
	if !known {
		c.late = "nobody knows it any more"
		return d.show(ctx, w.SlackCard, c)
	}
	run, _, err := d.Reader.In(w.Workspace).Run(ctx, w.Run)
	if err == nil {
		err = d.Texts(ctx, &run)
	}
	if err != nil {
		return err
	}
	if row.Status == projections.ReviewClosed || d.Now().Sub(w.Since) > 3*24*time.Hour {
		c.late = "it is over"
	}
	c.text, c.blocks = reviewedBlocks(row, run.Prompt, run.Answer)
	return d.show(ctx, w.SlackCard, c)
}

// ReviewGaveUp ends what could not be shown.
func (d *Door) ReviewGaveUp(ctx context.Context, w managers.SlackReview, reason string) error {
	return d.notShown(ctx, w.SlackCard, reason)
}

// judgeReview records what a reviewer says.
func (d *Door) judgeReview(ctx context.Context, r Request, id uuid.UUID, w Review) (done, error) {
	if err := d.reach(ctx); err != nil {
		return done{}, err
	}
	row, known, err := d.reviewOf(ctx, d.Workspace, w.Run)
	switch {
	case err != nil:
		return done{}, err
	case !known:
		return refusal("I know no such review any more."), nil
	case row.Status == projections.ReviewClosed:
		return refusal("This review is over: its message tells what came of it."), nil
	}
	run, _, err := d.Reader.Run(ctx, w.Run)
	if err != nil {
		return done{}, err
	}
	if run.Requester == r.person() {
		return refusal("You asked this yourself: somebody else has to judge it here. The buttons under its answer are yours."), nil
	}
	receipt, err := d.Dispatch(ctx, commands.JudgeReview{
		Meta: d.meta(r, id, 0, w.Run), Run: w.Run, User: r.person(), Judgement: w.Judgement, Reason: sound(clip(w.Reason, 2000)),
	})
	return done{
		outcome: events.SlackRecorded, run: w.Run, repeated: receipt.Repeated,
		reply: &Reply{Text: fmt.Sprintf("Noted: %s. Another tap changes it, until all have judged.", w.Judgement)},
	}, err
}
