package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize/english"
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// maxText bounds what is taken of a person's words, in bytes.
const maxText = 64 << 10

// perform carries out a request that changes something. Doing it again is a repeat.
func (d *Door) perform(ctx context.Context, r Request, id uuid.UUID) (done, error) {
	switch w := r.Wish.(type) {
	case Ask:
		return d.ask(ctx, r, id, w)
	case Word:
		return d.word(ctx, r, id, w)
	case Goal:
		return d.pursue(ctx, r, id, w)
	case Launch:
		return d.launch(ctx, r, id, w)
	case Pick:
		return d.pick(ctx, r, id, w)
	case Switch:
		return d.turn(ctx, r, id, w)
	case Raise:
		return d.raise(ctx, r, id, w)
	case Review:
		return d.judgeReview(ctx, r, id, w)
	case Steer:
		return d.steerHere(ctx, r, id, w)
	case Better:
		return d.better(ctx, r, id, w)
	case Judge:
		return d.judge(ctx, r, id, w)
	case Assess:
		return d.assess(ctx, r, id, w)
	case SaveWorkflow:
		return d.save(ctx, r, id, w)
	case Stop:
		return d.stop(ctx, r, id)
	case Decide:
		return d.decide(ctx, r, id, w)
	case Conclude:
		return d.conclude(ctx, r, id, w)
	case Permit:
		return d.permit(ctx, r, id, w)
	case Refuse:
		return refusal("%s", w.Says), nil
	case AskBetter, AskReview, AskWrong, AskSlots, AskWorkflow, AskPause, AskRaise, Spent, Know, ShowMetrics, ShowHome, Help, Nothing:
	}
	return done{}, fmt.Errorf("slack: nobody performs %T", r.Wish)
}

// ask starts a run. Its conversation is the thread that it was asked in.
func (d *Door) ask(ctx context.Context, r Request, id uuid.UUID, w Ask) (done, error) {
	if len(w.Text) > maxText {
		return refusal("That is longer than I read at once (%d KiB). Please shorten it.", maxText>>10), nil
	}
	if !w.Overheard {
		if result, known, err := d.launched(ctx, r, id, w.Text); err != nil || known {
			return result, err
		}
	}
	run := id.String()
	conversation, known, err := d.conversation(ctx, r, run)
	if err != nil {
		return done{}, err
	}
	if w.Overheard && !known {
		return done{}, nil // people talk among themselves
	}
	if known {
		if goal, open, err := d.goalIn(ctx, conversation); err != nil {
			return done{}, err
		} else if open {
			return d.steer(ctx, r, id, goal, w.Text)
		}
	}
	start := commands.StartRun{
		Run: run, Workflow: d.Workflow, Prompt: sound(w.Text),
		Requester: r.person(), Conversation: conversation,
	}
	start.Meta = d.meta(r, id, 0, run)
	receipt, err := d.Start(ctx, start)
	return done{outcome: events.SlackStarted, run: run, repeated: receipt.Repeated}, err
}

// sound is what may be kept of a person's words.
func sound(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "�")
}

// conversation is the one that a thread belongs to. known tells that there were runs in it.
func (d *Door) conversation(ctx context.Context, r Request, run string) (name string, known bool, err error) {
	fresh := events.SlackThread{Team: r.Team, Channel: r.Channel, TS: r.Thread}
	switch {
	case r.Thread == "":
		fresh.Ask = run
		return fresh.Conversation(), false, nil
	case r.Thread == r.Message && (r.Type == "mention" || r.Type == "message"):
		return fresh.Conversation(), false, nil // it begins its thread
	}
	row, err := d.Threads(ctx, d.Workspace, projections.SlackThreadKey(r.Channel, r.Thread))
	if errors.Is(err, projections.ErrNotFound) {
		// It may have begun a moment ago.
		if err := d.reach(ctx); err != nil {
			return "", false, err
		}
		row, err = d.Threads(ctx, d.Workspace, projections.SlackThreadKey(r.Channel, r.Thread))
	}
	switch {
	case errors.Is(err, projections.ErrNotFound):
		return fresh.Conversation(), false, nil
	case err != nil:
		return "", false, err
	}
	return row.Conversation, true, nil
}

// reach waits until the read models have all that is in the log: nobody is told that there is nothing where there is.
func (d *Door) reach(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, d.AckWithin)
	defer stop()
	return d.Reach(ctx)
}

// errNoRun tells that there is nothing that a wish could be about.
var errNoRun = errors.New("there is no run here yet that this could be about")

// about is the run that a wish is about: the one that it names, the last one of its thread, or the last one that the person
// asked for in the channel.
func (d *Door) about(ctx context.Context, r Request, named string) (projections.RunRow, error) {
	if err := d.reach(ctx); err != nil {
		return projections.RunRow{}, err
	}
	if named != "" {
		row, _, err := projections.FindRun(ctx, d.Reader, named)
		if errors.Is(err, projections.ErrNotFound) {
			return row, fmt.Errorf("%w: I know no run %s", errNoRun, clip(named, 60))
		}
		if errors.Is(err, projections.ErrAmbiguous) {
			return row, fmt.Errorf("%w: %w", errNoRun, err)
		}
		return row, err
	}
	if r.Thread != "" {
		conversation, known, err := d.conversation(ctx, r, "")
		if err != nil {
			return projections.RunRow{}, err
		}
		if known {
			for row, err := range d.Reader.Runs(ctx, projections.RunFilter{Conversation: conversation, Limit: 1}) {
				return row, err
			}
		}
	}
	for row, err := range d.Reader.Runs(ctx, projections.RunFilter{Workflow: d.Workflow, Limit: maxLookedAt}) {
		if err != nil {
			return row, err
		}
		if row.Requester == r.person() {
			return row, nil
		}
	}
	return projections.RunRow{}, errNoRun
}

// maxLookedAt bounds how many runs are looked through for a person's last one.
const maxLookedAt = 1000

func (d *Door) better(ctx context.Context, r Request, id uuid.UUID, w Better) (done, error) {
	if w.Text == "" {
		return refusal("Say what would have been better."), nil
	}
	run, err := d.about(ctx, r, w.Run)
	if errors.Is(err, errNoRun) {
		return refusal("%s. Ask me something first, or name a run: `/better RUN shorter, with links`.", firstUpper(err.Error())), nil
	}
	if err != nil {
		return done{}, err
	}
	c := commands.GiveFeedback{Meta: d.meta(r, id, 0, run.Run), Feedback: id.String(), Run: run.Run, User: r.person(), Name: "better"}
	what := "as a wish"
	if w.Answer {
		c.Better, what = clip(w.Text, maxText), "as the better answer"
	} else {
		c.Wish = clip(w.Text, maxText)
	}
	receipt, err := d.Dispatch(ctx, c)
	return done{
		outcome: events.SlackRecorded, run: run.Run, repeated: receipt.Repeated,
		reply: &Reply{Text: fmt.Sprintf("Thank you. Kept %s on “%s”: it counts when I look for what to change.", what, clip(oneLine(run.Prompt), 80))},
	}, err
}

func (d *Door) judge(ctx context.Context, r Request, id uuid.UUID, w Judge) (done, error) {
	// A person judges a run once, and may change their mind: the id of the judgement is theirs and the tap's.
	score, label := 0.0, "bad"
	if w.Good {
		score, label = 1, "good"
	}
	receipt, err := d.Dispatch(ctx, commands.GiveFeedback{
		Meta: d.meta(r, id, 0, w.Run), Feedback: id.String(), Run: w.Run, User: r.person(), Name: events.Satisfaction, Score: &score, Label: label,
	})
	result := done{outcome: events.SlackRecorded, run: w.Run, repeated: receipt.Repeated}
	result.reply = &Reply{Text: "Noted: that was good. Thank you."}
	if !w.Good {
		result.reply = badReply(w.Run)
	}
	return result, err
}

func (d *Door) save(ctx context.Context, r Request, id uuid.UUID, w SaveWorkflow) (done, error) {
	run, err := d.about(ctx, r, w.Run)
	if errors.Is(err, errNoRun) {
		return refusal("%s. Ask me something first, or name a run: `/save-workflow NAME RUN`.", firstUpper(err.Error())), nil
	}
	if err != nil {
		return done{}, err
	}
	_, steps, err := d.Reader.Run(ctx, run.Run)
	if err != nil {
		return done{}, err
	}
	if len(steps) == 0 {
		return refusal("That run has no steps yet: try again once it has ended."), nil
	}
	before, taken, err := d.book(ctx, w.Name)
	if err != nil {
		return done{}, err
	}
	if taken { // whatever its letters' case, as it is run
		w.Name = before.Runbook
	}
	saved := d.Runbook(w.Name, run, steps)
	receipt, err := d.Dispatch(ctx, commands.SaveRunbook{
		Meta: d.meta(r, id, 0, run.Run), Runbook: saved.Runbook, Workflow: saved.Workflow, Run: saved.Run, Steps: saved.Steps, Notes: saved.Notes, Requester: saved.Requester,
	})
	says := fmt.Sprintf("Saved the %s of “%s” as workflow %s.", english.Plural(len(steps), "step", ""), clip(oneLine(run.Prompt), 80), w.Name)
	if taken && !receipt.Repeated {
		says += fmt.Sprintf(" There was one of that name: this is its version %d, and what is run from now on.", before.Version+1)
	}
	return done{outcome: events.SlackRecorded, run: run.Run, repeated: receipt.Repeated, reply: &Reply{Text: says}}, err
}

// stop cancels the runs under way in a thread.
func (d *Door) stop(ctx context.Context, r Request, id uuid.UUID) (done, error) {
	if err := d.reach(ctx); err != nil {
		return done{}, err
	}
	conversation, _, err := d.conversation(ctx, r, "")
	if err != nil {
		return done{}, err
	}
	last, n := "", 0
	for run, err := range d.Reader.Runs(ctx, projections.RunFilter{Conversation: conversation, Outcome: projections.Running}) {
		if err == nil {
			err = d.Cancel(ctx, commands.CancelRun{Meta: d.meta(r, id, n, run.Run), Run: run.Run, Reason: "stopped in Slack"})
		}
		if err != nil {
			return done{}, err
		}
		last, n = run.Run, n+1
	}
	if goal, open, err := d.goalIn(ctx, conversation); err != nil {
		return done{}, err
	} else if open {
		return d.steer(ctx, r, id, goal, "stop")
	}
	if n == 0 {
		return refusal("Nothing is under way here."), nil
	}
	return done{outcome: events.SlackRecorded, run: last}, nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func firstUpper(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[size:]
}
