package web

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// Config wires the door. Reader and Head are needed; the rest works as its zero value.
type Config struct {
	// Reader reads the read models of the Workspace.
	Reader projections.Reader
	// Past, if any, gives the Workspace's read models of a moment, as as_of names it. Errors that Refused knows are told to who asked.
	Past func(ctx context.Context, asOf string) (Past, error)
	// Texts, if any, gives a run's row the whole prompt and answer, of which Reader has the beginnings.
	Texts func(ctx context.Context, run *projections.RunRow) error
	// Caching, if any, tells of a run's calls to models what was read from the provider's cache.
	Caching func(ctx context.Context, run *projections.RunRow, steps []projections.StepRow) ([]answers.CacheUse, error)
	// Head is the position of the log's last fact: the store answers where it does.
	Head func(ctx context.Context) (uint64, error)
	// Dispatch carries out commands. Without it the door only reads.
	Dispatch commands.Dispatch
	// Start opens a live run. Default: Dispatch, whoever is asked.
	Start func(ctx context.Context, c commands.StartRun) (commands.Receipt, error)
	// Cancel stops a live run, and tells whether it had not ended. It goes with Dispatch.
	Cancel func(ctx context.Context, c commands.CancelRun) (bool, error)
	// Answer decides on a call of a tool that waits for a person. It goes with Dispatch.
	Answer func(ctx context.Context, meta commands.Meta, approval string, answer events.ApprovalAnswer, by, note string) (projections.ApprovalRow, error)
	// Improvements makes what is approved, and takes agents back. It goes with Dispatch.
	Improvements orchestrator.Improvements
	// Refused tells a refusal from a failure among the errors of Dispatch and Past. Default: every error is a failure.
	Refused func(err error) bool
	// Away tells of an error of Dispatch, Head or Texts that the store does not answer for now. Default: of none.
	Away func(err error) bool
	// Now tells the time that commands carry. Default time.Now.
	Now func() time.Time
	// NewID makes the ids of what comes without an Idempotency-Key. Default UUIDv7.
	NewID func() uuid.UUID
	// Token, if any, tells who a token lets in: nobody, with no error, where it is not known. Login demands one of each request.
	Token func(ctx context.Context, token string) (Caller, error)
	Login bool
	// Workspace is set on all commands. Default empty.
	Workspace string
	// Workflow is that of a run that names none. Default "ask".
	Workflow string
	// MCP, if any, answers at /mcp what an MCP client asks.
	MCP http.Handler
	// Load, if any, tells how busy the models are that this process calls.
	Load func() []orchestrator.Load
	// Hosts are the names that requests may be addressed to, besides localhost and IP addresses. A web page that lets
	// its own name point here (DNS rebinding) is so kept out.
	Hosts []string
	// MaxLag is how many log positions the read models may be behind while the door is ready. Default 10,000.
	MaxLag uint64
	// MaxStand is for how long the read models may stand still behind the log's end while the door is ready. Default 30 s.
	MaxStand time.Duration
	// Timeout bounds the work on one request. Default 30 s.
	Timeout time.Duration
	// MaxRequests is how many requests may be at work at a time, and MaxAnswers how many answers may be on their way to
	// those who asked. More are told to come back (429). Default 64 and 512.
	MaxRequests, MaxAnswers int
	// MaxAnswerBytes is how much all answers on their way may hold together; what is not in memory is in temporary
	// files. Default 1 GiB.
	MaxAnswerBytes int64
	// Version is the program's, for the API's description. Default "dev".
	Version string
	// Log takes failures that a caller isn't told about in full. Default none.
	Log *slog.Logger
}

// door is a Config with its defaults filled in.
type door struct {
	Config
	// told is the second in which the log was told last that the store does not answer.
	told atomic.Int64
	// room is what answers may hold together.
	room     room
	standing standing
}

// New makes the door. It panics without a Reader or a Head: that is a mistake in the wiring.
func New(c Config) http.Handler {
	if c.Reader == nil || c.Head == nil {
		panic("web: a door needs a Reader and a Head")
	}
	if c.Login && c.Token == nil {
		panic("web: a login needs Token")
	}
	d := &door{Config: c.withDefaults()}
	d.room.bound = d.MaxAnswerBytes
	router := chi.NewRouter()
	router.Use(d.admit, d.recover, d.guard, d.deadline, d.login, d.keep, middleware.GetHead)
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, http.StatusNotFound, "there is no "+clip(r.URL.Path)+": /openapi.json lists what there is")
	})
	router.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, http.StatusMethodNotAllowed, clip(r.URL.Path)+" does not take "+clip(r.Method)+": /openapi.json lists what it takes")
	})
	// No hooks, so that bodies are what the CLI prints: huma's own would add a "$schema" key. No documentation page
	// either: huma's loads scripts from elsewhere.
	config := huma.DefaultConfig("Virtuous6", d.Version)
	config.CreateHooks, config.DocsPath, config.SchemasPath = nil, "", ""
	config.Formats = map[string]huma.Format{"application/json": format(), "json": format()}
	config.Transformers = []huma.Transformer{terse}
	config.RejectUnknownQueryParameters = true
	if d.Login {
		config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
		config.Security = []map[string][]string{{"token": {}}}
	}
	api := humachi.New(router, config)
	d.register(api)
	d.board(router)
	d.exposition(router)
	if d.MCP != nil {
		router.Handle("/mcp", d.MCP)
	}
	return router
}

// Server wraps the door for a listener, with limits that keep slow and greedy clients from holding it.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      90 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

func (c Config) withDefaults() Config {
	if c.Refused == nil {
		c.Refused = func(error) bool { return false }
	}
	if c.Start == nil && c.Dispatch != nil {
		c.Start = func(ctx context.Context, start commands.StartRun) (commands.Receipt, error) {
			return c.Dispatch(ctx, start)
		}
	}
	if c.Load == nil {
		c.Load = func() []orchestrator.Load { return nil }
	}
	if c.Away == nil {
		c.Away = func(error) bool { return false }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = func() uuid.UUID { return uuid.Must(uuid.NewV7()) }
	}
	if c.Workflow == "" {
		c.Workflow = "ask"
	}
	if c.MaxLag == 0 {
		c.MaxLag = 10_000
	}
	if c.MaxStand == 0 {
		c.MaxStand = 30 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.MaxRequests == 0 {
		c.MaxRequests = 64
	}
	if c.MaxAnswers == 0 {
		c.MaxAnswers = 512
	}
	if c.MaxAnswerBytes == 0 {
		c.MaxAnswerBytes = 1 << 30
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
