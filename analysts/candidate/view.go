package candidate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// latest is how many runs of an agent are looked at.
const latest = 1000

// View is all that is looked at.
type View struct {
	// Agents are those that can be asked, by name.
	Agents []Agent
	// Texts are those of skills, as configurations have them.
	Texts map[events.SkillRef]projections.SkillTextRow
	// Total is how many runs all agents have in 30 days, as far as they were looked at.
	Total float64
}

// Agent is an agent with what it did by its latest version.
type Agent struct {
	Name string
	// Versions are all that it had, the oldest first.
	Versions []projections.AgentVersionRow
	// Experiments are those on it, the latest first.
	Experiments []projections.ExperimentRow
	// Runs are those that were rated, by its latest version and with nothing that was tried, in the order of their first facts.
	Runs []Run
	// Monthly is how many of them there are in 30 days.
	Monthly float64
}

// Run is a run of an agent.
type Run struct {
	Name, Workflow, Task string
	// Model is what it was asked of, empty where that was more than one or is not known.
	Model string
	// Asked is the beginning of what it was asked.
	Asked string
	Good  bool
	// Skills are those that it loaded, as events.SkillRef.String tells them.
	Skills []string
	// Input and Output are its tokens, Answers those of each answer of a model.
	Input, Output int64
	Answers       []int64
	// Cut tells that its last answer was cut at its limit of tokens.
	Cut bool
	// Nanos is what it cost, Priced whether that is known.
	Nanos  float64
	Priced bool
	// Started is when it began, in Unix nanoseconds, 0 where that is not known.
	Started     int64
	First, Last uint64
}

// now is what an agent is made of.
func (a *Agent) now() projections.AgentVersionRow { return a.Versions[len(a.Versions)-1] }

// busy tells of an agent that something is tried with, or is to be: what else is worth a trial waits.
func (a *Agent) busy() bool {
	return slices.ContainsFunc(a.Experiments, func(x projections.ExperimentRow) bool {
		return slices.Contains([]string{projections.ExperimentPlanned, projections.ExperimentRunning, projections.ExperimentProved}, x.Status)
	})
}

func load(ctx context.Context, r projections.Reader) (View, error) {
	v := View{Texts: map[events.SkillRef]projections.SkillTextRow{}}
	agents, err := r.Agents(ctx)
	if err != nil {
		return v, fmt.Errorf("load agents: %w", err)
	}
	versions, err := r.AgentVersions(ctx, "")
	if err != nil {
		return v, fmt.Errorf("load versions: %w", err)
	}
	experiments, err := r.Experiments(ctx, "")
	if err != nil {
		return v, fmt.Errorf("load experiments: %w", err)
	}
	texts, err := r.SkillTexts(ctx)
	if err != nil {
		return v, fmt.Errorf("load skills: %w", err)
	}
	for _, t := range texts {
		v.Texts[t.Ref()] = t
	}
	var seen map[string]*projections.Observation
	for _, row := range agents {
		if !row.Askable() {
			continue
		}
		a := Agent{Name: row.Agent}
		for _, version := range versions {
			if version.Agent == a.Name {
				a.Versions = append(a.Versions, version)
			}
		}
		if len(a.Versions) == 0 || own(a.Versions[0].Author, row.Specialist) {
			continue
		}
		for _, x := range experiments {
			if x.Agent == a.Name && x.Status != projections.ExperimentHeldBack {
				a.Experiments = append(a.Experiments, x)
			}
		}
		if seen == nil {
			all, err := r.Observations(ctx)
			if err != nil {
				return v, fmt.Errorf("load runs: %w", err)
			}
			seen = make(map[string]*projections.Observation, len(all))
			for _, o := range all {
				seen[o.Run] = o
			}
		}
		if a.Runs, err = runsOf(ctx, r, &a, seen); err != nil {
			return v, fmt.Errorf("load runs of %s: %w", a.Name, err)
		}
		v.Agents = append(v.Agents, a)
	}
	slices.SortFunc(v.Agents, func(a, b Agent) int { return cmp.Compare(a.Name, b.Name) })
	v.month()
	return v, nil
}

// own tells of an agent that does something for the program itself: what is asked of it is asked as the program says.
func own(author, specialist string) bool {
	return specialist == "" && strings.HasPrefix(author, "manager:") && author != "manager:experiment"
}

// runsOf are the rated runs of an agent by its latest version. What was drawn for a change that is tried, or stays on an earlier version, tells of
// something else.
func runsOf(ctx context.Context, r projections.Reader, a *Agent, seen map[string]*projections.Observation) (runs []Run, err error) {
	revision := int64(-1)
	for row, err := range r.Runs(ctx, projections.RunFilter{Agent: a.Name, Limit: latest}) {
		if err != nil {
			return nil, err
		}
		if row.FirstPosition < a.now().Position {
			break // the latest come first
		}
		if row.Agent != a.Name || row.Tried || row.AgentRevision < max(revision, 0) {
			continue
		}
		if row.AgentRevision > revision {
			revision, runs = row.AgentRevision, nil
		}
		if result := row.Result(); result != events.Succeeded && result != events.Failed {
			continue
		}
		run := Run{
			Name: row.Run, Workflow: row.Workflow, Task: row.Task, Asked: row.Prompt, Good: row.Result() == events.Succeeded, Skills: row.Skills,
			Input: row.InputTokens, Output: row.OutputTokens, Nanos: float64(row.CostNanos), Priced: row.Whole(), First: row.FirstPosition, Last: row.LastPosition,
		}
		if len(row.Models) == 1 {
			run.Model = row.Models[0]
		}
		if !row.StartedAt.IsZero() {
			run.Started = row.StartedAt.UnixNano()
		}
		if o := seen[row.Run]; o != nil {
			run.Cut = o.Cut
			for i := range o.Steps {
				if s := &o.Steps[i]; s.Doing != nil && s.Model != "" && s.OutputTokens > 0 {
					run.Answers = append(run.Answers, s.OutputTokens)
				}
			}
		}
		runs = append(runs, run)
	}
	slices.Reverse(runs)
	return runs, nil
}
