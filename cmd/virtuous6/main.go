// Command virtuous6 runs AI agents, keeps all that happens as events, and finds out what to change.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	_ "time/tzdata" // the time zones of triggers, on machines that have none

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// verbs is the command line: one field a verb, each in a file of its own.
type verbs struct {
	Store      string `help:"Where the log is: sqlite:PATH, postgres://... or esdb://... Default: virtuous6.db in the user's data folder." placeholder:"URL" env:"VIRTUOUS6_STORE"`
	Keys       string `help:"Where the keys are that people's texts are encrypted with: sqlite:PATH or postgres://... Default: beside the log." placeholder:"URL" env:"VIRTUOUS6_KEYS"`
	ReadModels string `help:"Where the read models are: sqlite:PATH or postgres://... Default: with the log; a file of each server's own in the user's data folder beside EventStoreDB." placeholder:"URL" env:"VIRTUOUS6_READ_MODELS"`
	Workspace  string `help:"The workspace that is meant: its runs, agents, goals and all else are its own. Default: the one without a name." placeholder:"NAME" env:"VIRTUOUS6_WORKSPACE"`
	KeepSchema bool   `help:"Refuse a log whose tables are of an older version, instead of bringing them up to date." env:"VIRTUOUS6_KEEP_SCHEMA"`
	Config     string `help:"Configuration file (YAML). Default: config.yaml in the user's configuration folder, if it is there." placeholder:"FILE" env:"VIRTUOUS6_CONFIG"`
	Quiet      bool   `short:"q" help:"No progress bars and no notes on standard error."`

	Ask          askVerb          `cmd:"" group:"Run" help:"Ask an agent, and see the run become events."`
	Serve        serveVerb        `cmd:"" group:"Run" help:"Serve live runs, the read API and the analysts on one store."`
	Feedback     feedbackVerb     `cmd:"" group:"Run" help:"Judge a run."`
	SaveWorkflow saveWorkflowVerb `cmd:"" group:"Run" help:"Keep a run's steps, or a pattern, as a runbook."`
	Goals        goalsVerb        `cmd:"" group:"Run" help:"Make goals, have them planned and reached by many agents, and watch them."`
	Run          runVerb          `cmd:"" group:"Run" help:"Have a runbook done as a goal."`
	Budget       budgetVerb       `cmd:"" group:"Run" help:"Show the budgets of live runs, or set one."`
	MCP          mcpVerb          `cmd:"" name:"mcp" group:"Run" help:"Be an MCP server for another program's agents."`
	Triggers     triggersVerb     `cmd:"" group:"Run" help:"What starts runs by itself: clocks, and what others deliver."`
	Tokens       tokensVerb       `cmd:"" group:"Run" help:"Make, list and revoke the tokens that the API is used with."`
	Slack        slackVerb        `cmd:"" group:"Run" help:"Set Slack up: the app's manifest, and what is missing."`

	Import    importVerb    `cmd:"" group:"History" help:"Turn histories from elsewhere into events."`
	Simulate  simulateVerb  `cmd:"" group:"History" help:"Make a history with planted truths, from a seed."`
	Events    eventsVerb    `cmd:"" group:"History" help:"List events of the log."`
	Replay    replayVerb    `cmd:"" group:"History" help:"Rebuild read models from the log."`
	Doctor    doctorVerb    `cmd:"" group:"History" help:"Tell what is wrong with the read models, and which streams are parked."`
	Retry     retryVerb     `cmd:"" group:"History" help:"Take parked streams up again, after an upgrade or a fix."`
	Copy      copyVerb      `cmd:"" group:"History" help:"Bring a log into another store."`
	Snapshots snapshotsVerb `cmd:"" group:"History" help:"List the snapshots of the read models, or delete them."`
	Users     usersVerb     `cmd:"" group:"History" help:"List the people whose texts are kept, hand them out, or forget somebody."`
	Verify    verifyVerb    `cmd:"" group:"History" help:"Check the log, and that the read models equal a rebuild."`

	Metrics      metricsVerb      `cmd:"" group:"Insight" help:"Show success, tokens, cost and time."`
	Runs         runsVerb         `cmd:"" group:"Insight" help:"List runs, show one, or stop one."`
	Models       modelsVerb       `cmd:"" group:"Insight" help:"List the models of the server that answers live runs."`
	Agents       agentsVerb       `cmd:"" group:"Insight" help:"List, make and change agents."`
	Workspaces   workspacesVerb   `cmd:"" group:"Insight" help:"List workspaces, or show what is in one."`
	Skills       skillsVerb       `cmd:"" group:"Insight" help:"List the skills that agents can be given, show one, or save one."`
	Tools        toolsVerb        `cmd:"" group:"Insight" help:"List the tools that agents can be granted, or accept what a server says of one."`
	Approvals    approvalsVerb    `cmd:"" group:"Run" help:"Decide on calls of tools that need a person."`
	List         listVerb         `cmd:"" group:"Insight" help:"Print any list of the read models."`
	Tasks        tasksVerb        `cmd:"" group:"Insight" help:"List tasks and how often runs managed them."`
	Verdicts     verdictsVerb     `cmd:"" group:"Insight" help:"List verdicts on whether runs were good, or set the rule that makes them."`
	Patterns     patternsVerb     `cmd:"" group:"Insight" help:"Mine the frequent step sequences and their success."`
	Runbooks     runbooksVerb     `cmd:"" group:"Insight" help:"List runbooks, or print one as YAML."`
	Costs        costsVerb        `cmd:"" group:"Insight" help:"Show what runs cost, by agent, workflow, model, tool, requester and day."`
	Errors       errorsVerb       `cmd:"" group:"Insight" help:"List errors, where they come from and what helped."`
	Attribute    attributeVerb    `cmd:"" group:"Insight" help:"Name who made a failed conversation go wrong first."`
	Analyze      analyzeVerb      `cmd:"" group:"Insight" help:"Run the analysts and record what they propose."`
	Roles        rolesVerb        `cmd:"" group:"Insight" help:"Show what models in roles were asked, and what was taken of it."`
	Improvements improvementsVerb `cmd:"" group:"Insight" help:"List proposals, approve or reject one."`
	Report       reportVerb       `cmd:"" group:"Insight" help:"Print the daily check or the weekly review."`
	Health       healthVerb       `cmd:"" group:"Insight" help:"Show the health of the system and of each agent, from 0 to 100."`
	Learned      learnedVerb      `cmd:"" group:"Insight" help:"Answer what was learned, found and changed, from the record."`
	Why          whyVerb          `cmd:"" group:"Insight" help:"Tell why an improvement, an agent or a run is as it is."`
	Datasets     datasetsVerb     `cmd:"" group:"Insight" help:"Keep runs to ask again, with what their answers are held to."`
	Eval         evalVerb         `cmd:"" group:"Insight" help:"Ask recorded runs again of a changed agent, and check the answers."`
	Evals        evalsVerb        `cmd:"" group:"Insight" help:"List what evals came to, or show one."`
	Judges       judgesVerb       `cmd:"" group:"Insight" help:"Measure how far a model that judges answers agrees with people, or ask it."`
	Experiments  experimentsVerb  `cmd:"" group:"Insight" help:"Try a change on a part of the runs, and see what it does."`
	WhatIf       whatIfVerb       `cmd:"" name:"whatif" group:"Insight" help:"Estimate what a change would have done to all runs, from those that were drawn for it."`

	Version versionVerb `cmd:"" group:"Other" help:"Print the version."`
}

func main() {
	signal.Ignore(syscall.SIGPIPE) // output tells of it
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends what does not heed the first one, as a read of a terminal
	code := Main(ctx, World{}, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Main is the whole program in a world: it runs one command line and returns its exit code, 0 done, 1 failed, 2 wrong usage.
func Main(ctx context.Context, world World, args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var one sync.Mutex
	out, errOut = &screen{to: output{out, end}, one: &one}, &screen{to: errOut, one: &one}
	var cli verbs
	exited := -1
	parser, err := newParser(&cli, kong.Writers(out, errOut), kong.Exit(func(code int) { exited = code }))
	if err != nil {
		fmt.Fprintln(errOut, "virtuous6:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if errors.Is(context.Cause(ctx), errNobodyReads) {
		return exitFailed
	}
	if exited >= 0 {
		return exited // help was asked for and shown
	}
	if err != nil {
		var wrong *kong.ParseError
		if errors.As(err, &wrong) {
			parsed = wrong.Context
		}
		return wrongUsage(errOut, parsed, misnamed(args, err))
	}
	world = world.filled()
	a := &app{in: in, out: out, err: errOut, flags: &cli, world: world, clock: world.Clock, ids: world.IDs}
	if err := a.configure(); err != nil {
		fmt.Fprintln(errOut, "virtuous6:", err)
		return exitFailed
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(a)
	err = errors.Join(err, a.close())
	var usage usageError
	switch {
	case errors.Is(context.Cause(ctx), errNobodyReads):
		return exitFailed
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		return wrongUsage(errOut, parsed, err)
	case errors.Is(err, errSaid):
		return exitFailed
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		again := ""
		if verb := parsed.Selected().Name; verb == "import" || verb == "copy" || verb == "simulate" && cli.Simulate.Out == "" {
			again = ": what is done stays, and the same command goes on from there"
		}
		fmt.Fprintln(errOut, "virtuous6: interrupted"+again)
		return exitFailed
	}
	fmt.Fprintln(errOut, "virtuous6:", err)
	return exitFailed
}

// wrongUsage tells what is wrong, and which help to look into: the verb's, if one was named.
func wrongUsage(errOut io.Writer, parsed *kong.Context, err error) int {
	verb := "virtuous6"
	if parsed != nil && parsed.Selected() != nil {
		verb = parsed.Selected().FullPath()
	}
	fmt.Fprintf(errOut, "virtuous6: %v\nTry `%s --help`.\n", err, verb)
	return exitUsage
}

func newParser(cli *verbs, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(cli, append([]kong.Option{
		kong.Name("virtuous6"),
		kong.Description("Runs AI agents, keeps all that happens as events, and finds out what to change.\n\n" +
			"Start: `virtuous6 import FILE` reads the runs your agents made, `virtuous6 analyze` tells what works, what fails and what " +
			"to change, `virtuous6 ask \"...\"` makes a run.\n\nExit codes: 0 done, 1 failed, 2 wrong usage."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
	}, options...)...)
}

// usageError is a wrong use of the command line that only the verb itself could see.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errSaid ends a verb that has told its failure already.
var errSaid = errors.New("failed")

type versionVerb struct{}

// Help gives an example.
func (versionVerb) Help() string { return "Example:\n  virtuous6 version" }

// Run prints the module's version and the commit it was built from.
func (versionVerb) Run(a *app) error {
	_, err := fmt.Fprintln(a.out, "virtuous6", version())
	return err
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return v
}
