package slack

import (
	"cmp"
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

// The bounds of what a goal's message shows.
const (
	maxTasks  = 40
	maxResult = 8000
)

// goalBlocks is how far a goal has come: its plan with a card for each task, what it asks, what came of it. results are the
// answers of its last tasks.
func goalBlocks(row projections.GoalRow, results string, now time.Time) []api.Block {
	blocks := []api.Block{section(goalMark(row) + " " + inert(clip(oneLine(row.Prompt), 600)))}
	if len(row.Tasks) > 0 {
		var cards []*api.TaskCardBlock
		for _, t := range row.Tasks[:min(len(row.Tasks), maxTasks)] {
			cards = append(cards, taskCard(t))
		}
		blocks = append(blocks, api.NewPlanBlock(planTitle(row, now)).WithTasks(cards...))
	}
	if left := len(row.Tasks) - maxTasks; left > 0 {
		blocks = append(blocks, small(fmt.Sprintf("and %d more", left)))
	}
	for i, t := range row.Questions() {
		if i == 5 {
			break
		}
		blocks = append(blocks, section(":question: *"+strings.ReplaceAll(inert(clip(oneLine(t.Question), 600)), "*", "")+"*\nSay it here in the thread."))
	}
	if results != "" {
		blocks = append(blocks, api.NewMarkdownBlock("", harmless(clip(results, maxResult))))
	}
	if row.Reason != "" {
		blocks = append(blocks, section(">"+inert(clip(oneLine(row.Reason), 600))))
	}
	if row.Approval != "" {
		blocks = append(blocks, section(">"+inert(clip(oneLine(row.Approval), 600))+"\nSay “approve” here in the thread to have it done, or “stop”."))
	}
	parts := []string{strings.ReplaceAll(string(row.Status), "_", " "), row.Mark(dollars(row.CostNanos))}
	if row.LimitNanos > 0 {
		parts[1] += " of " + dollars(row.LimitNanos)
	}
	if !row.Whole() {
		parts = append(parts, row.Lacks())
	}
	if row.PlanSource != "" {
		parts = append(parts, "planned by a "+inert(string(row.PlanSource)))
	}
	if !row.Status.Ended() {
		parts = append(parts, "“pause”, “resume” and “stop” steer it; what else is said here all further tasks heed")
	}
	return append(blocks, small(strings.Join(append(parts, "goal `"+inert(row.Goal)+"`"), "  ·  ")))
}

func goalMark(row projections.GoalRow) string {
	switch row.Status {
	case projections.GoalSucceeded:
		return ":white_check_mark: *Reached:*"
	case projections.GoalFailed:
		return ":x: *Not reached:*"
	case projections.GoalCancelled:
		return ":no_entry_sign: *Given up:*"
	case projections.GoalPaused:
		return ":double_vertical_bar: *Paused:*"
	case projections.GoalCreated:
		if row.Reason != "" {
			return ":warning: *There is no plan for this:*"
		}
	case projections.GoalAwaits:
		return ":raised_hand: *Waits for your approval:*"
	case projections.GoalPlanning, projections.GoalPlanned, projections.GoalRunning:
	}
	return ":dart: *Goal:*"
}

func planTitle(row projections.GoalRow, now time.Time) string {
	p := row.Progress(now)
	title := fmt.Sprintf("%d of %d done", p.Done, len(row.Tasks))
	if p.Failed+p.Skipped > 0 {
		title += fmt.Sprintf(", %d failed or left out", p.Failed+p.Skipped)
	}
	if p.RemainingSeconds != nil && *p.RemainingSeconds >= 1 {
		title += ", about " + about(time.Duration(*p.RemainingSeconds*1e9)) + " left"
	}
	return title
}

// about is a time as nobody can tell it to the second.
func about(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}

// disarmed takes from a text what Slack could take for a mention or a link, where it does not say whether it looks for those.
var disarmed = strings.NewReplacer("<", "‹", ">", "›")

// taskCard is a task as a card of a plan.
func taskCard(t projections.GoalTaskRow) *api.TaskCardBlock {
	status := map[projections.GoalTaskStatus]api.TaskCardStatus{
		projections.TaskRunning: api.TaskCardStatusInProgress, projections.TaskShort: api.TaskCardStatusInProgress, projections.TaskDone: api.TaskCardStatusComplete, projections.TaskFailed: api.TaskCardStatusError,
		projections.TaskSkipped: api.TaskCardStatusError,
	}[t.Status]
	c := api.NewTaskCardBlock(clip(t.Task, 200), clip(disarmed.Replace(oneLine(cmp.Or(t.Title, t.Question, t.Task))), 200)).WithStatus(cmp.Or(status, api.TaskCardStatusPending))
	var says []string
	switch {
	case t.Question != "":
		says = append(says, "a question to you")
	case t.Agent != "":
		says = append(says, oneLine(t.Agent))
	}
	if t.Attempts > 1 {
		says = append(says, fmt.Sprintf("attempt %d", t.Attempts))
	}
	if t.Status == projections.TaskSkipped {
		says = append(says, "left out")
	}
	if t.Reason != "" {
		says = append(says, oneLine(t.Reason))
	}
	if len(says) > 0 {
		text := api.NewRichTextSectionTextElement(clip(disarmed.Replace(strings.Join(says, ": ")), 300), nil)
		c = c.WithDetails(api.NewRichTextBlock("", api.NewRichTextSection(text)))
	}
	return c
}

// Pursue shows how far a goal has come, in the thread that it was asked for in.
func (d *Door) Pursue(ctx context.Context, w managers.SlackGoal) error {
	if err := d.Reach(ctx); err != nil {
		return err
	}
	row, known, err := d.goalBy(ctx, w.Workspace, func(g projections.GoalRow) bool { return g.Goal == w.Goal() })
	if err != nil {
		return err
	}
	if !known {
		return d.shown(ctx, w.SlackCard, w.Channel, "", w.TS, "nobody knows it any more")
	}
	thread, err := events.ParseSlackThread(row.Conversation)
	if err != nil {
		return err
	}
	results, err := d.results(ctx, row)
	if err != nil {
		return err
	}
	status := "processing"
	switch {
	case row.Status.Ended() || row.Status == projections.GoalCreated:
		status = "active"
	case row.Status == projections.GoalPaused || row.Status == projections.GoalAwaits || len(row.Questions()) > 0:
		status = "suspended"
	}
	d.status(ctx, thread.Channel, cmp.Or(thread.TS, w.TS), status)
	c := card{
		channel: thread.Channel, thread: thread.TS, text: bare(goalMark(row) + " " + inert(clip(oneLine(row.Prompt), 300))), blocks: goalBlocks(row, results, d.Now()),
	}
	if thread.TS == "" {
		c.opens = row.Conversation // what was asked for outside of a thread gets one under its own message
	}
	return d.show(ctx, w.SlackCard, c)
}

// PursueGaveUp ends what could not be shown.
func (d *Door) PursueGaveUp(ctx context.Context, w managers.SlackGoal, reason string) error {
	return d.notShown(ctx, w.SlackCard, reason)
}

// results are the answers of the tasks that no other one builds on, once the goal is reached.
func (d *Door) results(ctx context.Context, row projections.GoalRow) (string, error) {
	if row.Status != projections.GoalSucceeded {
		return "", nil
	}
	needed := map[string]bool{}
	for _, t := range row.Tasks {
		for _, on := range t.DependsOn {
			needed[on] = true
		}
	}
	var all []string
	for _, t := range row.Tasks {
		if needed[t.Task] || t.Status != projections.TaskDone || t.Run == "" {
			continue
		}
		run, _, err := d.Reader.In(row.Workspace).Run(ctx, t.Run)
		if err == nil {
			err = d.Texts(ctx, &run)
		}
		if err != nil {
			return "", err
		}
		all = append(all, run.Answer)
	}
	return strings.Join(all, "\n\n---\n\n"), nil
}

// goalBy is the latest goal of a workspace for which something holds.
func (d *Door) goalBy(ctx context.Context, workspace string, holds func(projections.GoalRow) bool) (row projections.GoalRow, known bool, err error) {
	rows, err := d.Reader.In(workspace).Goals(ctx)
	return firstOf(rows, err, holds)
}

// goalIn is the goal that a conversation goes for at the moment.
func (d *Door) goalIn(ctx context.Context, conversation string) (row projections.GoalRow, known bool, err error) {
	holds := func(g projections.GoalRow) bool { return g.Conversation == conversation && !g.Status.Ended() }
	if row, known, err = d.goalBy(ctx, d.Workspace, holds); err != nil || !known {
		return row, known, err
	}
	// What it asks may have changed a moment ago.
	if err := d.reach(ctx); err != nil {
		return row, false, err
	}
	return d.goalBy(ctx, d.Workspace, holds)
}

// pursue makes a goal of what is wished, and has it gone for.
func (d *Door) pursue(ctx context.Context, r Request, id uuid.UUID, w Goal) (done, error) {
	if len(w.Text) > maxText {
		return refusal("That is longer than I read at once (%d KiB). Please shorten it.", maxText>>10), nil
	}
	return d.goFor(ctx, r, id, w.Text, nil)
}

// goFor makes a goal in the thread of a request, by a saved workflow where there is one, and starts it.
func (d *Door) goFor(ctx context.Context, r Request, id uuid.UUID, prompt string, by *Launch) (done, error) {
	conversation, known, err := d.conversation(ctx, r, id.String())
	if err != nil {
		return done{}, err
	}
	if known {
		if _, open, err := d.goalIn(ctx, conversation); err != nil || open {
			return refusal("This thread has a goal that is not over: “stop” gives it up, and in another thread there may be another one."), err
		}
	}
	receipt, err := d.Dispatch(ctx, commands.CreateGoal{
		Meta: d.meta(r, id, 0, ""), Goal: id.String(), Prompt: sound(prompt), Level: events.Operational, Requester: r.person(), Conversation: conversation,
	})
	if err == nil && by != nil {
		_, err = d.Dispatch(ctx, commands.AskPlan{Meta: d.meta(r, id, 2, ""), Goal: id.String(), By: "user:" + r.person(), Runbook: by.Runbook, Slots: by.Slots})
	}
	if err == nil {
		_, err = d.Dispatch(ctx, commands.StartGoal{Meta: d.meta(r, id, 1, ""), Goal: id.String(), By: "user:" + r.person()})
	}
	return done{outcome: events.SlackStarted, repeated: receipt.Repeated}, err
}

// steerHere steers the goal of a thread by a word.
func (d *Door) steerHere(ctx context.Context, r Request, id uuid.UUID, w Steer) (done, error) {
	conversation, _, err := d.conversation(ctx, r, "")
	if err != nil {
		return done{}, err
	}
	goal, open, err := d.goalIn(ctx, conversation)
	switch {
	case err != nil:
		return done{}, err
	case !open:
		return refusal("There is no goal in this thread: “goal: find out why checkouts fail, then write it down” begins one."), nil
	}
	return d.steer(ctx, r, id, goal, w.Word)
}

// steer carries out what is said in the thread of a goal: a word that steers it, the answer to its question, or what is to be heeded.
func (d *Door) steer(ctx context.Context, r Request, id uuid.UUID, row projections.GoalRow, text string) (done, error) {
	meta, by := d.meta(r, id, 0, ""), "user:"+r.person()
	var c commands.Command
	says := ""
	questions := row.Questions()
	switch word := strings.ToLower(strings.Trim(text, " .!")); {
	case word == "stop":
		c = commands.CancelGoal{Meta: meta, Goal: row.Goal, By: by, Reason: "stopped in Slack"}
	case word == "pause":
		c = commands.PauseGoal{Meta: meta, Goal: row.Goal, By: by, Reason: "paused in Slack"}
	case word == "approve" && row.Approval != "":
		c = commands.ApproveGoal{Meta: meta, Goal: row.Goal, By: by}
	case word == "resume":
		c = commands.ResumeGoal{Meta: meta, Goal: row.Goal, By: by}
	case len(questions) > 0:
		c = commands.AnswerTask{Meta: meta, Goal: row.Goal, Task: questions[0].Task, By: by, Answer: sound(text)}
		says = fmt.Sprintf("Taken as the answer to “%s”.", clip(oneLine(questions[0].Question), 200))
	default:
		c = commands.TellGoal{Meta: meta, Goal: row.Goal, By: by, Text: sound(text)}
		says = "All tasks of the goal that begin from now on heed that."
	}
	receipt, err := d.Dispatch(ctx, c)
	result := done{outcome: events.SlackRecorded, repeated: receipt.Repeated}
	if says != "" {
		result.reply = &Reply{Text: says}
	}
	return result, err
}
