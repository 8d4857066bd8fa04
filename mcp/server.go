package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Config wires the door. All but Wait and Version must be set.
type Config struct {
	Reader projections.Reader
	// Texts gives a run's row the whole prompt and answer, of which Reader has the beginnings.
	Texts func(ctx context.Context, run *projections.RunRow) error
	// Start opens a live run, and Follow waits for its end behind a position. Without an agent the one that fits best is asked.
	Start    func(ctx context.Context, c commands.StartRun) (commands.Receipt, error)
	Follow   func(ctx context.Context, workspace, run string, after uint64, told func(events.Event)) (events.Run, error)
	Dispatch commands.Dispatch
	// Meta is what a wish of whoever speaks to this door carries, about a run if it names one.
	Meta func(run string) commands.Meta
	// Wait is how long an answer is waited for before the asker is told to look later. Default 2 minutes.
	Wait    time.Duration
	Version string
}

// maxRows bounds a list.
const maxRows = 200

// Server makes the server. Each transport takes it as it is.
func Server(c Config) *mcp.Server {
	if c.Wait == 0 {
		c.Wait = 2 * time.Minute
	}
	s := mcp.NewServer(&mcp.Implementation{Name: "virtuous6", Version: c.Version}, &mcp.ServerOptions{
		Instructions: "Runs AI agents, and tells with evidence what works, what fails, what it costs and what to change.",
	})
	reads := &mcp.ToolAnnotations{ReadOnlyHint: true}
	mcp.AddTool(s, &mcp.Tool{Name: "ask", Description: "Asks an agent, waits for its answer, and tells the run's id."}, c.ask)
	mcp.AddTool(s, &mcp.Tool{Name: "feedback", Description: "Judges a run: at least one of better, score and text."}, c.feedback)
	mcp.AddTool(s, &mcp.Tool{Name: "metrics", Description: "Figures of all runs, and by workflow, agent, model and tool: success, tokens, cost, time.", Annotations: reads}, c.metrics)
	mcp.AddTool(s, &mcp.Tool{Name: "runs", Description: "The latest runs, with the beginnings of their prompts and answers.", Annotations: reads}, c.runs)
	mcp.AddTool(s, &mcp.Tool{Name: "run", Description: "One run with its whole prompt and answer, and its steps.", Annotations: reads}, c.run)
	var lists []string
	for _, l := range projections.Lists() {
		lists = append(lists, l.Name+" ("+l.Help+")")
	}
	mcp.AddTool(s, &mcp.Tool{Name: "list", Description: "One of the read models: " + strings.Join(lists, "; ") + ".", Annotations: reads}, c.list)
	return s
}

// Handler serves it over streamable HTTP. Nothing is kept between two requests, and each is answered as a whole.
func Handler(server func(*http.Request) *mcp.Server) http.Handler {
	return mcp.NewStreamableHTTPHandler(server, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
}

type askInput struct {
	Prompt   string `json:"prompt" jsonschema:"what is asked"`
	Agent    string `json:"agent,omitempty" jsonschema:"who is asked; default: the agent that fits best, else the assistant"`
	Continue string `json:"continue,omitempty" jsonschema:"a run whose conversation goes on"`
}

func (c Config) ask(ctx context.Context, r *mcp.CallToolRequest, in askInput) (*mcp.CallToolResult, any, error) {
	if strings.TrimSpace(in.Prompt) == "" || strings.ContainsRune(in.Prompt, 0) {
		return nil, nil, errors.New("there is nothing to ask, or a NUL in it")
	}
	start := commands.StartRun{Meta: c.Meta(""), Workflow: "ask", Prompt: in.Prompt, Agent: in.Agent}
	start.Run, start.Requester = start.ID.String(), start.Actor
	start.Correlation = start.Run
	if by, told := r.Params.Meta[events.MetaRun].(string); told { // an agent of this very installation asks
		switch asker, _, err := c.Reader.Run(ctx, by); {
		case err == nil:
			start.AskedBy = asker.Run
		case !errors.Is(err, projections.ErrNotFound):
			return nil, nil, err
		}
	}
	if in.Continue != "" {
		earlier, _, err := projections.FindRun(ctx, c.Reader, in.Continue)
		if err != nil {
			return nil, nil, fmt.Errorf("continue: %w", err)
		}
		if start.Conversation = earlier.Conversation; start.Conversation == "" {
			start.Conversation = earlier.Run
		}
		if start.Agent == "" {
			start.Agent = earlier.Agent
		}
	}
	receipt, err := c.Start(ctx, start)
	if err != nil {
		return nil, nil, err
	}
	waiting, stop := context.WithTimeout(ctx, c.Wait)
	defer stop()
	asked, suspended := "", ""
	end, err := c.Follow(waiting, start.Workspace, start.Run, receipt.Position, func(fact events.Event) {
		switch f := fact.(type) {
		case events.RunApprovalAsked:
			asked = f.Approval
		case events.RunApprovalAnswered:
			asked = ""
		case events.RunSuspended:
			suspended = f.Reason
		case events.RunResumed:
			suspended = ""
		}
	})
	out := map[string]string{"run": start.Run}
	var fact events.Event = end
	switch end := fact.(type) {
	case events.RunFinished:
		out["outcome"], out["answer"] = string(end.Outcome), end.Answer
	case events.RunFailed:
		out["outcome"], out["error"] = string(events.Failed), end.Error
	case events.RunCancelled:
		out["outcome"], out["error"] = string(events.Cancelled), end.Reason
	default: // it has not ended yet
		if waiting.Err() == nil || ctx.Err() != nil {
			return nil, nil, errors.Join(err, ctx.Err())
		}
		out["outcome"], out["hint"] = string(projections.Running), "it goes on: the tool `run` tells later how it ended"
		if suspended != "" {
			out["hint"] = suspended + "; the tool `run` tells later how it ended"
		}
		if asked != "" {
			out["approval"], out["hint"] = asked, "a person has to let a call of a tool through first; the tool `run` tells later how it ended"
		}
	}
	return said(out)
}

type feedbackInput struct {
	Run    string   `json:"run" jsonschema:"the run that it is about"`
	Better string   `json:"better,omitempty" jsonschema:"the answer that would have been better"`
	Score  *float64 `json:"score,omitempty" jsonschema:"a number, the higher the better"`
	Text   string   `json:"text,omitempty" jsonschema:"a remark"`
}

func (c Config) feedback(ctx context.Context, _ *mcp.CallToolRequest, in feedbackInput) (*mcp.CallToolResult, any, error) {
	if in.Better == "" && in.Text == "" && in.Score == nil {
		return nil, nil, errors.New("give better, score or text")
	}
	run, _, err := projections.FindRun(ctx, c.Reader, in.Run)
	if err != nil {
		return nil, nil, err
	}
	meta := c.Meta(run.Run)
	give := commands.GiveFeedback{Meta: meta, Feedback: meta.ID.String(), Run: run.Run, User: meta.Actor, Score: in.Score, Text: in.Text, Better: in.Better}
	if _, err := c.Dispatch(ctx, give); err != nil {
		return nil, nil, err
	}
	return said(map[string]string{"feedback": give.Feedback, "run": run.Run})
}

type noInput struct{}

func (c Config) metrics(ctx context.Context, _ *mcp.CallToolRequest, _ noInput) (*mcp.CallToolResult, any, error) {
	report, err := c.Reader.Report(ctx, projections.MetricsFilter{})
	if err != nil {
		return nil, nil, err
	}
	return said(report)
}

type runsInput struct {
	Workflow string `json:"workflow,omitempty" jsonschema:"only runs of this workflow"`
	Agent    string `json:"agent,omitempty" jsonschema:"only runs that this agent had a step in"`
	Outcome  string `json:"outcome,omitempty" jsonschema:"only runs that are succeeded, failed, cancelled, unrated or running"`
	Limit    int    `json:"limit,omitempty" jsonschema:"the greatest number of runs, up to 200; default 20"`
}

func (c Config) runs(ctx context.Context, _ *mcp.CallToolRequest, in runsInput) (*mcp.CallToolResult, any, error) {
	rows, err := readmodel.Collect(c.Reader.Runs(ctx, projections.RunFilter{
		Workflow: in.Workflow, Agent: in.Agent, Outcome: events.Outcome(in.Outcome), Limit: limit(in.Limit),
	}))
	if err != nil {
		return nil, nil, err
	}
	return said(rows)
}

type runInput struct {
	Run string `json:"run" jsonschema:"its id, or what only its id begins with"`
}

func (c Config) run(ctx context.Context, _ *mcp.CallToolRequest, in runInput) (*mcp.CallToolResult, any, error) {
	run, steps, err := projections.FindRun(ctx, c.Reader, in.Run)
	if err == nil {
		err = c.Texts(ctx, &run)
	}
	if err != nil {
		return nil, nil, err
	}
	return said(map[string]any{"run": run, "steps": steps})
}

type listInput struct {
	Name  string            `json:"name" jsonschema:"which one"`
	Where map[string]string `json:"where,omitempty" jsonschema:"only the rows in which these columns have these values"`
	Limit int               `json:"limit,omitempty" jsonschema:"the greatest number of rows, up to 200; default 20"`
}

func (c Config) list(ctx context.Context, _ *mcp.CallToolRequest, in listInput) (*mcp.CallToolResult, any, error) {
	lists := projections.Lists()
	i := slices.IndexFunc(lists, func(l readmodel.List) bool { return l.Name == in.Name })
	if i < 0 {
		return nil, nil, fmt.Errorf("there is no list %q", in.Name)
	}
	for column := range in.Where {
		if !slices.ContainsFunc(lists[i].Filters, func(f readmodel.Filter) bool { return f.Column == column }) {
			return nil, nil, fmt.Errorf("%s can't be narrowed by %q", in.Name, column)
		}
	}
	rows, err := readmodel.Collect(c.Reader.List(ctx, lists[i], in.Where, limit(in.Limit)))
	if err != nil {
		return nil, nil, err
	}
	return said(rows)
}

// limit is how many rows are told.
func limit(n int) int {
	if n <= 0 {
		return 20
	}
	return min(n, maxRows)
}

// said answers with JSON. A list of nothing is a list.
func said(v any) (*mcp.CallToolResult, any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, nil, err
	}
	if string(text) == "null" {
		text = []byte("[]")
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(text)}}}, nil, nil
}
