package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
)

// sentence says what a fact tells in a story. It is empty for what is no part of one.
func sentence(fact events.Event) string {
	switch f := fact.(type) {
	case events.ImprovementProposed:
		bound := ""
		if f.Bound {
			bound = "; it waits for a person, since forecasts of the analyst " + f.Analyst + " did not come true"
		}
		return fmt.Sprintf("proposed to change the %s of %s. %s (%s; foreseen %+.3g in %s, %.3g to %.3g)%s", f.Change.Kind,
			f.Change.Subject(), f.Reason, evidenceText(f.Evidence), f.Expected.Change, f.Expected.Metric, f.Expected.Low, f.Expected.High, bound)
	case events.ImprovementEvidenceChanged:
		return fmt.Sprintf("the evidence is %s: %s (%s)", f.Move, f.Strength, evidenceText(f.Evidence))
	case events.ImprovementApproved:
		how := "to be made at once"
		if f.Trial {
			how = "to be tried on a part of the runs"
		}
		return strings.TrimSpace(fmt.Sprintf("approved by %s, %s. %s", f.By, how, f.Note))
	case events.EvalFinished:
		return "an eval: " + evalText(f)
	case events.AnalystBound:
		return "it may do nothing without a person: " + f.Reason
	case events.AnalystFreed:
		return "it goes by the policy again: " + f.Reason
	case events.AnalystScored:
		return fmt.Sprintf("its analyst's forecast is scored: %s, Brier %.2f, doubt %.2g of 100", map[bool]string{true: "it came true", false: "it did not come true"}[f.CameTrue], f.Brier, f.Doubt)
	case events.ImprovementRejected:
		return fmt.Sprintf("rejected by %s. %s", f.By, f.Reason)
	case events.ImprovementApplied:
		return fmt.Sprintf("the change has %s of the runs", percent(int64(f.Share)))
	case events.ImprovementRolledBack:
		return "taken back: " + f.Reason
	case events.ImprovementEffectMeasured:
		return fmt.Sprintf("measured: %s (%s)", f.Metric, evidenceText(f.Evidence))
	case events.ExperimentPlanned:
		of, unit := f.Agent, "runs"
		if f.Book != nil {
			of, unit = fmt.Sprintf("%s, made from version %d,", f.Book.Runbook, f.Book.From), "goals"
		}
		return fmt.Sprintf("an experiment on the %s of %s is planned%s, let by %s up to %s of the %s%s", f.Change, of, passesText(f), f.By, percent(int64(f.MaxShare)), unit, screenText(f.Screen))
	case events.ExperimentStarted:
		return fmt.Sprintf("it starts with %s of all; a promotion of what is no better has a chance of %.2g", percent(int64(f.Share)), f.Level)
	case events.ExperimentMoved:
		return fmt.Sprintf("no guardrail is broken, so it gets %s of all (%s)", percent(int64(f.Share)), countsText(f.Proof))
	case events.ExperimentAllocated:
		text := fmt.Sprintf("the arms get %d permille of the runs, by which of them may be the best", f.Shares)
		if f.Dropped != "" {
			text = fmt.Sprintf("%s goes out, %s", f.Dropped, f.Reason)
		}
		return fmt.Sprintf("%s (%s)", text, countsText(f.Proof))
	case events.ExperimentProved:
		return fmt.Sprintf("%s is proved to be better, and waits for a person (%s)", cmp.Or(f.Arm, events.CandidateArm), countsText(f.Proof))
	case events.ExperimentPromoted:
		return fmt.Sprintf("%s is promoted by %s (%s)", cmp.Or(f.Arm, events.CandidateArm), f.By, countsText(f.Proof))
	case events.ExperimentRolledBack:
		return fmt.Sprintf("rolled back, %s (%s)", f.Reason, countsText(f.Proof))
	case events.ExperimentStopped:
		return fmt.Sprintf("stopped by %s: %s", f.By, f.Reason)
	case events.ExperimentExpired:
		return fmt.Sprintf("ended: %s (%s)", f.Reason, countsText(f.Proof))
	case events.RunbookSaved:
		return bookText(f)
	case events.GoalCreated:
		return "the goal was made for " + orDash(f.Requester)
	case events.GoalPlanned:
		text := "planned by a " + string(f.Source)
		if of := cmp.Or(f.Runbook, f.Template); of != "" {
			text += ", " + of
		}
		return text + armsText(f.Arms)
	case events.GoalFinished:
		return strings.TrimSuffix(fmt.Sprintf("the goal ended: %s, %s", f.Outcome, f.Reason), ", ")
	case events.GoalCancelled:
		return strings.TrimSuffix(fmt.Sprintf("the goal was given up by %s: %s", f.By, f.Reason), ": ")
	case events.AgentSpawned:
		by := "was made"
		if f.Specialist != nil {
			by = "was spawned by itself for the run " + f.Specialist.Run + ", since " + f.Specialist.Reason
		}
		return fmt.Sprintf("the agent %s %s: model %s. %s", f.Agent, by, orDash(f.Config.Model), f.Config.Prompt)
	case events.AgentConfigured:
		by := ""
		if f.Improvement != "" {
			by = ", of " + f.Improvement
		}
		passes := answers.Tried(events.ChangeRouting, f.Config)
		if passes != "" {
			passes = " It passes on " + passes + "."
		}
		return fmt.Sprintf("another version of the agent%s: %sModel %s.%s %s", by, spaced(f.Reason), orDash(f.Config.Model), passes, f.Config.Prompt)
	case events.AgentRested:
		return "the agent was laid to rest: nobody has asked it since " + when(f.Since)
	case events.AgentWoken:
		return "the agent was woken for the run " + f.Run
	case events.AgentRetired:
		return "the agent was retired: " + f.Reason
	case events.RunStarted:
		return fmt.Sprintf("the run was asked for by %s, of %s", orDash(f.Requester), cmp.Or(f.Agent, "whoever fits best"))
	case events.RunAssigned:
		text := fmt.Sprintf("answered by %s at revision %d of its facts", f.Agent, f.Revision)
		if f.Choice != nil {
			text += ", since " + f.Choice.Reason
		}
		return text + armsText(f.Arms)
	case events.RunSpecialistDrafted:
		if f.Invalid != "" {
			return fmt.Sprintf("%s was asked for a specialist's prompt, and none could be taken: %s", orDash(f.Model), f.Invalid)
		}
		return fmt.Sprintf("%s drafted a specialist's prompt from %s", orDash(f.Model), f.Template)
	case events.RunSkillLoaded:
		return fmt.Sprintf("it loaded %s of the skill %s", cmp.Or(f.File, events.SkillMain), events.SkillRef{Name: f.Skill, Digest: f.Digest})
	case events.RunApprovalAsked:
		return fmt.Sprintf("it wants to call %s with %s, and waits for a person until %s", f.Tool, f.Arguments, when(f.Expires))
	case events.RunApprovalAnswered:
		return strings.TrimSuffix(fmt.Sprintf("that call is %s by %s: %s", f.Answer, cmp.Or(f.By, "nobody"), f.Note), ": ")
	case events.RunSuspended:
		return "it waits for money or time: " + f.Reason
	case events.RunResumed:
		return "it goes on with the budget " + f.Budget
	case events.RunFinished:
		return "the run ended: " + string(f.Outcome)
	case events.RunFailed:
		return "the run failed: " + f.Error
	case events.RunCancelled:
		return "the run was cancelled: " + f.Reason
	}
	return ""
}

// armsText tells the arms that were drawn.
func armsText(arms []events.Arm) (text string) {
	for _, arm := range arms {
		text += fmt.Sprintf(", drawn as %s in %s with a chance of %s", arm.Arm, arm.Experiment, percent(int64(arm.Permille)))
	}
	return text
}

// bookText tells of a version of a runbook.
func bookText(f events.RunbookSaved) string {
	names := make([]string, len(f.Steps))
	for i, s := range f.Steps {
		names[i] = s.Name
	}
	text := "a version of the runbook"
	if f.Restores > 0 {
		text += fmt.Sprintf(", which is version %d again", f.Restores)
	}
	if f.Improvement != "" {
		text += ", of " + f.Improvement
	}
	text += ": " + strings.Join(names, ", ")
	if f.Proof != nil {
		text += " (" + countsText(*f.Proof) + ")"
	}
	return text
}

// spaced is a text with a space behind it, where there is one.
func spaced(text string) string {
	if text == "" {
		return ""
	}
	return text + " "
}

func evidenceText(e events.Evidence) string {
	return fmt.Sprintf("%s %.3g, %.3g to %.3g at %.0f%%, over %d runs at positions %d to %d", e.Statistic, e.Value, e.Low, e.High, 100*e.Confidence, e.N, e.From, e.To)
}

// countsText says what a decision counted, where, and what it rests on.
func countsText(p events.Proof) string {
	var arms []string
	for _, arm := range p.Arms {
		arms = append(arms, fmt.Sprintf("%s %d of %d", arm.Arm, arm.Succeeded, arm.Runs-arm.Unrated))
	}
	return fmt.Sprintf("%s at positions %d to %d: %s", strings.Join(arms, ", "), p.From, p.To, proofText(p))
}
