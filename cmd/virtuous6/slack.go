package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/analysts/runbook"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/slack"
)

// slackConfig is what people may do in Slack. The tokens are in the environment only.
type slackConfig struct {
	// Approvers are the people (U...) and user groups (S...) who may decide on proposals. Default nobody.
	Approvers []string `yaml:"approvers"`
	// ToolApprovers are those who may let calls of tools be made. Default the approvers.
	ToolApprovers []string `yaml:"tool_approvers"`
	// Teams are the workspaces of teams in Slack, by the ids of those (T...). All others have the server's.
	Teams map[string]string `yaml:"teams"`
	// Proposals is the channel (C...) for what waits for a decision and belongs to no thread. Default nowhere: it waits in the
	// app's Home.
	Proposals string `yaml:"proposals"`
	// Alerts is the channel for what goes wrong: budgets that reach a mark, agents that do worse. Default that of Proposals.
	Alerts string `yaml:"alerts"`
	// Reviews is the channel for runs that people are to judge, Reviewers how many each. Default nowhere, and 2.
	Reviews   string `yaml:"reviews"`
	Reviewers int    `yaml:"reviewers"`
	// Digests is the channel for what a day and a week came to, and for milestones. Default nowhere.
	Digests string `yaml:"digests"`
	// DigestAt is the time of the day, such as "07:30", at which a digest is posted, in TimeZone. Default 07:00 UTC.
	DigestAt string `yaml:"digest_at"`
	TimeZone string `yaml:"time_zone"`
}

// morning is when of a day a digest is posted.
func (c slackConfig) morning() (m managers.Morning, err error) {
	if c.DigestAt != "" {
		at, err := time.Parse("15:04", c.DigestAt)
		if err != nil {
			return m, errors.New("digest_at should be a time of the day, such as 07:30")
		}
		if m.At = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute; m.At == 0 {
			m.At = 24 * time.Hour
		}
	}
	if c.TimeZone != "" {
		if m.Zone, err = time.LoadLocation(c.TimeZone); err != nil {
			return m, fmt.Errorf("time_zone should be a zone, such as Europe/Berlin: %w", err)
		}
	}
	return m, nil
}

// slackTokens are what Slack knows this app by.
type slackTokens struct {
	bot, app, secret string
	// url is that of Slack's Web API, empty for Slack itself.
	url string
	// config reads how the app is configured in Slack. Only the check needs it.
	config string
}

func slackEnvironment() slackTokens {
	return slackTokens{
		bot: os.Getenv("SLACK_BOT_TOKEN"), app: os.Getenv("SLACK_APP_TOKEN"), secret: os.Getenv("SLACK_SIGNING_SECRET"), url: os.Getenv("SLACK_API_URL"),
		config: os.Getenv("SLACK_CONFIG_TOKEN"),
	}
}

// client calls Slack with one of the tokens.
func (t slackTokens) client() *api.Client {
	options := []api.Option{api.OptionHTTPClient(&http.Client{Timeout: 30 * time.Second}), api.OptionAppLevelToken(t.app)}
	if t.url != "" {
		options = append(options, api.OptionAPIURL(t.url+map[bool]string{true: "", false: "/"}[t.url[len(t.url)-1] == '/']))
	}
	return api.New(t.bot, options...)
}

// slackServer is the door to Slack as a part of `serve`.
type slackServer struct {
	door   *slack.Door
	tokens slackTokens
	// called tells that Slack may call it by HTTP.
	called bool
	log    *slog.Logger
}

// slackDoor opens the door to Slack where the environment has its tokens. Without them there is none.
func (a *app) slackDoor(hooks string, log *slog.Logger) (*slackServer, error) {
	t := slackEnvironment()
	switch {
	case t.bot == "" && t.app == "" && t.secret == "":
		return nil, nil
	case t.bot == "":
		return nil, errors.New("SLACK_BOT_TOKEN is not set: docs/slack.md tells how to get it")
	case t.app == "" && t.secret == "":
		return nil, errors.New("set SLACK_APP_TOKEN (Slack is listened to by a socket), or SLACK_SIGNING_SECRET and --hooks (Slack calls this server): docs/slack.md")
	case t.app == "" && hooks == "":
		return nil, errors.New("SLACK_SIGNING_SECRET is set and --hooks is not: give the address at which Slack reaches this server, or set SLACK_APP_TOKEN")
	}
	runs := a.runs()
	s := &slackServer{tokens: t, log: log, door: slack.New(slack.Config{
		API: t.client(), SigningSecret: t.secret, Workspace: a.flags.Workspace, Teams: a.config.Slack.Teams, Reader: a.own(), Threads: a.models.SlackThread, Dispatch: orchestrator.Judge(a.models, runs.Dispatch), Start: runs.Start,
		Reach: func(ctx context.Context) error {
			head, err := a.store.Head(ctx)
			if err != nil {
				return err
			}
			return replay.Reach(ctx, a.models, head)
		},
		Cancel: func(ctx context.Context, c commands.CancelRun) error {
			_, err := runs.Cancel(ctx, c)
			return err
		},
		Texts: func(ctx context.Context, run *projections.RunRow) error { return replay.Texts(ctx, a.store, run) },
		Runbook: func(name string, run projections.RunRow, steps []projections.StepRow) events.RunbookSaved {
			return runbook.FromRun(name, run, steps, nil).Saved()
		},
		Approve: func(ctx context.Context, c commands.ApproveImprovement) (made, repeated bool, err error) {
			m, err := a.improvements().Approve(ctx, c)
			return m.Done, m.Repeated, err
		},
		AnswerApproval: runs.Answer, Promote: a.dispatcher().Promote, Digests: a.config.Slack.Digests, Alerts: a.config.Slack.Alerts, Reviews: a.config.Slack.Reviews, Targets: a.config.Targets.targets(), Refused: refused, Approvers: a.config.Slack.Approvers, ToolApprovers: a.config.Slack.ToolApprovers, Proposals: a.config.Slack.Proposals, Now: a.clock, Log: log,
	})}
	if role, there := a.config.Roles[phrasing].of(orchestrator.Phrasing()); there {
		s.door.Phrase = func(ctx context.Context, c commands.StartRun) (commands.Receipt, error) {
			return runs.Phrase(ctx, role, c)
		}
		s.door.Phrasing = a.phrasing
	}
	s.called = hooks != "" && t.secret != ""
	return s, nil
}

// handlers do the work of posting, from now on.
func (s *slackServer) handlers() []orchestrator.Handler {
	if s == nil {
		return nil
	}
	s.door.Drives()
	all := []orchestrator.Handler{
		orchestrator.Handle(s.door.Follow, s.door.FollowGaveUp), orchestrator.Handle(s.door.Answer, s.door.AnswerGaveUp),
		orchestrator.Handle(s.door.Permit, s.door.PermitGaveUp), orchestrator.Handle(s.door.Pursue, s.door.PursueGaveUp),
		orchestrator.Handle(s.door.Wait, s.door.WaitGaveUp),
	}
	if s.door.Digests != "" {
		all = append(all, orchestrator.Handle(s.door.Digest, s.door.DigestGaveUp), orchestrator.Handle(s.door.Milestone, s.door.MilestoneGaveUp))
	}
	if s.door.Reviews != "" {
		all = append(all, orchestrator.Handle(s.door.Review, s.door.ReviewGaveUp))
	}
	if s.door.Alerts != "" || s.door.Proposals != "" {
		all = append(all, orchestrator.Handle(s.door.Alert, s.door.AlertGaveUp))
	}
	if s.door.Proposals != "" {
		all = append(all, orchestrator.Handle(s.door.Propose, s.door.ProposeGaveUp), orchestrator.Handle(s.door.Conclude, s.door.ConcludeGaveUp),
			orchestrator.Handle(s.door.Exhausted, s.door.ExhaustedGaveUp))
	}
	return all
}

// onText is who hears the answers as they come.
func (s *slackServer) onText() func(run, text string) {
	if s == nil {
		return nil
	}
	return s.door.OnText
}

// serve takes what Slack sends until ctx is done.
func (s *slackServer) serve(ctx context.Context, start func(func() error)) {
	if s == nil {
		return
	}
	start(func() error { return s.door.Run(ctx) })
	if s.tokens.app != "" {
		start(func() error { return s.door.Listen(ctx, s.tokens.client()) })
	}
}

// says tells by which ways Slack comes in.
func (s *slackServer) says(hooks net.Listener) string {
	switch {
	case !s.called:
		return "Slack is listened to by a socket."
	case s.tokens.app == "":
		return fmt.Sprintf("Slack may call http://%s/.", hooks.Addr())
	}
	return fmt.Sprintf("Slack is listened to by a socket, and may call http://%s/.", hooks.Addr())
}

type slackVerb struct {
	Manifest slackManifestVerb `cmd:"" help:"Print the manifest that makes the app in Slack."`
	Check    slackCheckVerb    `cmd:"" help:"Tell what is missing: tokens, scopes, subscriptions, the socket or the URL, channels."`
}

type slackManifestVerb struct {
	Name string `help:"The app's name." default:"Virtuous6"`
	URL  string `name:"url" help:"Where Slack reaches --hooks, such as https://v6.example.com/. Default: Slack is listened to by a socket." placeholder:"URL"`
}

// Help tells what to do with it.
func (slackManifestVerb) Help() string {
	return "Make an app at https://api.slack.com/apps from this manifest, install it, and put its tokens into the environment: docs/slack.md " +
		"tells it step by step.\n\nExamples:\n  virtuous6 slack manifest\n  virtuous6 slack manifest --url https://v6.example.com/"
}

// Run prints the manifest.
func (v slackManifestVerb) Run(a *app) error { return a.json(slack.Manifest(v.Name, v.URL)) }

type slackCheckVerb struct {
	URL  string `name:"url" help:"Where Slack is to reach --hooks: it is asked what Slack asks it." placeholder:"URL"`
	JSON bool   `name:"json" help:"Print one JSON value."`
}

// Help tells what is looked at.
func (slackCheckVerb) Help() string {
	return "Asks Slack who the tokens are, which scopes the app has, and whether it may read the channels and groups of the configuration. With --url that address " +
		"is asked what Slack asks it, signed with SLACK_SIGNING_SECRET. With SLACK_CONFIG_TOKEN the app's subscriptions, commands and addresses are compared with the manifest. " +
		"Exits 1 where something is missing.\n\nExamples:\n  virtuous6 slack check\n  virtuous6 slack check --url https://v6.example.com/"
}

// Run checks.
func (v slackCheckVerb) Run(ctx context.Context, a *app) error {
	t, c := slackEnvironment(), a.config.Slack
	var findings []slack.Finding
	if t.bot == "" {
		findings = []slack.Finding{{What: "bot token", Says: "SLACK_BOT_TOKEN is not set: install the app, and take the token (xoxb-...) from OAuth & Permissions"}}
	} else {
		var groups []string
		for _, who := range append(slices.Clone(c.Approvers), c.ToolApprovers...) {
			if strings.HasPrefix(who, "S") && !slices.Contains(groups, who) {
				groups = append(groups, who)
			}
		}
		findings = slack.Check(ctx, t.client(), slack.Setup{
			Socket: t.app != "", Secret: t.secret, URL: v.URL, Config: t.config, Groups: groups, Now: a.clock,
			Channels: map[string]string{"proposals": c.Proposals, "alerts": c.Alerts, "reviews": c.Reviews, "digests": c.Digests},
		})
	}
	missing := false
	for _, f := range findings {
		missing = missing || !f.OK && !f.Unseen
	}
	if v.JSON {
		if err := a.json(findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			mark := map[bool]string{true: "ok", false: "MISSING"}[f.OK]
			if f.Unseen {
				mark = "unseen"
			}
			fmt.Fprintf(a.out, "%-8s %s: %s\n", mark, f.What, f.Says)
		}
	}
	if missing {
		return errSaid
	}
	return nil
}
