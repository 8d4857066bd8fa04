package analysts

import (
	"github.com/virtuous6/virtuous6/analysts/candidate"
	"github.com/virtuous6/virtuous6/analysts/cost"
	"github.com/virtuous6/virtuous6/analysts/data"
	"github.com/virtuous6/virtuous6/analysts/failure"
	"github.com/virtuous6/virtuous6/analysts/feedback"
	"github.com/virtuous6/virtuous6/analysts/performance"
	"github.com/virtuous6/virtuous6/analysts/workflow"
)

// next is what to do about a finding, by its kind. RUN is the run that shows it.
var next = map[string]string{
	"slow_step":               "look at what it waits for in one of its runs: virtuous6 runs RUN",
	"costly_step":             "virtuous6 costs tells whose calls those are; a cheaper model is proposed where its quality holds",
	workflow.Bottleneck:       "make it quicker, or do it beside something else: virtuous6 patterns tells what comes before it",
	workflow.Waiting:          "find out what is waited for there: virtuous6 runs, then virtuous6 runs RUN of a long one",
	workflow.Handover:         "let one agent do both, or tell the next one sooner",
	workflow.Parallel:         "ask who knows the work whether one needs the other, and start both at once if not",
	workflow.Automation:       "keep it as a runbook: virtuous6 save-workflow RUN NAME",
	"rework":                  "see why it is done again: virtuous6 runs RUN --messages",
	"unreliable_task":         "compare a run of the task that went well with one that did not: virtuous6 runs RUN",
	workflow.FailureFactor:    "look at a run with it and at one without before anything is changed: virtuous6 runs RUN",
	workflow.SuccessFactor:    "look at a run with it and at one without before anything is changed: virtuous6 runs RUN",
	workflow.FailureCandidate: "more runs will tell; nothing is to be done yet",
	workflow.SuccessCandidate: "more runs will tell; nothing is to be done yet",
	failure.ErrorFinding:      "see where it happened: virtuous6 runs RUN --messages; virtuous6 errors tells what runs did next",
	failure.FirstFailure:      "begin with the first place that is named: virtuous6 errors",
	failure.Aftermath:         "look at a run that went on so: virtuous6 runs RUN",
	cost.CheaperModel:         "let more runs use it: virtuous6 experiments start AGENT --model MODEL",
	cost.BudgetEnds:           "raise the limit, or spend less: virtuous6 budget NAME --limit USD, virtuous6 costs",
	cost.ModelEnds:            "try another one now: virtuous6 experiments start AGENT --model MODEL",
	cost.LostCache:            "see why the prefix was lost: virtuous6 runs RUN",
	feedback.Satisfaction:     "virtuous6 learned tells what people wished for",
	feedback.Wish:             "read what was said: virtuous6 list feedback",
	performance.Peers:         "compare their configurations: virtuous6 agents show AGENT",
	performance.Best:          "let it have those tasks: virtuous6 ask --agent AGENT, or a trigger",
	performance.Lacking:       "make an agent for it: virtuous6 agents spawn NAME --prompt TEXT, or let specialists be spawned (`policy.specialists`); look at what it takes first: virtuous6 runs RUN",
	performance.Degraded:      "see what was changed then: virtuous6 why AGENT, virtuous6 agents diff AGENT",
	performance.Thinking:      "nothing; it tells how it works",
	performance.Habit:         "look at a run with it: virtuous6 runs RUN --messages",
	data.Duplicates:           "compare the two, and import only one of their sources: virtuous6 runs RUN",
	data.Gap:                  "look at where the data comes from, and import what is missing: virtuous6 runs RUN",
	data.Contradiction:        "look at one: virtuous6 runs RUN",
	data.Impossible:           "look at how its outcome is set: virtuous6 runs RUN, virtuous6 verdicts",
	data.Latest:               "nothing; virtuous6 metrics and virtuous6 patterns look at all of them",
	candidate.Kept:            "nothing; another text of it, or another model, is tried anew",
	candidate.Taken:           "nothing; to give it back: virtuous6 agents configure AGENT --skills NAME",
	data.Drift:                "look at the first run of the new kind: virtuous6 runs RUN",
}
