package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/web"
)

// hookServer is the listener for what is signed by who sends it. Without one nothing is listened to.
type hookServer struct {
	listener net.Listener
	handler  http.Handler
}

// hooks listens where it is told to: for deliveries of triggers, and for Slack where that calls.
func (a *app) hooks(at string, fromSlack *slackServer, log *slog.Logger) (hookServer, error) {
	if at == "" {
		return hookServer{}, nil
	}
	listener, err := a.world.Listen("tcp", at)
	if err != nil {
		return hookServer{}, fmt.Errorf("listen for what others send: %w (--hooks takes another address)", err)
	}
	fires := orchestrator.Triggers{Start: a.runs().Start, Dispatch: a.dispatcher().Dispatch, Clock: a.clock}
	workspace := a.flags.Workspace
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/", web.Hooks(web.HooksConfig{
		Workspace: workspace, Secret: os.Getenv, Refused: refused, Log: log,
		Trigger: func(ctx context.Context, name string) (events.TriggerSet, error) {
			t, err := a.dispatcher().Trigger(ctx, workspace, name)
			return t.TriggerSet, err
		},
		Fire: func(ctx context.Context, set events.TriggerSet, id, prompt string) (commands.Receipt, error) {
			return fires.Fire(ctx, workspace, set, id, prompt)
		},
	}))
	if fromSlack != nil && fromSlack.called {
		mux.Handle("/", fromSlack.door)
	}
	return hookServer{listener, mux}, nil
}

// serve answers until ctx is done.
func (h hookServer) serve(ctx context.Context, start func(func() error)) {
	if h.listener == nil {
		return
	}
	server := web.Server(h.handler)
	start(func() error {
		if err := server.Serve(h.listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	start(func() error {
		<-ctx.Done()
		closing, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		return server.Shutdown(closing)
	})
}
