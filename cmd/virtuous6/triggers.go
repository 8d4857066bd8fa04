package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// triggersVerb is the verb's own verbs. Without one it lists.
type triggersVerb struct {
	List   triggersListVerb   `cmd:"" default:"withargs" help:"List triggers."`
	Show   triggersShowVerb   `cmd:"" help:"Show a trigger: what it asks, when it ticks next, what came of it."`
	Add    triggersAddVerb    `cmd:"" help:"Have runs started by a clock, or by what others deliver."`
	Remove triggersRemoveVerb `cmd:"" help:"End a trigger."`
}

// triggerConfig is a trigger in the configuration.
type triggerConfig struct {
	Cron     string `yaml:"cron"`
	Zone     string `yaml:"zone"`
	Webhook  string `yaml:"webhook"`
	Secret   string `yaml:"secret_env"`
	Prompt   string `yaml:"prompt"`
	Agent    string `yaml:"agent"`
	Workflow string `yaml:"workflow"`
	Goal     bool   `yaml:"goal"`
}

func (t triggerConfig) set(name string) events.TriggerSet {
	return events.TriggerSet{
		Trigger: name, Cron: t.Cron, Zone: t.Zone, Webhook: events.Signature(t.Webhook), Secret: t.Secret, Prompt: t.Prompt, Agent: t.Agent, Workflow: t.Workflow, Goal: t.Goal,
	}
}

// configuredTriggers makes the triggers of the configuration those that there are: what was taken out of it is removed. Triggers
// that people added stay.
func (a *app) configuredTriggers(ctx context.Context) error {
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	rows, err := a.own().Triggers(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(a.config.Triggers)) {
		set := a.config.Triggers[name].set(name)
		set.Configured = true
		if slices.ContainsFunc(rows, func(r projections.TriggerRow) bool {
			return r.Trigger == name && r.Status == projections.TriggerActive && !r.Configured
		}) {
			return fmt.Errorf("triggers.%s: there is a trigger of that name that does not stand in the configuration: `virtuous6 triggers remove %s` removes it", name, name)
		}
		if _, err := a.dispatcher().Dispatch(ctx, commands.SetTrigger{Meta: a.meta(""), Set: set, Replace: true}); err != nil {
			return err
		}
	}
	for _, r := range rows {
		if _, stays := a.config.Triggers[r.Trigger]; stays || !r.Configured || r.Status != projections.TriggerActive {
			continue
		}
		remove := commands.RemoveTrigger{Meta: a.meta(""), Trigger: r.Trigger, Reason: "it no longer stands in the configuration"}
		if _, err := a.dispatcher().Dispatch(ctx, remove); err != nil && !aggregates.Refused(err) {
			return err
		}
	}
	return nil
}

type triggersListVerb struct {
	All bool `help:"Show removed ones, too."`
	listFlags
}

// Help gives an example.
func (triggersListVerb) Help() string {
	return "Triggers start runs by themselves, while a `serve` drives the store: docs/triggers.md.\n\nExample:\n  virtuous6 triggers"
}

// Run lists triggers by name.
func (v triggersListVerb) Run(ctx context.Context, a *app) error {
	return list(ctx, a, v.listFlags, func(reader projections.Reader) ([]projections.TriggerRow, error) {
		rows, err := reader.Triggers(ctx)
		return slices.DeleteFunc(rows, func(r projections.TriggerRow) bool { return !v.All && r.Status == projections.TriggerRemoved }), err
	}, func(rows []projections.TriggerRow) error {
		return table(a.out, "TRIGGER|WHEN|ASKS|STARTED|LAST|MISSED|STATUS", func(row func(...any)) {
			for _, t := range rows {
				status := t.Status
				if t.LastError != "" {
					status = short(t.LastError, 40)
				}
				row(short(t.Trigger, 40), occasion(t), short(cmp.Or(t.Agent, t.Prompt), 30), t.Started, when(t.LastAt), t.Missed, status)
			}
		})
	})
}

// occasion is what a trigger goes by.
func occasion(t projections.TriggerRow) string {
	if t.Webhook != "" {
		return "webhook, " + t.Webhook
	}
	return t.Cron + " " + cmp.Or(t.Zone, "UTC")
}

// theTrigger is a trigger that is there.
func (a *app) theTrigger(ctx context.Context, name string) (projections.TriggerRow, error) {
	reader, err := a.readAll(ctx)
	if err != nil {
		return projections.TriggerRow{}, err
	}
	rows, err := reader.Triggers(ctx)
	if err != nil {
		return projections.TriggerRow{}, err
	}
	i := slices.IndexFunc(rows, func(r projections.TriggerRow) bool { return r.Trigger == name })
	if i < 0 {
		return projections.TriggerRow{}, fmt.Errorf("there is no trigger %q: `virtuous6 triggers` lists them", oneLine(name))
	}
	return rows[i], nil
}

type triggersShowVerb struct {
	Trigger string `arg:"" help:"The trigger."`
	JSON    bool   `name:"json" help:"Print one JSON value."`
}

// Help gives an example.
func (triggersShowVerb) Help() string { return "Example:\n  virtuous6 triggers show nightly" }

// Run shows a trigger.
func (v triggersShowVerb) Run(ctx context.Context, a *app) error {
	t, err := a.theTrigger(ctx, v.Trigger)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(t)
	}
	asks := "a run of " + cmp.Or(t.Agent, "the agent that fits best")
	if t.Goal {
		asks = "a goal"
	}
	fmt.Fprintf(a.out, "%s  %s, %s, starts %s\nset by %s %s\n", t.Trigger, t.Status, occasion(t), oneLine(asks), oneLine(t.SetBy), when(t.SetAt))
	if schedule, err := commands.ParseSchedule(t.Cron, t.Zone); err == nil && t.Status == projections.TriggerActive {
		fmt.Fprintf(a.out, "next %s\n", when(schedule.Next(a.clock())))
	}
	if t.Webhook != "" {
		fmt.Fprintf(a.out, "deliveries go to POST /hooks/%s of --hooks, signed with the secret in %s\n", t.Trigger, t.Secret)
	}
	fmt.Fprintf(a.out, "started %d, the last one %s %s; %d ticks missed\n", t.Started, orDash(t.Last), when(t.LastAt), t.Missed)
	if t.LastError != "" {
		fmt.Fprintf(a.out, "its last tick started nothing: %s\n", oneLine(t.LastError))
	}
	fmt.Fprintf(a.out, "\n%s\n", t.Prompt)
	return nil
}

type triggersAddVerb struct {
	Trigger  string `arg:"" help:"What it is called: letters, digits, '_', '-' and '.'."`
	Cron     string `help:"When its clock ticks: the five fields of cron, or @hourly, @daily, @weekly, @monthly, or @every 30m." placeholder:"SCHEDULE"`
	Zone     string `help:"The time zone of that. Default: UTC." placeholder:"NAME"`
	Webhook  string `help:"How deliveries are signed: standard (standardwebhooks.com) or github." placeholder:"KIND"`
	Secret   string `name:"secret-env" help:"The environment variable that holds the secret of the signature, where serve runs." placeholder:"NAME"`
	Prompt   string `required:"" help:"What is asked; @FILE reads it from a file. Of a delivery {{issue.title}} is put in, {{}} is all of it." placeholder:"TEXT"`
	Agent    string `help:"Who is asked. Default: whoever fits best."`
	Workflow string `help:"The workflow of its runs. Default: the trigger's name."`
	Goal     bool   `help:"Start a goal in place of a run."`
	Replace  bool   `help:"Let it take the place of the trigger of that name."`
}

// Help gives examples.
func (triggersAddVerb) Help() string {
	return "What it starts is asked for by trigger:NAME. Each tick and each delivery starts one run, whoever drives and however often it comes.\n\nExamples:\n" +
		"  virtuous6 triggers add nightly --cron \"0 2 * * 1-5\" --zone Europe/Berlin --agent clerk --prompt \"Sum up what came in.\"\n" +
		"  virtuous6 triggers add issues --webhook github --secret-env ISSUES_SECRET --prompt \"Triage: {{issue.title}}\""
}

// Run adds a trigger.
func (v triggersAddVerb) Run(ctx context.Context, a *app) error {
	prompt, err := textOrFile("prompt", v.Prompt)
	if err != nil {
		return err
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	set := triggerConfig{v.Cron, v.Zone, v.Webhook, v.Secret, prompt, v.Agent, v.Workflow, v.Goal}.set(v.Trigger)
	_, err = a.dispatcher().Dispatch(ctx, commands.SetTrigger{Meta: a.meta(""), Set: set, Replace: v.Replace})
	if errors.Is(err, aggregates.ErrExists) {
		return fmt.Errorf("%w: --replace lets this one take its place", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s is set: `virtuous6 serve` goes by it, `virtuous6 triggers show %s` tells when.\n", v.Trigger, v.Trigger)
	return nil
}

type triggersRemoveVerb struct {
	Trigger string `arg:"" help:"The trigger."`
	Reason  string `help:"Why."`
}

// Help tells what stays.
func (triggersRemoveVerb) Help() string {
	return "What it started goes on.\n\nExample:\n  virtuous6 triggers remove nightly --reason \"nobody reads it\""
}

// Run removes a trigger.
func (v triggersRemoveVerb) Run(ctx context.Context, a *app) error {
	t, err := a.theTrigger(ctx, v.Trigger)
	if err != nil {
		return err
	}
	if t.Configured && t.Status == projections.TriggerActive {
		return fmt.Errorf("%s stands in the configuration: take it out there, under triggers:, and restart serve", t.Trigger)
	}
	_, err = a.dispatcher().Dispatch(ctx, commands.RemoveTrigger{Meta: a.meta(""), Trigger: v.Trigger, Reason: v.Reason})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s is removed.\n", t.Trigger)
	return err
}
