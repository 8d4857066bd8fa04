package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// improvements decides on proposals and takes agents back.
func (a *app) improvements() orchestrator.Improvements {
	d := a.dispatcher()
	return orchestrator.Improvements{Store: a.store, Dispatch: d.Dispatch, Agents: d, Models: a.models}
}

// versions are those of an agent that there is.
func versions(ctx context.Context, reader projections.Reader, agent string) ([]projections.AgentVersionRow, error) {
	rows, err := reader.AgentVersions(ctx, agent)
	if err == nil && len(rows) == 0 {
		err = noAgent(agent)
	}
	return rows, err
}

// showVersions lists what an agent was made of, the latest first.
func (a *app) showVersions(ctx context.Context, reader projections.Reader, agent string, asJSON bool) error {
	rows, err := versions(ctx, reader, agent)
	if err != nil {
		return err
	}
	if asJSON {
		return a.json(rows)
	}
	return table(a.out, "VERSION|SINCE|BY|CHANGED|IMPROVEMENT|WHY", func(row func(...any)) {
		for i := len(rows) - 1; i >= 0; i-- {
			r := rows[i]
			changed := "first"
			switch {
			case r.Restores > 0:
				changed = fmt.Sprintf("back to %d", r.Restores)
			case i > 0:
				changed = strings.Join(changedKeys(rows[i-1].Config, r.Config), " ")
			}
			row(r.Version, when(r.MadeAt), short(r.Author, 32), orDash(changed), orDash(r.Improvement), short(r.Reason, 80))
		}
	})
}

func changedKeys(from, to events.AgentConfig) (keys []string) {
	for _, c := range answers.Changes(from, to) {
		keys = append(keys, strings.ReplaceAll(c.Key, " ", "_"))
	}
	return keys
}

// writeChanges shows what differs, a line a setting with - for what was and + for what is.
func writeChanges(w io.Writer, from, to events.AgentConfig) {
	for _, c := range answers.Changes(from, to) {
		for _, side := range []struct{ mark, value string }{{"-", c.Was}, {"+", c.Is}} {
			if side.value == "" {
				continue
			}
			for line := range strings.SplitSeq(side.value, "\n") {
				fmt.Fprintf(w, "  %s %s: %s\n", side.mark, c.Key, oneLine(line))
			}
		}
	}
}

type agentsDiffVerb struct {
	Agent string `arg:"" help:"The agent."`
	From  int    `help:"The version to compare. Default: the one before the other." placeholder:"VERSION"`
	To    int    `help:"The version to compare it with. Default: the latest." placeholder:"VERSION"`
	pastFlag
}

// Help gives examples.
func (agentsDiffVerb) Help() string {
	return "Examples:\n  virtuous6 agents diff clerk\n  virtuous6 agents diff clerk --from 1 --to 3"
}

// Run shows what differs between two versions.
func (v agentsDiffVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	rows, err := versions(ctx, reader, v.Agent)
	if err != nil {
		return err
	}
	to := v.To
	if to == 0 {
		to = len(rows)
	}
	from := v.From
	if from == 0 {
		from = max(to-1, 1)
	}
	for _, n := range []int{from, to} {
		if n < 1 || n > len(rows) {
			return usage("%s has the versions 1 to %d, and no version %d", v.Agent, len(rows), n)
		}
	}
	fmt.Fprintf(a.out, "%s, from version %d to %d:\n", oneLine(v.Agent), from, to)
	writeChanges(a.out, rows[from-1].Config, rows[to-1].Config)
	return nil
}

type agentsRollbackVerb struct {
	Agent  string `arg:"" help:"The agent."`
	To     int    `help:"The version to go back to, as 'agents show --versions' numbers them. Default: the one before." placeholder:"VERSION"`
	Reason string `help:"Why."`
}

// Help gives examples.
func (agentsRollbackVerb) Help() string {
	return "Makes an earlier version hold again, as a new one, for all runs that start from then on; runs under way keep what they began with. " +
		"Improvements that came since are noted as rolled back.\n\nExamples:\n  virtuous6 agents rollback clerk\n" +
		"  virtuous6 agents rollback clerk --to 1 --reason \"answers got longer\""
}

// Run takes the agent back.
func (v agentsRollbackVerb) Run(ctx context.Context, a *app) error {
	if v.To < 0 {
		return usage("--to %d: versions are numbered from 1", v.To)
	}
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	back, err := a.improvements().RollBack(ctx, commands.RestoreAgent{Meta: a.meta(""), Agent: v.Agent, Version: v.To, Reason: v.Reason})
	switch {
	case errors.Is(err, aggregates.ErrMissing):
		return noAgent(v.Agent)
	case err != nil:
		return err
	case back.Restores == 0:
		fmt.Fprintf(a.out, "%s is so already.\n", oneLine(v.Agent))
		return nil
	}
	fmt.Fprintf(a.out, "%s goes by version %d again, as version %d, for all runs that start from now on:\n", oneLine(v.Agent), back.Restores, back.Version)
	writeChanges(a.out, back.From, back.To)
	for _, id := range back.Undone {
		fmt.Fprintf(a.out, "Improvement %s is rolled back.\n", oneLine(id))
	}
	return nil
}
