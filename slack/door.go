package slack

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	api "github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Config wires the door. API, Reader, Reach, Threads, Texts, Dispatch, Start, Cancel and Runbook are needed; the rest works as its zero value.
type Config struct {
	// API calls Slack with the bot's token.
	API *api.Client
	// SigningSecret is what Slack signs its HTTP requests with. Without it none is taken.
	SigningSecret string
	// Reader reads the read models, Threads the threads in Slack by their key, Texts the whole of a run's texts. Reach waits
	// until the read models have all that is in the log now.
	Reader  projections.Reader
	Reach   func(ctx context.Context) error
	Threads func(ctx context.Context, workspace, key string) (projections.SlackThreadRow, error)
	Texts   func(ctx context.Context, run *projections.RunRow) error
	// Dispatch carries out commands, Start and Cancel those that begin and end a run.
	Dispatch commands.Dispatch
	Start    func(ctx context.Context, c commands.StartRun) (commands.Receipt, error)
	Cancel   func(ctx context.Context, c commands.CancelRun) error
	// Phrase starts a run in which a model finds words for what the record says, and Phrasing is what such a run was given. Default nil:
	// the record speaks for itself.
	Phrase   func(ctx context.Context, c commands.StartRun) (commands.Receipt, error)
	Phrasing func(ctx context.Context, workspace, run string) (events.Phrasing, error)
	// Approve notes an approval and makes the change where that can be done at once. Without it nothing can be approved here.
	Approve func(ctx context.Context, c commands.ApproveImprovement) (made, repeated bool, err error)
	// Promote gives all runs what an experiment has proved to be better. It is needed where Proposals is set.
	Promote func(ctx context.Context, c commands.PromoteExperiment) (commands.Receipt, error)
	// AnswerApproval decides on a call that an agent wants to make. Without it nobody can decide on one here.
	AnswerApproval func(ctx context.Context, meta commands.Meta, approval string, answer events.ApprovalAnswer, by, note string) (projections.ApprovalRow, error)
	// Runbook is what a run's steps are as a runbook.
	Runbook func(name string, run projections.RunRow, steps []projections.StepRow) events.RunbookSaved
	// Refused tells a refusal, which is told to who asked, from a failure. Default: every error is a failure.
	Refused func(err error) bool
	// Approvers are the people (U...) and groups (S...) in Slack who may decide on proposals. Default nobody.
	Approvers []string
	// ToolApprovers are those who may let calls of tools be made. Default the approvers.
	ToolApprovers []string
	// Proposals is the channel for what waits for a decision and belongs to no thread. Without it that waits in the Home only.
	Proposals string
	// Alerts is the channel for what goes wrong. Default Proposals.
	Alerts string
	// Reviews is the channel that runs are put into for people to judge. Default nowhere.
	Reviews string
	// Digests is the channel that what a day and a week came to is posted into, and each milestone. Default nowhere.
	Digests string
	// Targets are what is wanted of the figures.
	Targets answers.Targets
	// Workflow is that of a run that is asked for here. Default "slack".
	Workflow  string
	Workspace string
	// Teams are the workspaces of teams in Slack, by the ids of those (T...). All others have Workspace.
	Teams map[string]string
	// Now tells the time. Default time.Now.
	Now func() time.Time
	// Log hears what an operator should know. Default: discarded.
	Log *slog.Logger
	// AckWithin bounds what is done before a delivery is acknowledged. Default 2 s; Slack gives 3.
	AckWithin time.Duration
	// FlushEvery is how often a stream is added to at most. Default 700 ms.
	FlushEvery time.Duration
}

// Door is the door to Slack. Its handlers work once Run does.
type Door struct {
	Config
	taken   *replayed
	limits  *limits
	streams *streams
	sent    *sent
	groups  *members
	// takes is what is done before a delivery is acknowledged, work what is done after that.
	takes chan func()
	work  chan func(context.Context)
	*learned
}

// learned is what the door has found out about the app.
type learned struct {
	mu sync.Mutex
	// unable are the methods of Slack's that it may not use, so that each is told once.
	unable map[string]bool
	// bot is the bot that it is, once that was asked.
	bot string
	// since is when this process began to do the work that it does.
	since time.Time
}

// of is the door as it is for those of a team.
func (d *Door) of(team string) *Door {
	workspace, named := d.Teams[team]
	if !named {
		return d
	}
	theirs := *d
	theirs.Workspace, theirs.Reader = workspace, d.Reader.In(workspace)
	return &theirs
}

// The bounds of what is done at a time: of what is done before an acknowledgement, which may hang where the log does, and of what is done
// beside the acknowledgements.
const (
	takers  = 64
	workers = 16
	backlog = 1024
)

// New makes the door. It panics where a needed part of its wiring is missing.
func New(c Config) *Door {
	if c.API == nil || c.Reader == nil || c.Reach == nil || c.Threads == nil || c.Texts == nil || c.Dispatch == nil || c.Start == nil || c.Cancel == nil || c.Runbook == nil {
		panic("slack: a door needs an API, a Reader, Reach, Threads, Texts, Dispatch, Start, Cancel and Runbook")
	}
	if c.Refused == nil {
		c.Refused = func(error) bool { return false }
	}
	if c.Workflow == "" {
		c.Workflow = "slack"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.AckWithin <= 0 {
		c.AckWithin = 2 * time.Second
	}
	if c.FlushEvery <= 0 {
		c.FlushEvery = 700 * time.Millisecond
	}
	d := &Door{Config: c, taken: newReplayed(c.Now), limits: newLimits(c.Log), takes: make(chan func()), work: make(chan func(context.Context), backlog), learned: &learned{unable: map[string]bool{}, since: c.Now()}}
	d.streams, d.sent = newStreams(d), newSent()
	d.groups = newMembers(d)
	return d
}

// Drives tells that this process does the work of posting from now on, and another one may have done it until now.
func (d *Door) Drives() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.since = d.Now()
}

// own tells that nobody else can have posted of what began at a time, by whichever clock that was.
func (d *Door) own(began time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !began.Before(d.since.Add(time.Minute))
}

// Run does what deliveries want, and what is left to do once one was acknowledged, until ctx is done.
func (d *Door) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for range takers {
		group.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case f := <-d.takes:
					f()
				}
			}
		})
	}
	for range workers {
		group.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					d.finishWork(ctx)
					return nil
				case f := <-d.work:
					// What has begun is finished where that takes moments.
					working, stop := lasting(ctx)
					f(working)
					stop()
				}
			}
		})
	}
	group.Go(func() error { return d.streams.run(ctx) })
	return group.Wait()
}

// farewell bounds what is still done once the door is told to stop.
const farewell = 5 * time.Second

// lasting outlives ctx by farewell.
func lasting(ctx context.Context) (context.Context, func()) {
	outliving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var bound *time.Timer
	var mu sync.Mutex
	undo := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		bound = time.AfterFunc(farewell, cancel)
	})
	return outliving, func() {
		undo()
		mu.Lock()
		defer mu.Unlock()
		if bound != nil {
			bound.Stop()
		}
		cancel()
	}
}

// finishWork does what was taken before the end: deliveries that were acknowledged do not come again.
func (d *Door) finishWork(ctx context.Context) {
	working, stop := lasting(ctx)
	defer stop()
	for {
		select {
		case f := <-d.work:
			f(working)
		default:
			return
		}
	}
}

// later has something done beside the acknowledgement. It tells of a door that has too much to do.
func (d *Door) later(f func(context.Context)) bool {
	select {
	case d.work <- f:
		return true
	default:
		return false
	}
}

// able tells whether the app may use a method, as far as that is known.
func (d *Door) able(method string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.unable[method]
}

// learn remembers a method that the app may not use, and tells it once.
func (d *Door) learn(method string, err error) bool {
	var refused api.SlackErrorResponse
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Err {
	case "missing_scope", "unknown_method", "not_allowed_token_type", "feature_not_enabled", "method_deprecated", "access_denied":
	default:
		return false
	}
	d.without(method, "Slack does not let this app use a method: `virtuous6 slack check` tells what is missing", refused.Err)
	return true
}

// without remembers what the app may not use, and says so once.
func (d *Door) without(method, says, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.unable[method] {
		d.unable[method] = true
		d.Log.Warn(says, "method", method, "error", reason)
	}
}
