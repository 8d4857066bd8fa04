package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/routing"
)

// specialist spawns the agent that a run lacks, from the template or the runbook that the task fits best: with the tools of
// that which the policy grants and no others, and with the limits of the assistant, who would answer else. It is empty, with why,
// where there is to be none: the policy allows no more, nothing fits, or there was one of that name.
func (t *turn) specialist(ctx context.Context, why string) (name, reason string, err error) {
	workspace := t.wish.Workspace
	policy := t.policies(workspace)
	if policy.Specialists == 0 {
		return "", "the policy lets none be spawned", nil
	}
	// One at a time: two that are spawned at once would both be the last one that is allowed.
	unlock, err := t.roster.spawning(ctx, workspace, t.lend)
	if err != nil {
		return "", "", err
	}
	defer unlock()
	spawned, err := t.roster.specialists(ctx, workspace)
	if err != nil {
		return "", "", err
	}
	there := len(spawned)
	rows, err := t.models.In(workspace).Runbooks(ctx)
	if err != nil {
		return "", "", fmt.Errorf("read runbooks: %w", err)
	}
	books := make([]events.RunbookSaved, len(rows))
	for i, r := range rows {
		books[i] = events.RunbookSaved{Runbook: r.Runbook, Steps: r.Steps, Requester: r.Requester}
	}
	template, match, found := routing.Nearest(routing.Templates(books), t.task())
	if !found {
		return "", "no template or runbook fits the task either", nil
	}
	before, _, err := t.agents.Agent(ctx, workspace, template.Name)
	switch {
	case err != nil:
		return "", "", err
	case before.Retired:
		return "", template.Name + " would be spawned, and was retired", nil
	case before.Live && slices.Contains(spawned, template.Name): // spawned a moment ago, or by words that its prompt lacks
		match.Name = template.Name
		record, err := recordOf(ctx, t.models.In(workspace), match)
		if err != nil || !record.Holds() {
			return "", fmt.Sprintf("%s succeeded in %d of %d like tasks only", template.Name, record.Succeeded, record.Rated), err
		}
		return template.Name, fmt.Sprintf("%s; %s was spawned from %s before, by the words %s", why, template.Name, template.From, match.Told()), nil
	case before.Live:
		return "", template.Name + " is there already, and somebody made it", nil
	case there >= policy.Specialists:
		return "", fmt.Sprintf("there are %d specialists, as many as the policy allows", there), nil
	}
	config, err := t.specialistConfig(ctx, template, policy)
	if err != nil {
		return "", "", err
	}
	by, depth, fanout, err := t.spawner(ctx)
	if err != nil {
		return "", "", err
	}
	t.agent = by // the budgets of who asks count, for as long as this one is nobody's
	defer func() { t.agent = "" }()
	room := commands.ReserveBudget{Step: noStep, Begun: true, Most: events.Resources{Agents: 1}, Depth: int64(depth), Fanout: int64(fanout)}
	if err := t.mayReserve(ctx, room); err != nil { // before anything is paid for
		return refusedAs(err)
	}
	config, draftedBy, undrafted, err := t.draft(ctx, template, config)
	if err != nil {
		return "", "", err
	}
	reason = fmt.Sprintf("%s; spawned from %s, by the words %s", why, template.From, match.Told())
	switch {
	case draftedBy != "":
		reason += ", with a prompt that " + draftedBy + " drafted for the task"
	case undrafted != "":
		reason += ", with the prompt of that as it is, since no draft could be taken: " + undrafted
	}
	meta := t.meta(0, t.clock())
	meta.Actor, meta.ID = "manager:run", t.nameID("specialist "+template.Name)
	spawn := commands.SpawnAgent{Meta: meta, Agent: template.Name, Role: template.Role, Config: config, Specialist: &events.Specialist{
		Run: t.wish.Run, Template: template.From, Number: there + 1, Reason: reason, By: by, Depth: depth, DraftedBy: draftedBy, Undrafted: undrafted, Of: template.Of,
	}}
	if err := t.spawn(ctx, spawn, room); err != nil && !errors.Is(err, aggregates.ErrExists) { // another run was quicker
		return refusedAs(err)
	}
	if err := t.roster.spawned(ctx, workspace, template.Name, template.Role, config.Prompt); err != nil {
		return "", "", err
	}
	if policy.SpecialistNanos > 0 {
		meta.ID = t.nameID("budget of " + template.Name)
		_, err := t.dispatch(ctx, commands.SetBudget{
			Meta: meta, Budget: commands.AgentBudget(template.Name), Period: events.Monthly, LimitNanos: policy.SpecialistNanos, Marks: []int{50, 80},
		})
		if err != nil {
			return "", "", err
		}
		t.caps.add(workspace, commands.AgentBudget(template.Name), capped{money: true})
	}
	return template.Name, reason, nil
}

// spawner is the agent whose run asks for this one, empty where a person or a program does, how deep an agent would be that is spawned for
// it, and the how manieth for that one.
func (t *turn) spawner(ctx context.Context) (by string, depth, fanout int, err error) {
	asker := t.conversation.started.AskedBy
	if asker == "" {
		return "", 1, 1, nil
	}
	c := newConversation()
	if err := c.read(ctx, t.store, t.wish.Workspace, asker); err != nil {
		return "", 0, 0, err
	}
	if c.assigned == nil {
		return "", 1, 1, nil
	}
	by, depth, fanout = c.assigned.Agent, 1, 1
	spawned, err := t.roster.specialists(ctx, t.wish.Workspace)
	if err != nil {
		return "", 0, 0, err
	}
	for _, name := range append(spawned, by) {
		agent, _, err := t.agents.Agent(ctx, t.wish.Workspace, name)
		if err != nil {
			return "", 0, 0, err
		}
		switch s := agent.Specialist; {
		case s != nil && name == by:
			depth = max(s.Depth, 1) + 1
		case s != nil && s.By == by && !agent.Retired:
			fanout++
		}
	}
	return by, depth, fanout, nil
}

// refusedAs is a refusal in words, or an error that is none.
func refusedAs(err error) (name, reason string, _ error) {
	if aggregates.Refused(err) {
		return "", err.Error(), nil
	}
	return "", "", err
}

// noStep is that of a reservation that is for none of a run.
const noStep = -1

// spawn spawns an agent where budgets let it.
func (t *turn) spawn(ctx context.Context, spawn commands.SpawnAgent, room commands.ReserveBudget) error {
	// Where this process dies before it is settled, it counts.
	if _, err := t.reserve(ctx, room, true); err != nil {
		return err
	}
	one := room.Most
	_, err := t.dispatch(ctx, spawn)
	if err != nil {
		one = events.Resources{}
	}
	budgets, _ := t.caps.of(t.wish.Workspace, t.conversation.started.Goal, t.agent, t.wish.Run, room.Most)
	for _, b := range budgets {
		id := t.reservationID(b, noStep)
		settle := commands.SettleBudget{Meta: t.meta(0, t.clock()), Budget: b, Reservation: id.String(), Took: one}
		settle.ID = events.DeriveID(id, 1)
		if _, serr := t.dispatch(ctx, settle); serr != nil && !aggregates.Refused(serr) {
			return serr
		}
	}
	return err
}

// specialistConfig is what a specialist is made of.
func (t *turn) specialistConfig(ctx context.Context, template routing.Template, policy aggregates.Policy) (events.AgentConfig, error) {
	asker, _, err := t.agents.Agent(ctx, t.wish.Workspace, events.Assistant)
	if err != nil {
		return events.AgentConfig{}, err
	}
	config := asker.Config
	config.Prompt, config.Schema, config.Tools, config.Of = strings.TrimSpace(template.Prompt), nil, nil, template.Of
	for _, tool := range template.Tools {
		if policy.Tool(tool) == aggregates.ToolNever {
			continue
		}
		box, err := t.toolbox.Tools(ctx, []string{tool})
		if ctx.Err() != nil {
			return config, ctx.Err()
		}
		if err == nil {
			_, err = box.Specs([]string{tool})
		}
		if err == nil { // what this program does not have helps nobody
			config.Tools = append(config.Tools, tool)
		}
	}
	return config, nil
}

// nameID is the id of a command that the turn gives by a name.
func (t *turn) nameID(name string) uuid.UUID {
	return events.NameID(time.Unix(t.wish.ID.Time().UnixTime()), name+" of "+t.wish.ID.String())
}
