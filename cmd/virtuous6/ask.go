package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

type askVerb struct {
	Prompt   string            `arg:"" help:"What to ask; - reads it from standard input."`
	Agent    string            `help:"Who is asked." default:"assistant"`
	Workflow string            `help:"The workflow that the run belongs to." default:"ask"`
	Task     string            `help:"The task that it tries, so that trials of it are counted together."`
	Label    map[string]string `help:"A label of the run; may be given again." placeholder:"KEY=VALUE" mapsep:"none"`
	JSON     bool              `name:"json" help:"Print one JSON value."`
}

// maxPrompt bounds a prompt in bytes.
const maxPrompt = 1 << 20

// Help tells which model answers.
func (askVerb) Help() string {
	return "With OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own (Ollama, vLLM, llama.cpp), a real model answers. Without " +
		"either the built-in scripted model does, and says so.\n\nExamples:\n  virtuous6 ask \"Write a haiku about logs\"\n" +
		"  virtuous6 ask \"calculate 6 * 7\" --json\n  virtuous6 feedback RUN --better \"...\""
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
	// Unpriced tells that it cost something that nobody knows: CostUSD is then not all of it.
	Unpriced bool `json:"unpriced"`
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
	if v.Agent == "" {
		return usage("--agent: name who is asked")
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	start := commands.StartRun{
		Workflow: v.Workflow, Task: v.Task, Prompt: prompt, Agent: v.Agent, Labels: v.Label, Requester: "user:" + a.config.user(),
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
	runner, model, err := a.runner(ctx)
	if err != nil {
		return err
	}
	ttl, err := a.leaseTime(nil)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: max(a.level(), slog.LevelWarn)}))
	standby := func(driver readmodel.Lease) {
		a.note("%s drives this store: it takes the run; this process takes over where that one falls silent", driver.Holder)
	}
	// begun tells that a part of the answer was shown, shown that it was all of it.
	var begun, shown bool
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, working := errgroup.WithContext(running)
	group.Go(func() error {
		return a.drive(working, "ask", ttl, log, standby, func(ctx context.Context, lease *orchestrator.Lease) error {
			c := a.driving(runner, model, lease)
			c.Drain = farewell
			c.OnText = func(of, text string) {
				if of == run && !v.JSON {
					begun = true
					fmt.Fprint(a.out, text)
				}
			}
			o := orchestrator.New(c)
			err := o.Run(ctx)
			if begun {
				fmt.Fprintln(a.out)
			}
			// Whoever takes over a lease that was lost answers anew.
			begun, shown = false, begun && lease.Check() == nil
			return err
		})
	})
	group.Go(func() error {
		defer stop()
		_, err := a.runs().Follow(working, "", run, position)
		return err
	})
	group.Go(func() error {
		select {
		case <-working.Done():
			return nil
		case <-ctx.Done():
		}
		bound := time.AfterFunc(farewell, stop)
		defer bound.Stop()
		if err := v.cancel(ctx, a, run); err != nil {
			return err
		}
		<-working.Done()
		return nil
	})
	if err := group.Wait(); err != nil || shown || ctx.Err() != nil {
		return err
	}
	return v.showAnswer(ctx, a, run)
}

// farewell bounds what is done after the run's end, or after Ctrl-C. What is left is the next driver's.
const farewell = 5 * time.Second

func (v askVerb) showAnswer(ctx context.Context, a *app, run string) error {
	if v.JSON {
		return nil
	}
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	row, _, err := a.models.Run(ctx, run)
	if err == nil {
		err = replay.Texts(ctx, a.store, &row)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, row.Answer)
	return nil
}

func (v askVerb) report(ctx context.Context, a *app, run string) error {
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	row, steps, err := a.models.Run(ctx, run)
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
			CostUSD: row.CostNanos.String(), Unpriced: row.Unpriced,
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
	cost := "$" + row.CostNanos.String()
	if row.Unpriced {
		cost = "cost unknown: no price for every step, see `prices` in docs/operations.md"
	}
	if row.Outcome == events.Failed {
		fmt.Fprintln(a.err, "virtuous6: the run failed:", row.Error)
	}
	fmt.Fprintf(a.out, "\nrun %s  %s  %s\n%d steps, %d input and %d output tokens, %s\n", row.Run,
		(time.Duration(max(row.DurationNS, 0))).Round(time.Millisecond), oneLine(model), len(steps), row.InputTokens, row.OutputTokens, cost)
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
