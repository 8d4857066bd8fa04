package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"github.com/dustin/go-humanize/english"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

type askVerb struct {
	Prompt   string            `arg:"" help:"What to ask; - reads it from standard input."`
	Agent    string            `help:"Who is asked. Default: who answered what is continued, else the agent that fits best, else assistant."`
	Continue continued         `help:"Go on with what was said in your latest run, or in RUN: --continue=RUN." placeholder:"RUN"`
	Workflow string            `help:"The workflow that the run belongs to." default:"ask"`
	Task     string            `help:"The task that it tries, so that trials of it are counted together."`
	Label    map[string]string `help:"A label of the run; may be given again." placeholder:"KEY=VALUE" mapsep:"none"`
	limitFlags
	AtLimit string `help:"What the run does where its own limits leave too little: ask (it waits for a higher one, by budget run:ID) or fail." enum:"ask,fail" default:"ask"`
	JSON    bool   `name:"json" help:"Print one JSON value."`
}

// maxPrompt bounds a prompt in bytes.
const maxPrompt = 1 << 20

// Help tells which model answers.
func (askVerb) Help() string {
	return "With OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own (Ollama, vLLM, llama.cpp), a real model answers. Without " +
		"either the built-in scripted model does, and says so.\n\nExamples:\n  virtuous6 ask \"Write a haiku about logs\"\n" +
		"  virtuous6 ask \"calculate 6 * 7\" --json\n  virtuous6 ask --continue \"And in French?\"\n  virtuous6 ask --limit 0.10 --time 2m \"Sum up the week\"\n  virtuous6 feedback RUN --better \"...\""
}

// continued is a run whose conversation goes on; latest is the last one that the same person asked.
type continued struct {
	run    string
	latest bool
}

// IsBool has kong take the flag without a value.
func (continued) IsBool() bool { return true }

// Decode implements kong.MapperValue.
func (c *continued) Decode(ctx *kong.DecodeContext) error {
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		c.run = fmt.Sprint(ctx.Scan.Pop().Value)
	}
	c.latest = c.run == ""
	return nil
}

// earlier is the run that is continued, the zero row where none is.
func (v askVerb) earlier(ctx context.Context, a *app) (run projections.RunRow, err error) {
	if v.Continue == (continued{}) {
		return run, nil
	}
	if err := a.catchUp(ctx); err != nil {
		return run, err
	}
	if !v.Continue.latest {
		run, _, err = findRun(ctx, a.own(), v.Continue.run)
		return run, err
	}
	me := "user:" + a.config.user()
	for row, err := range a.own().Runs(ctx, projections.RunFilter{Limit: 1000}) {
		if err != nil {
			return run, err
		}
		if row.Requester == me && row.Source == "" {
			return row, nil
		}
	}
	return run, fmt.Errorf("there is nothing to go on with: %s has asked nothing lately; --continue=RUN names a run", me)
}

// answer is what `ask --json` prints.
type answer struct {
	Run             string         `json:"run"`
	Outcome         events.Outcome `json:"outcome"`
	Answer          string         `json:"answer"`
	Error           string         `json:"error"`
	Models          []string       `json:"models"`
	Scripted        bool           `json:"scripted"`
	DurationSeconds float64        `json:"duration_seconds"`
	InputTokens     int64          `json:"input_tokens"`
	OutputTokens    int64          `json:"output_tokens"`
	CostUSD         string         `json:"cost_usd"`
	// UnpricedCalls are calls of which nobody knows what they cost: CostUSD is without them.
	UnpricedCalls int64 `json:"unpriced_calls"`
}

// Run starts a run, drives it or watches who does, and shows the answer as it comes.
func (v askVerb) Run(ctx context.Context, a *app) error {
	prompt := v.Prompt
	if prompt == "-" {
		text, err := io.ReadAll(io.LimitReader(a.in, maxPrompt+1))
		if err != nil {
			return fmt.Errorf("read the prompt: %w", err)
		}
		prompt = string(text)
	}
	switch {
	case strings.TrimSpace(prompt) == "":
		return usage("there is nothing to ask")
	case len(prompt) > maxPrompt:
		return usage("the prompt is longer than %d bytes", maxPrompt)
	case !utf8.ValidString(prompt):
		return usage("the prompt is not UTF-8")
	}
	if _, unnamed := v.Label[""]; unnamed {
		return usage("--label: give KEY=VALUE")
	}
	if v.Workflow == "" {
		return usage("--workflow: name the workflow that the run belongs to")
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	earlier, err := v.earlier(ctx, a)
	if err != nil {
		return err
	}
	start := commands.StartRun{
		Workflow: v.Workflow, Task: v.Task, Prompt: prompt, Agent: cmp.Or(v.Agent, earlier.Agent), Labels: v.Label,
		Requester: "user:" + a.config.user(), Conversation: cmp.Or(earlier.Conversation, earlier.Run),
	}
	if (v.limitFlags != limitFlags{}) {
		limits := commands.RunLimits{Fails: v.AtLimit == "fail"}
		if limits.LimitNanos, limits.AnyCost, limits.Limits, err = v.limits(events.BudgetSet{AnyCost: true}); err != nil {
			return err
		}
		start.Limits = &limits
	}
	start.Meta = a.meta("")
	start.Run = start.ID.String()
	start.Correlation = start.Run
	if err := a.ready(ctx); err != nil {
		return err
	}
	receipt, err := a.runs().Start(ctx, start)
	if err != nil {
		return err
	}
	err = v.drive(ctx, a, start.Run, receipt.Position)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("run %s was cancelled", start.Run)
	}
	return v.report(ctx, a, start.Run)
}

// drive returns once the run has ended, cancelled where ctx is done before. Where no other process drives this store's
// live runs, it does so itself.
func (v askVerb) drive(ctx context.Context, a *app, run string, position uint64) error {
	show := &shown{to: a.out, quiet: v.JSON}
	err := a.driveUntil(ctx, driving{
		verb: "ask", what: "run",
		onText: func(of, text string) {
			if of == run {
				show.text(text)
			}
		},
		standby: func(ctx context.Context) error { return a.runs().Overhear(ctx, run, a.clock, show.text, show.again) },
		begins:  show.again,
		until: func(ctx context.Context) error {
			_, err := a.runs().Follow(ctx, a.flags.Workspace, run, position, func(fact events.Event) { v.waits(a, show, fact) })
			return err
		},
		left: func() error { return v.cancel(ctx, a, run) },
	})
	if err != nil || ctx.Err() != nil {
		return err
	}
	return v.showRest(ctx, a, run, show)
}

// shown is the part of an answer that was shown.
type shown struct {
	to    io.Writer
	quiet bool

	mu   sync.Mutex
	said strings.Builder
}

// text shows a piece.
func (s *shown) text(piece string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said.WriteString(piece)
	if !s.quiet {
		fmt.Fprint(s.to, piece)
	}
}

// again begins anew, on a line of its own.
func (s *shown) again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said.Len() > 0 && !s.quiet {
		fmt.Fprintln(s.to)
	}
	s.said.Reset()
}

// rest is what is missing of an answer behind what was shown.
func (s *shown) rest(answer string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := s.said.String()
	for n := min(len(answer), len(said)); n > 0; n-- {
		if strings.HasSuffix(said, answer[:n]) {
			return answer[n:]
		}
	}
	if said != "" && answer != "" {
		return "\n" + answer
	}
	return answer
}

// waits tells what the run waits for: without that, nothing would seem to happen.
func (v askVerb) waits(a *app, show *shown, fact events.Event) {
	if suspended, is := fact.(events.RunSuspended); is {
		show.again()
		fmt.Fprintf(a.err, "virtuous6: the run waits: %s\n", oneLine(suspended.Reason))
	}
	asked, is := fact.(events.RunApprovalAsked)
	if !is {
		return
	}
	show.again()
	tellWants(a.err, asked)
}

// tellWants tells which call a person is to decide on, and how.
func tellWants(to io.Writer, asked events.RunApprovalAsked) {
	fmt.Fprintf(to, "virtuous6: %s wants to call %s with %s and waits for a person, until %s:\n  virtuous6 approvals approve %s\n  virtuous6 approvals reject %s\n",
		oneLine(asked.Agent), oneLine(asked.Tool), short(asked.Arguments, 400), when(asked.Expires), asked.Approval, asked.Approval)
}

// showRest shows what is missing of the answer.
func (v askVerb) showRest(ctx context.Context, a *app, run string, show *shown) error {
	if v.JSON {
		return nil
	}
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	row, _, err := a.own().Run(ctx, run)
	if err == nil {
		err = replay.Texts(ctx, a.store, &row)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, show.rest(row.Answer))
	return nil
}

func (v askVerb) report(ctx context.Context, a *app, run string) error {
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	row, steps, err := a.own().Run(ctx, run)
	if err == nil {
		err = replay.Texts(ctx, a.store, &row)
	}
	if err != nil {
		return err
	}
	if v.JSON {
		err = a.json(answer{
			Run: row.Run, Outcome: row.Outcome, Answer: row.Answer, Error: row.Error, Models: limited(row.Models, 0), Scripted: row.Scripted,
			DurationSeconds: float64(max(row.DurationNS, 0)) / 1e9, InputTokens: row.InputTokens, OutputTokens: row.OutputTokens,
			CostUSD: row.CostNanos.String(), UnpricedCalls: row.UnpricedCalls,
		})
	} else {
		v.summary(a, row, steps)
	}
	if err == nil && row.Outcome == events.Failed {
		return errSaid
	}
	return err
}

func (v askVerb) summary(a *app, row projections.RunRow, steps []projections.StepRow) {
	model := strings.Join(row.Models, ", ")
	if row.Scripted {
		model += ", the built-in scripted model"
	}
	cost := row.Say("$" + row.CostNanos.String())
	if !row.Whole() {
		cost = "cost " + cost + ": see `prices` in docs/operations.md"
	}
	if row.Outcome == events.Failed {
		fmt.Fprintln(a.err, "virtuous6: the run failed:", row.Error)
	}
	fmt.Fprintf(a.out, "\nrun %s  %s  %s\n%s, %d input and %d output tokens, %s\n", row.Run,
		(time.Duration(max(row.DurationNS, 0))).Round(time.Millisecond), oneLine(model), english.Plural(len(steps), "step", ""), row.InputTokens, row.OutputTokens, cost)
	if row.Outcome == events.Succeeded {
		fmt.Fprintf(a.out, "Was it good? virtuous6 feedback %s --better \"...\"\n", row.Run)
	}
}

// cancel ends a run whose asker pressed Ctrl-C: ctx is done by then.
func (v askVerb) cancel(ctx context.Context, a *app, run string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer stop()
	if _, err := a.runs().Cancel(ctx, commands.CancelRun{Meta: a.meta(run), Run: run, Reason: "the asker left"}); err != nil {
		return fmt.Errorf("cancel run %s: %w", run, err)
	}
	return nil
}
