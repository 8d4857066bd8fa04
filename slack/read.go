package slack

import (
	"context"
	"slices"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// reading is how a request is answered that changes nothing, nil for one that does. It is answered after it was acknowledged.
func (d *Door) reading(r Request) func(context.Context) done {
	var read func(context.Context, Request) (*Reply, error)
	switch w := r.Wish.(type) {
	case ShowMetrics:
		read = func(ctx context.Context, _ Request) (*Reply, error) {
			figures, err := answers.Metrics(ctx, d.Reader, d.Now(), answers.Span(w.Of))
			if err != nil {
				return nil, err
			}
			return metricsReply(figures), nil
		}
	case Know:
		read = func(ctx context.Context, _ Request) (*Reply, error) {
			said, err := answers.Answer(ctx, d.Reader, w.Question)
			if err != nil {
				return nil, err
			}
			return saidReply(said), nil
		}
	case Help:
		read = func(context.Context, Request) (*Reply, error) { return helpReply(), nil }
	case ShowHome:
		read = d.home
	case AskBetter:
		read = func(ctx context.Context, r Request) (*Reply, error) { return d.askRun(ctx, r, w.Run, betterView) }
	case AskWrong:
		read = func(ctx context.Context, r Request) (*Reply, error) { return d.askRun(ctx, r, w.Run, wrongView) }
	case AskSlots:
		read = func(ctx context.Context, r Request) (*Reply, error) { return d.askSlots(ctx, r, w) }
	case AskWorkflow:
		read = d.askWorkflow
	case AskReview:
		read = func(ctx context.Context, r Request) (*Reply, error) { return d.askReview(ctx, r, w) }
	case AskPause:
		read = d.askPause
	case AskRaise:
		read = func(ctx context.Context, r Request) (*Reply, error) { return d.askRaise(ctx, r, w) }
	case Spent:
		read = func(ctx context.Context, _ Request) (*Reply, error) { return d.spentReply(ctx, w) }
	case Word, Ask, Goal, Launch, Pick, Review, Switch, Raise, Steer, Better, Judge, Assess, SaveWorkflow, Stop, Decide, Permit, Conclude, Refuse, Nothing:
		return nil
	}
	return func(ctx context.Context) done {
		reply, err := read(ctx, r)
		if err != nil {
			d.Log.Error("a question from Slack could not be answered", "wish", r.Wish.wish(), "error", err)
			return done{outcome: events.SlackFailed, reason: reasonOf(err), reply: &Reply{Text: "That did not work just now. Please try again in a moment."}}
		}
		if reply != nil {
			reply.Open = r.Type == "mention" || r.Type == "message"
		}
		return done{outcome: events.SlackAnswered, reply: reply}
	}
}

// helpReply tells what there is.
func helpReply() *Reply {
	return &Reply{Text: "Mention me, write to me directly, or use /ask, /better, /save-workflow and /metrics.", Blocks: []api.Block{
		header("What I can do"),
		section("*Ask.* Mention me in a channel, write to me directly, or `/ask TEXT`. I answer in the thread; what is said next there goes on with it. _stop_ stops me."),
		section("*Go for something larger.* _goal: find out why checkouts fail, then write it down_: I make a plan, show each task as it goes, and ask in the thread what I need to know."),
		section("*Say how it was.* The buttons under an answer, or `/better TEXT`: a wish (`/better shorter, with links`), or the answer itself (`/better answer: 42`)."),
		section("*Keep what worked.* `/save-workflow NAME` keeps the steps of the last run here as a workflow; _run NAME_ does them again and asks for what it leaves open. My Home and the shortcut “Run a workflow” have them too."),
		section("*Hold me up.* _pause improvements: the prices change tonight_, and _resume improvements_, by those who may decide."),
		section("*Ask about me.* _What patterns did you find yesterday? How can you improve yourself today? What did you learn from recent interactions? Why did you change the deploy agent?_ I answer from the record, with what it rests on."),
		section("*See how it goes.* `/metrics`, `/metrics today`, `week`, `agent` or `workflow`."),
		small("Slash commands don't work in threads: mention me there with the same words, such as “metrics today” or “better: shorter”."),
	}}
}

// The bounds of what the home shows.
const (
	homeRuns      = 8
	homeProposals = 5
	homeRunbooks  = 10
	// homeBlocks leaves room for the rest of the 100 blocks that Slack shows.
	homeBlocks = 75
)

// home publishes the App Home of who opened it.
func (d *Door) home(ctx context.Context, r Request) (*Reply, error) {
	figures, err := answers.Metrics(ctx, d.Reader, d.Now(), answers.Today)
	if err != nil {
		return nil, err
	}
	var mine []projections.RunRow
	for row, err := range d.Reader.Runs(ctx, projections.RunFilter{Workflow: d.Workflow, Limit: maxLookedAt}) {
		if err != nil {
			return nil, err
		}
		if row.Requester == r.person() {
			if mine = append(mine, row); len(mine) == homeRuns {
				break
			}
		}
	}
	runbooks, err := d.Reader.Runbooks(ctx)
	if err != nil {
		return nil, err
	}
	shown, err := d.calls(ctx, r)
	if err != nil {
		return nil, err
	}
	loop, err := d.Reader.Loop(ctx)
	if err != nil {
		return nil, err
	}
	decides := d.groups.surely(ctx, r.User, d.Approvers)
	waiting, err := d.Reader.Improvements(ctx, projections.Proposed)
	if err != nil {
		return nil, err
	}
	for _, row := range slices.SortedFunc(slices.Values(waiting), projections.ByWorth) {
		now, err := d.agentOf(ctx, row)
		if err != nil {
			return nil, err
		}
		shown = append(shown, proposalBlocks(row, now))
	}
	review, err := answers.NewReview(ctx, d.Reader, answers.Daily, d.Now(), d.Targets)
	if err != nil {
		return nil, err
	}
	question, _ := answers.Understand("What did you learn from recent interactions?", d.Now())
	learned, err := answers.Answer(ctx, d.Reader, question)
	if err != nil {
		return nil, err
	}
	view := homeView(figures, review.Checks, learned, mine, runbooks, shown, loopBlocks(loop, decides))
	err = d.limits.call(ctx, "views.publish", "", func(ctx context.Context) error {
		_, err := d.API.PublishViewContext(ctx, api.PublishViewContextRequest{UserID: r.User, View: view})
		return err
	})
	return nil, err
}

// calls are those that wait for a person, where who opened the Home may let them be made.
func (d *Door) calls(ctx context.Context, r Request) (shown [][]api.Block, err error) {
	if !d.groups.surely(ctx, r.User, d.deciders()) {
		return nil, nil
	}
	asked, err := d.Reader.Approvals(ctx, projections.ApprovalAsked)
	for _, row := range asked {
		shown = append(shown, approvalBlocks(row, ""))
	}
	return shown, err
}
