package orchestrator

import (
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// teamRuns is how many runs a team makes of a task, and what it does, as whoever chooses one is told.
var teamRuns = []struct {
	team events.Team
	runs int
	does string
}{
	{events.TeamReview, 3, "the first agent writes a draft, the second one reviews it, the first one makes it final"},
	{events.TeamVote, 4, "three agents do it by themselves, and what two of them agree on counts"},
	{events.TeamHandOver, 2, "the first agent begins, and hands it over to the second one with what it did and found"},
}

// teamOf is a team with its agents, in the order of their parts.
type teamOf struct {
	team   events.Team
	agents []string
}

// partMark stands between a part of a team's and the title of what the team does.
const partMark = ": "

// formTeams puts in the place of each task that a team is to do the tasks of its members. The last of them has the task's name, so that
// others wait for it.
func formTeams(tasks []events.GoalTask, teams map[string]teamOf) ([]events.GoalTask, error) {
	var formed []events.GoalTask
	for _, t := range tasks {
		of, has := teams[t.Task]
		if !has || of.team == "" {
			if len(of.agents) > 0 {
				return nil, fmt.Errorf("task %s names agents for a team, and no team: there are %q", t.Task, events.Teams())
			}
			formed = append(formed, t)
			continue
		}
		members, err := formTeam(t, of)
		if err != nil {
			return nil, err
		}
		formed = append(formed, members...)
	}
	return formed, nil
}

func formTeam(t events.GoalTask, of teamOf) ([]events.GoalTask, error) {
	if t.Tool != "" || t.Question != "" {
		return nil, fmt.Errorf("task %s calls a tool or asks a person: a team can do what agents are asked", t.Task)
	}
	agent := func(i int) string {
		if i < len(of.agents) {
			return of.agents[i]
		}
		return t.Agent
	}
	title := t.Title
	if title == "" {
		title = t.Task
	}
	// member is a task of the team's, which needs what the whole needs, and others of the team.
	member := func(part, agent, instruction string, on ...string) events.GoalTask {
		m := t
		m.Task, m.Title, m.Agent, m.Instruction, m.Team = t.Task+"-"+part, part+partMark+title, agent, instruction, string(of.team)+" of "+t.Task
		m.DependsOn = append(slices.Clone(t.DependsOn), on...)
		m.EstimateSeconds, m.EstimateNanos = 0, 0
		return m
	}
	last := func(agent, instruction string, on ...string) events.GoalTask {
		m := member("", agent, instruction, on...)
		m.Task, m.Title = t.Task, t.Title
		return m
	}
	bounds := func(most int) error {
		if len(of.agents) > most {
			return fmt.Errorf("task %s names %d agents: %s takes up to %d", t.Task, len(of.agents), of.team, most)
		}
		return nil
	}
	switch of.team {
	case events.TeamReview:
		draft := member("draft", agent(0), t.Instruction)
		review := member("review", agent(1), "Another agent wrote what is below for this task: "+t.Instruction+
			"\n\nReview it: say what is wrong or missing and how to better it, the worst first. Say so where nothing is.", draft.Task)
		final := last(agent(0), t.Instruction+"\n\nYour draft and what a reviewer says of it are below. Answer with the final version, whole.", draft.Task, review.Task)
		return []events.GoalTask{draft, review, final}, bounds(2)
	case events.TeamVote:
		var votes []events.GoalTask
		var names []string
		for i := range 3 {
			v := member(fmt.Sprint("vote-", i+1), agent(i), t.Instruction)
			v.OnFailure = events.SkipTask // two can still agree
			votes, names = append(votes, v), append(names, v.Task)
		}
		return append(votes, last(t.Agent, "Three agents were asked this, and none saw the others' answers, which are below: "+t.Instruction+
			"\n\nAnswer with what at least two of them agree on. Where no two agree, say so first, then give the answer that is best founded.", names...)), bounds(3)
	case events.TeamHandOver:
		begin := member("begin", agent(0), t.Instruction+"\n\nAnother agent goes on with this after you: do your part, then tell it what you did, what you found, and what is left.")
		return []events.GoalTask{begin, last(agent(1), t.Instruction+"\n\nAnother agent began this and hands it over to you with what is below. Go on from there, and answer with the whole result.", begin.Task)}, bounds(2)
	}
	return nil, fmt.Errorf("task %s has the team %q: there are %q", t.Task, of.team, events.Teams())
}
