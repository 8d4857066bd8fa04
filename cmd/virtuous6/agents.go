package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// agentsVerb is the verb's own verbs. Without one it lists.
type agentsVerb struct {
	List      agentsListVerb      `cmd:"" default:"withargs" help:"List agents."`
	Show      agentsShowVerb      `cmd:"" help:"Show an agent's configuration."`
	Spawn     agentsSpawnVerb     `cmd:"" help:"Make an agent that can be asked."`
	Configure agentsConfigureVerb `cmd:"" help:"Change an agent: runs that start from then on go by it."`
	Apply     agentsApplyVerb     `cmd:"" help:"Make agents what the files of a folder say."`
	Export    agentsExportVerb    `cmd:"" help:"Write agents as files, as 'agents apply' takes them."`
	Rollback  agentsRollbackVerb  `cmd:"" help:"Take an agent back to an earlier version."`
	Diff      agentsDiffVerb      `cmd:"" help:"Show what differs between two versions of an agent."`
	Retire    agentsRetireVerb    `cmd:"" help:"End an agent: it takes no more runs."`
	Adopt     agentsAdoptVerb     `cmd:"" help:"Say that an agent known from history is the same as a live one."`
}

type agentsListVerb struct {
	listFlags
}

// Help gives examples.
func (agentsListVerb) Help() string {
	return "Examples:\n  virtuous6 agents\n  virtuous6 agents --json"
}

// Run lists the registry.
func (v agentsListVerb) Run(ctx context.Context, a *app) error {
	return list(ctx, a, v.listFlags, func(reader projections.Reader) ([]projections.AgentRow, error) { return reader.Agents(ctx) }, func(agents []projections.AgentRow) error {
		return table(a.out, "AGENT|STATUS|MODEL|RUNS|CONFIGURED|SEEN SINCE|FROM HISTORY|TOOLS", func(row func(...any)) {
			for _, r := range agents {
				row(short(r.Agent, 48), r.Status, orDash(r.Model), r.Runs, r.Configured, when(r.SpawnedAt), r.Imported, short(strings.Join(r.Tools, " "), 60))
			}
		})
	})
}

type agentsShowVerb struct {
	Agent    string `arg:"" help:"The agent."`
	Versions bool   `help:"List its versions instead, with their authors and reasons."`
	JSON     bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help gives examples.
func (agentsShowVerb) Help() string {
	return "Examples:\n  virtuous6 agents show assistant\n  virtuous6 agents show assistant --versions"
}

// Run shows one agent.
func (v agentsShowVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	if v.Versions {
		return a.showVersions(ctx, reader, v.Agent, v.JSON)
	}
	agents, err := reader.Agents(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(agents, func(r projections.AgentRow) bool { return r.Agent == v.Agent })
	if i < 0 {
		return noAgent(v.Agent)
	}
	r := agents[i]
	if v.JSON {
		return a.json(r)
	}
	temperature, tokens := "-", "-"
	if r.Temperature != nil {
		temperature = fmt.Sprint(*r.Temperature)
	}
	if r.MaxTokens > 0 {
		tokens = fmt.Sprint(r.MaxTokens)
	}
	status := cmp.Or(r.Status, "only named by runs")
	if r.Imported {
		status = "known from history"
	}
	if r.AdoptedAs != "" {
		status += ", adopted as " + oneLine(r.AdoptedAs)
	}
	runs := "1 run"
	if r.Runs != 1 {
		runs = fmt.Sprint(r.Runs, " runs")
	}
	fmt.Fprintf(a.out, "%s  %s, %s, version %d\n", oneLine(r.Agent), status, runs, r.Configured)
	if r.Role != "" {
		fmt.Fprintln(a.out, short(r.Role, 200))
	}
	fmt.Fprintf(a.out, "model %s, temperature %s, max tokens %s\ntools %s\n",
		orDash(strings.Join(append([]string{r.Model}, r.Fallbacks...), ", then ")), temperature, tokens, orDash(strings.Join(r.Tools, " ")))
	for i, s := range r.Skills {
		if i == 0 {
			fmt.Fprintln(a.out, "skills")
		}
		fmt.Fprintf(a.out, "  %s  %s\n", s, short(s.Description, 80))
	}
	for _, r := range r.Routes {
		fmt.Fprintf(a.out, "passes on %s to %s\n", oneLine(cmp.Or(strings.Join(r.Tasks, ", "), "all that nobody is named for")), oneLine(cmp.Or(r.To, "whoever else fits")))
	}
	for _, f := range r.Fixes {
		fmt.Fprintf(a.out, "fix %s  after %q of %s: %s\n", f.Name(), short(f.Error, 60), cmp.Or(f.Tool, "any tool"), short(cmp.Or(f.Do, "what people wrote of it"), 80))
		for _, s := range f.Said {
			fmt.Fprintf(a.out, "  in feedback %s on run %s, the words of %s\n", oneLine(s.Feedback), oneLine(s.Run), cmp.Or(oneLine(s.User), "nobody"))
		}
	}
	for _, e := range r.Examples {
		fmt.Fprintf(a.out, "example %s, the words of %s\n", oneLine(e.Run), cmp.Or(oneLine(e.Requester), "nobody"))
	}
	for _, l := range r.Lessons {
		for _, s := range l.Said {
			fmt.Fprintf(a.out, "lesson on %s: feedback %s on run %s, the words of %s\n", oneLine(l.Subject), oneLine(s.Feedback), oneLine(s.Run), cmp.Or(oneLine(s.User), "nobody"))
		}
	}
	if r.Effort != "" {
		fmt.Fprintf(a.out, "reasoning effort %s\n", r.Effort)
	}
	if r.Schema != "" {
		fmt.Fprintf(a.out, "schema %s\n", r.Schema)
	}
	if r.Prompt != "" {
		fmt.Fprintf(a.out, "\n%s\n", r.Prompt)
	}
	return nil
}

// noAgent tells that there is no such agent, and how one is named with its version.
func noAgent(name string) error {
	says := "`virtuous6 agents` lists them, `virtuous6 agents spawn` makes one"
	if agent, version, found := strings.Cut(name, "@"); found {
		if _, err := strconv.Atoi(version); err == nil {
			says = fmt.Sprintf("a version is named by `agents show %[1]s --versions`, `agents diff %[1]s --to %[2]s`, `agents rollback %[1]s --to %[2]s` or `why %[1]s@%[2]s`", oneLine(agent), version)
		}
	}
	return fmt.Errorf("there is no agent %q: %s", name, says)
}

// agentFlags are what an agent is made of. What is not given stays as it is.
type agentFlags struct {
	Model       *string  `help:"The model that answers; empty for the server's default."`
	Fallbacks   *string  `help:"The models that are asked where that one does not answer, with commas between; empty for none." placeholder:"NAME,..."`
	Prompt      *string  `help:"The instructions that come before each conversation; @FILE reads them from a file." placeholder:"TEXT"`
	Temperature *float64 `help:"The sampling temperature."`
	Effort      *string  `name:"reasoning-effort" help:"How much the model thinks before it answers: none, minimal, low, medium, high or xhigh; empty for the provider's default." placeholder:"WORD"`
	MaxTokens   *int     `help:"Bounds an answer, 0 for the provider's default." placeholder:"N"`
	Schema      *string  `help:"The JSON Schema that answers have to satisfy; @FILE reads it from a file, empty for none." placeholder:"JSON"`
	Tools       *string  `help:"The tools that it is granted, with commas between; empty for none." placeholder:"NAME,..."`
	Skills      *string  `help:"The skills that it has, with commas between; empty for none. NAME@DIGEST is an earlier text." placeholder:"NAME,..."`
	Route       []string `help:"Passes tasks, or workflows, that nobody is named for on to another agent; * for all, nothing behind = for whoever else fits. Once for each; empty for none." placeholder:"TASK,...=AGENT" sep:"none"`
}

// over is a configuration with what the flags say. The store has to be open.
func (f agentFlags) over(ctx context.Context, a *app, c events.AgentConfig) (events.AgentConfig, error) {
	if f.Model != nil {
		c.Model = *f.Model
	}
	if f.Prompt != nil {
		var err error
		if c.Prompt, err = textOrFile("prompt", *f.Prompt); err != nil {
			return c, err
		}
	}
	if f.Schema != nil {
		schema, err := textOrFile("schema", *f.Schema)
		if err != nil {
			return c, err
		}
		c.Schema = json.RawMessage(schema)
	}
	if f.Temperature != nil {
		c.Temperature = f.Temperature
	}
	if f.Effort != nil {
		c.Effort = *f.Effort
	}
	if f.MaxTokens != nil {
		c.MaxTokens = *f.MaxTokens
	}
	if f.Tools != nil {
		c.Tools = names(*f.Tools)
	}
	if f.Fallbacks != nil {
		c.Fallbacks = names(*f.Fallbacks)
	}
	if f.Route != nil {
		var err error
		if c.Routes, err = routes(f.Route); err != nil {
			return c, err
		}
	}
	if f.Skills != nil {
		var err error
		if c.Skills, err = a.skillRefs(ctx, names(*f.Skills)); err != nil {
			return c, err
		}
	}
	return c, nil
}

// textOrFile is what a flag is given, or what the file has that it names.
func textOrFile(flag, value string) (string, error) {
	if file, is := strings.CutPrefix(value, "@"); is {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("--%s: %w", flag, err)
		}
		value = strings.TrimSpace(string(text))
	}
	if !utf8.ValidString(value) {
		return "", usage("--%s: the text is not UTF-8", flag)
	}
	return value, nil
}

// names are those of a list with commas between.
func names(list string) (all []string) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// servable refuses what no run could be served with: a schema that is none, and tools that this program does not have.
func (a *app) servable(ctx context.Context, c events.AgentConfig) error {
	if err := agents.CheckSchema(c.Schema); err != nil {
		return err
	}
	box, err := a.toolbox()
	if err != nil {
		return err
	}
	tools, err := box.Tools(ctx, c.Tools)
	if err == nil {
		_, err = tools.Specs(c.Tools)
	}
	return err
}

type agentsSpawnVerb struct {
	Agent string `arg:"" help:"What it is called."`
	Role  string `help:"What it is there for, in a few words."`
	agentFlags
}

// Help gives examples.
func (agentsSpawnVerb) Help() string {
	return "An agent has the tools that it is granted here and no others. Which may be granted, the policy says (`policy:` in the " +
		"configuration).\n\nExamples:\n  virtuous6 agents spawn clerk --prompt \"You answer questions about orders.\" --tools calculate\n" +
		"  virtuous6 agents spawn poet --prompt @poet.md --temperature 1\n  virtuous6 ask --agent clerk \"calculate 3 * 19.90\""
}

// Run makes the agent.
func (v agentsSpawnVerb) Run(ctx context.Context, a *app) error {
	if err := a.open(ctx); err != nil {
		return err
	}
	config, err := v.over(ctx, a, events.AgentConfig{})
	if err != nil {
		return err
	}
	if err := a.servable(ctx, config); err != nil {
		return err
	}
	_, err = a.dispatcher().Dispatch(ctx, commands.SpawnAgent{Meta: a.meta(""), Agent: v.Agent, Role: v.Role, Config: config})
	if errors.Is(err, aggregates.ErrExists) {
		return fmt.Errorf("%w: `virtuous6 agents configure %s` changes it", err, v.Agent)
	}
	if err != nil {
		return err
	}
	name := oneLine(v.Agent)
	if strings.ContainsAny(name, " '\"$`\\") {
		name = "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	fmt.Fprintf(a.out, "%s is there: virtuous6 ask --agent %s \"...\"\n", oneLine(v.Agent), name)
	return nil
}

type agentsConfigureVerb struct {
	Agent  string `arg:"" help:"The agent."`
	Reason string `help:"Why."`
	agentFlags
}

// Help gives examples.
func (agentsConfigureVerb) Help() string {
	return "What is not given stays as it is. A running server goes by it at once; runs under way keep what they began with.\n\n" +
		"Examples:\n  virtuous6 agents configure clerk --temperature 0.2\n  virtuous6 agents configure clerk --tools calculate,clock"
}

// Run changes the agent.
func (v agentsConfigureVerb) Run(ctx context.Context, a *app) error {
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	agent, _, err := a.dispatcher().Agent(ctx, a.flags.Workspace, v.Agent)
	if err != nil {
		return err
	}
	config, err := v.over(ctx, a, agent.Config)
	if err != nil {
		return err
	}
	if err := a.servable(ctx, config); err != nil {
		return err
	}
	receipt, err := a.dispatcher().Dispatch(ctx, commands.ConfigureAgent{Meta: a.meta(""), Agent: v.Agent, Config: config, Reason: v.Reason})
	switch {
	case errors.Is(err, aggregates.ErrMissing):
		return noAgent(v.Agent)
	case err != nil:
		return err
	case receipt.Events == 0:
		fmt.Fprintf(a.out, "%s is so already.\n", oneLine(v.Agent))
		return nil
	}
	fmt.Fprintf(a.out, "%s is changed, for all runs that start from now on:\n", oneLine(v.Agent))
	writeChanges(a.out, agent.Config, config)
	a.note("To take it back: virtuous6 agents rollback %s", oneLine(v.Agent))
	return nil
}

type agentsRetireVerb struct {
	Agent  string `arg:"" help:"The agent."`
	Reason string `help:"Why."`
	Yes    bool   `help:"Do it also where it is the assistant."`
}

// Help gives an example.
func (agentsRetireVerb) Help() string {
	return "This is for good: a retired agent is never asked again.\n\nExample:\n  virtuous6 agents retire clerk --reason \"the desk is closed\""
}

// Run ends the agent.
func (v agentsRetireVerb) Run(ctx context.Context, a *app) error {
	if v.Agent == events.Assistant && !v.Yes {
		return usage("%s answers whatever fits no other agent: without it such runs fail, and nobody can bring it back. `virtuous6 agents configure %[1]s` changes it; --yes retires it all the same", v.Agent)
	}
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	switch _, err := a.dispatcher().Dispatch(ctx, commands.RetireAgent{Meta: a.meta(""), Agent: v.Agent, Reason: v.Reason}); {
	case errors.Is(err, aggregates.ErrMissing):
		return noAgent(v.Agent)
	case err != nil:
		return err
	}
	fmt.Fprintf(a.out, "%s takes no more runs.\n", oneLine(v.Agent))
	return nil
}

type agentsAdoptVerb struct {
	Agent string `arg:"" help:"The agent known from history, such as 'clerk (langfuse)'."`
	As    string `help:"The live agent that it is. Default: its name without the source." placeholder:"NAME"`
}

// Help gives an example.
func (agentsAdoptVerb) Help() string {
	return "What is found out about an agent of an imported history then reaches the live one.\n\nExample:\n  virtuous6 agents adopt 'clerk (langfuse)' --as clerk"
}

// Run notes that the two are one.
func (v agentsAdoptVerb) Run(ctx context.Context, a *app) error {
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	as := v.As
	if as == "" {
		as, _ = events.CutSource(v.Agent)
	}
	live, _, err := a.dispatcher().Agent(ctx, a.flags.Workspace, as)
	if err != nil {
		return err
	}
	if !live.Live || live.Retired {
		return fmt.Errorf("there is no live agent %q: make it with `virtuous6 agents spawn %s`, or name another one with --as", as, as)
	}
	reader, err := a.readAll(ctx)
	if err != nil {
		return err
	}
	agents, err := reader.Agents(ctx)
	if err != nil {
		return err
	}
	known := func(r projections.AgentRow) bool { return r.Agent == v.Agent && (r.Imported || r.Status == "") }
	if _, source := events.CutSource(v.Agent); source == "" || !slices.ContainsFunc(agents, known) {
		return fmt.Errorf("history knows no agent %q: `virtuous6 agents` lists them, with their sources", v.Agent)
	}
	adopt := []commands.Command{commands.AdoptAgent{Meta: a.meta(""), Agent: v.Agent, As: as}}
	history, _, err := a.dispatcher().Agent(ctx, a.flags.Workspace, v.Agent)
	if err != nil {
		return err
	}
	if !history.Imported { // an early log has it in the stream of the live one of its name
		adopt = append([]commands.Command{commands.SpawnAgent{Meta: a.meta(""), Agent: v.Agent, Imported: true}}, adopt...)
	}
	if _, err := a.dispatcher().Dispatch(ctx, adopt...); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s is %s.\n", oneLine(v.Agent), oneLine(as))
	return nil
}

// count is a number of rows, 0 for all of them.
type count int

// UnmarshalText reads what --limit is given.
func (c *count) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 31)
	if err != nil {
		return fmt.Errorf("%q is no number of rows: give 0 for all, or more", text)
	}
	*c = count(n) //nolint:gosec // 31 bits
	return nil
}

// rows is how many a list shows: what was asked for, else so many to a person and all to a program. 0 is all.
func rows(asked *count, program bool, toPerson count) count {
	switch {
	case asked != nil:
		return *asked
	case program:
		return 0
	}
	return toPerson
}
