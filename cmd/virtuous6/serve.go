package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/sync/errgroup"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/mcp"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/web"
)

type serveVerb struct {
	Listen       string         `help:"Where to answer HTTP. Default 127.0.0.1:8686." placeholder:"HOST:PORT"`
	Insecure     bool           `help:"Ask nobody for a token, wherever it listens."`
	Hooks        string         `help:"Where to take what Slack sends by HTTP, and deliveries for triggers. Default: nowhere." placeholder:"HOST:PORT"`
	AnalyzeEvery *time.Duration `help:"How often every analyst looks; 0s is never. Default: each at its own pace, see analysts: in the configuration." placeholder:"DURATION"`
	LogLevel     string         `help:"What is logged to standard error: debug, info, warn or error. Default: info; error with --quiet." placeholder:"LEVEL"`
	LogFormat    string         `help:"How: text or json. Default: text." placeholder:"FORMAT"`
	Lease        *time.Duration `help:"How long this server may be silent before another one takes over. Default 5s." placeholder:"DURATION"`
}

// Help tells what it serves.
func (serveVerb) Help() string {
	return "Drives live runs, keeps the read models up to date, runs the analysts on a schedule, and shows what runs at / and answers the read API under /api, " +
		"described at /openapi.json. Several may serve a store: all of them answer, one drives, " +
		"and another takes over within seconds where that one dies or hangs. Elsewhere than on the loopback interface each request has to bring " +
		"a token (`virtuous6 tokens`). --hooks is a listener of its own, for what is signed by who sends it, and serves nothing else. Stop it with Ctrl-C.\n\nExamples:\n  virtuous6 serve\n" +
		"  OPENAI_BASE_URL=http://localhost:11434/v1 virtuous6 serve --listen 127.0.0.1:9000"
}

// Run serves until it is told to stop.
func (v serveVerb) Run(ctx context.Context, a *app) error {
	if err := a.open(ctx); err != nil {
		return err
	}
	ttl, err := a.leaseTime(v.Lease)
	if err != nil {
		return err
	}
	runner, model, err := a.runner(ctx)
	if err != nil {
		return err
	}
	box, err := a.toolbox()
	if err != nil {
		return err
	}
	listener, err := a.world.Listen("tcp", cmp.Or(v.Listen, a.config.Listen, "127.0.0.1:8686"))
	if err != nil {
		return fmt.Errorf("listen: %w (--listen takes another address)", err)
	}
	log, err := a.logger(v.LogLevel, v.LogFormat)
	if err != nil {
		return err
	}
	if v.AnalyzeEvery != nil && *v.AnalyzeEvery < 0 {
		return usage("--analyze-every %s: give a duration, or 0s for never", *v.AnalyzeEvery)
	}
	if err := a.ready(ctx); err != nil {
		return err
	}
	if err := a.configuredTriggers(ctx); err != nil {
		return err
	}
	dispatch := orchestrator.Judge(a.models, a.dispatcher().Dispatch)
	fromSlack, err := a.slackDoor(cmp.Or(v.Hooks, a.config.Hooks), log)
	if err != nil {
		return err
	}
	hooks, err := a.hooks(cmp.Or(v.Hooks, a.config.Hooks), fromSlack, log)
	if err != nil {
		return err
	}
	login, err := a.login(ctx, listener.Addr(), v.Insecure)
	if err != nil {
		return err
	}
	lookback := replay.NewLookback(a.store, a.models, scratch, log)
	defer lookback.Close()
	server := web.Server(web.New(web.Config{
		Reader: a.own(), Head: a.store.Head, Dispatch: dispatch, Start: a.runs().Start, Cancel: a.runs().Cancel, Answer: a.runs().Answer, Improvements: a.improvements(), Refused: refused, Away: orchestrator.Away, Now: a.clock, NewID: a.ids,
		Past: a.past(lookback), Workspace: a.flags.Workspace,
		Texts:   func(ctx context.Context, run *projections.RunRow) error { return replay.Texts(ctx, a.store, run) },
		Caching: a.runs().Caching, Hosts: a.config.Hosts,
		MCP: mcp.Handler(func(r *http.Request) *sdk.Server {
			workspace := web.Workspace(r.Context(), a.flags.Workspace)
			return a.mcpServer(workspace, func(run string) commands.Meta {
				m := a.meta(run)
				m.Actor, m.Workspace = "door:mcp", workspace
				return m
			}, 20*time.Second)
		}),
		Token: a.caller, Login: login, Load: a.pool.Load,
		Version: version(), Log: log,
	}))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		standby := func(driver readmodel.Lease) {
			log.Info("standing by: this server takes over where the one that drives falls silent", "driver", driver.Holder, "epoch", driver.Epoch)
		}
		return a.drive(ctx, "serve", ttl, log, standby, func(ctx context.Context, lease *orchestrator.Lease) error {
			if err := replay.Sweep(ctx, a.models); err != nil {
				return err
			}
			if err := a.catchUp(ctx); err != nil {
				return err
			}
			c := a.driving(runner, model, box, lease)
			c.Analysts, c.Log, c.Handlers, c.OnText = a.config.scheduled(v.AnalyzeEvery), log, fromSlack.handlers(), fromSlack.onText()
			c.Roles = a.config.advising()
			if writer, there := a.config.Roles[events.Writer].of(orchestrator.Role{}); there {
				c.Writer, c.WriterEvery = writer, cmp.Or(a.config.Roles[events.Writer].Every, 6*time.Hour)
			}
			c.Reviewers = a.config.Slack.Reviewers
			if c.Digest, err = a.config.Slack.morning(); err != nil {
				return err
			}
			return orchestrator.New(c).Run(ctx)
		})
	})
	fromSlack.serve(ctx, group.Go)
	hooks.serve(ctx, group.Go)
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		closing, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		return server.Shutdown(closing)
	})
	asks := ""
	if login {
		asks = ", for those who bring a token"
	}
	fmt.Fprintf(a.out, "Serving on http://%s with %s%s.\n", listener.Addr(), model, asks)
	if model == events.ScriptedModel {
		fmt.Fprintln(a.out, "That is the built-in scripted model: set OPENAI_API_KEY or OPENAI_BASE_URL for a real one.")
	}
	if fromSlack != nil {
		fmt.Fprintln(a.out, fromSlack.says(hooks.listener))
	}
	if hooks.listener != nil {
		fmt.Fprintf(a.out, "Triggers take deliveries at http://%s/hooks/NAME.\n", hooks.listener.Addr())
	}
	return group.Wait()
}

// past gives the door the read models of a moment.
func (a *app) past(l *replay.Lookback) func(context.Context, string) (web.Past, error) {
	return func(ctx context.Context, asOf string) (web.Past, error) {
		moment, err := replay.ParseMoment(asOf)
		if err != nil {
			return web.Past{}, fmt.Errorf("as_of: %w", err)
		}
		reader, done, err := l.At(ctx, moment)
		if err != nil {
			return web.Past{}, err
		}
		return web.Past{Reader: reader.In(a.flags.Workspace), Of: moment.String(), Done: done}, nil
	}
}

// refused tells of an error that a request can't be met as it is.
func refused(err error) bool {
	return aggregates.Refused(err) || errors.Is(err, orchestrator.ErrNoAgent) || errors.Is(err, orchestrator.ErrNoApproval) || errors.Is(err, orchestrator.ErrUnmakeable) || errors.Is(err, replay.ErrMoment) || errors.Is(err, replay.ErrBeyond)
}

// logger writes what a server does to standard error.
func (a *app) logger(level, format string) (*slog.Logger, error) {
	at := a.level()
	if level = cmp.Or(level, a.config.LogLevel); level != "" {
		if err := at.UnmarshalText([]byte(level)); err != nil {
			return nil, usage("--log-level %q: it is debug, info, warn or error", level)
		}
	}
	options := &slog.HandlerOptions{Level: at}
	switch cmp.Or(format, a.config.LogFormat) {
	case "", "text":
		return slog.New(slog.NewTextHandler(a.err, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.err, options)), nil
	}
	return nil, usage("--log-format: it is text or json")
}

func (a *app) level() slog.Level {
	if a.flags.Quiet {
		return slog.LevelError
	}
	return slog.LevelInfo
}
