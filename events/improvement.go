package events

import "cmp"

// ChangeKind is what an improvement would change.
type ChangeKind string

// The closed vocabulary of changes. An analyst, a model or a door can ask for nothing else.
const (
	ChangeModel       ChangeKind = "model"
	ChangeTemperature ChangeKind = "temperature"
	ChangePrompt      ChangeKind = "prompt"
	ChangeTools       ChangeKind = "tools"
	ChangeTokenLimit  ChangeKind = "token_limit"
	ChangeSkills      ChangeKind = "skills"
	ChangeMerge       ChangeKind = "merge"
	ChangeSplit       ChangeKind = "split"
	ChangeRetire      ChangeKind = "retire"
	ChangeWorkflow    ChangeKind = "workflow"
	ChangeRunbook     ChangeKind = "runbook"
	// ChangeEffort is how much the model thinks, ChangeFormat the JSON Schema of the answers.
	ChangeEffort ChangeKind = "reasoning_effort"
	ChangeFormat ChangeKind = "response_format"
	// ChangeFixes are what an agent is told when it meets an error that a fix is known for.
	ChangeFixes ChangeKind = "fixes"
	// ChangeExamples are the runs that an agent is shown as examples.
	ChangeExamples ChangeKind = "examples"
	// ChangeLessons are what people ask for in an agent's answers, which it is told.
	ChangeLessons ChangeKind = "lessons"
	// ChangeFallbacks are the models that are asked where an agent's own does not answer.
	ChangeFallbacks ChangeKind = "fallbacks"
	// ChangeRouting gives tasks of an agent to another one, ChangeSpawn to a new one.
	ChangeRouting ChangeKind = "routing"
	ChangeSpawn   ChangeKind = "spawn"
)

// ChangeKinds lists the vocabulary.
func ChangeKinds() []ChangeKind {
	return []ChangeKind{
		ChangeModel, ChangeTemperature, ChangePrompt, ChangeTools, ChangeTokenLimit, ChangeSkills, ChangeMerge, ChangeSplit, ChangeRetire, ChangeWorkflow,
		ChangeRunbook, ChangeEffort, ChangeFormat, ChangeFixes, ChangeExamples, ChangeLessons, ChangeFallbacks, ChangeRouting, ChangeSpawn,
	}
}

// Configures tells of a change that it gives an agent another configuration.
func (k ChangeKind) Configures() bool {
	_, configures := AgentConfig{}.With(k, AgentConfig{})
	return configures
}

// Triable tells of a change that there are ways to try it on a part of the runs, or of the goals.
func (k ChangeKind) Triable() bool { return k.Configures() || k == ChangeRunbook }

// Routes tells of a change that it passes on what an agent would be asked.
func (k ChangeKind) Routes() bool {
	return k == ChangeRouting || k == ChangeSpawn || k == ChangeSplit || k == ChangeMerge || k == ChangeRetire
}

// Tries tells of a change that it says all that is needed to try it on a part of the runs. One that does not is a text for a person.
func (c Change) Tries() bool { return c.Kind.Configures() && c.Config != nil || c.Saves() }

// Saves tells of a change that it gives a saved runbook its next version.
func (c Change) Saves() bool { return c.Kind == ChangeRunbook && c.Book != nil }

// Subject names the agent that a change is about, or else the runbook or the workflow.
func (c Change) Subject() string {
	if c.Book != nil {
		return c.Book.Runbook
	}
	return cmp.Or(c.Agent, c.Workflow)
}

// ByItself tells of a change that it can be made without a person who writes something for it.
func (c Change) ByItself() bool { return c.Kind == ChangeRetire || c.Tries() }

// NewAgent is an agent that a change makes.
type NewAgent struct {
	Agent  string      `json:"agent"`
	Role   string      `json:"role,omitempty"`
	Config AgentConfig `json:"config"`
}

// Change is the command that an improvement asks for, as data.
type Change struct {
	Kind ChangeKind `json:"kind"`
	// Workflow or Agent is what would be changed.
	Workflow string `json:"workflow,omitempty"`
	Agent    string `json:"agent,omitempty"`
	// Config is the agent's configuration after the change, for the kinds that change one.
	Config *AgentConfig `json:"config,omitempty"`
	// Others are configurations with other values of the same setting: what is tried first is tried with each of them beside it. Made at once
	// is only Config.
	Others []AgentConfig `json:"others,omitempty"`
	// Spawn is the agent that tasks are given to, where it has to be made first.
	Spawn *NewAgent `json:"spawn,omitempty"`
	// Book is a runbook's next version, where a saved one would be changed.
	Book *RunbookSaved `json:"book,omitempty"`
	// Steps are the steps in question, for workflow and runbook changes.
	Steps []string `json:"steps,omitempty"`
	// Instruction says what to do in a person's words.
	Instruction string `json:"instruction,omitempty"`
}

// Evidence is what a claim rests on. Without it a proposal is rejected.
type Evidence struct {
	// From and To are the log positions of the first and the last fact that were counted.
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Positions are a few log positions worth looking at, ascending.
	Positions []uint64 `json:"positions,omitempty"`
	// Statistic names the method ("risk difference, Newcombe's interval") and Value is its result.
	Statistic string  `json:"statistic"`
	Value     float64 `json:"value"`
	// Low and High bound Value at Confidence (0.95).
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"`
	// N counts the runs it was computed over.
	N int64 `json:"n"`
	// Counts are the numbers behind it, such as "with_succeeded", by name.
	Counts map[string]int64 `json:"counts,omitempty"`
}

// Expected is the effect that an analyst foresees, so that it can be held to it.
type Expected struct {
	// Metric is what would change ("success_rate", "cost_usd_per_run", "duration_seconds").
	Metric string  `json:"metric"`
	Change float64 `json:"change"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// Claim is what an improvement's evidence tests.
type Claim struct {
	Workflow string `json:"workflow,omitempty"`
	// Subject is the kind of thing first, then its names: ["contains", "plan"], ["agent_model", "writer", "good", "poor"].
	Subject []string `json:"subject,omitempty"`
	// Harms tells that runs with it succeed less often.
	Harms bool `json:"harms,omitempty"`
}

// Strength is how well the evidence carries a claim.
type Strength string

// The strengths, the weakest first. Gone is a claim that the evidence doesn't speak for any more, Reversed one that it
// speaks against; Weak one that it speaks for without proof.
const (
	Reversed   Strength = "reversed"
	Gone       Strength = "gone"
	Weak       Strength = "weak"
	Moderate   Strength = "moderate"
	Strong     Strength = "strong"
	VeryStrong Strength = "very_strong"
)

// Strengths lists the vocabulary, the weakest first.
func Strengths() []Strength { return []Strength{Reversed, Gone, Weak, Moderate, Strong, VeryStrong} }

// Claims tells of a strength that it is enough for a claim.
func (s Strength) Claims() bool { return s == Moderate || s == Strong || s == VeryStrong }

// Withdraws tells of a strength that it ends a proposal.
func (s Strength) Withdraws() bool { return s == Gone || s == Reversed }

// ImprovementProposed is an analyst's proposal with its evidence.
type ImprovementProposed struct {
	Improvement string `json:"improvement"`
	// Generation is left out for the first one. A later one is asked for by what was recorded since Previous, the one before
	// it, was rejected, rolled back or withdrawn.
	Generation int    `json:"generation,omitempty"`
	Previous   string `json:"previous,omitempty"`
	Analyst    string `json:"analyst"`
	// AnalystVersion rises when the analyst's method changes.
	AnalystVersion int    `json:"analyst_version"`
	Change         Change `json:"change"`
	// Claim is what the evidence tests, and Strength how well it carries that.
	Claim    *Claim   `json:"claim,omitempty"`
	Strength Strength `json:"strength,omitempty"`
	Reason   string   `json:"reason"`
	// Of are the people whose words Reason and Change hold, where they are of one or two alone: with any of them the texts are forgotten.
	Of       []string `json:"of,omitempty"`
	Evidence Evidence `json:"evidence"`
	Expected Expected `json:"expected"`
	// Worth is that in a user's terms at the rate of runs of then, nil where it is not known.
	Worth *Worth `json:"worth,omitempty"`
	// Bound tells that its analyst's forecasts did not come true: a person decides, whatever the policy lets pass by itself.
	Bound bool `json:"bound,omitempty"`
}

// EvidenceMove is the way in which the evidence for an improvement changed.
type EvidenceMove string

// The moves of evidence.
const (
	EvidenceStronger EvidenceMove = "stronger"
	EvidenceWeaker   EvidenceMove = "weaker"
	EvidenceGone     EvidenceMove = "gone"
	EvidenceReversed EvidenceMove = "reversed"
)

// ImprovementEvidenceChanged tells that the evidence for a proposal changed its standing. Gone or reversed evidence
// withdraws it.
type ImprovementEvidenceChanged struct {
	Move     EvidenceMove `json:"move"`
	Strength Strength     `json:"strength"`
	// Reason, Evidence, Expected and Worth are today's. Of are the people whose words Reason holds.
	Reason   string   `json:"reason"`
	Of       []string `json:"of,omitempty"`
	Evidence Evidence `json:"evidence"`
	Expected Expected `json:"expected"`
	Worth    *Worth   `json:"worth,omitempty"`
}

// ImprovementApproved lets a proposal be applied. By tells who, or "policy" where the policy needs no person.
type ImprovementApproved struct {
	By   string `json:"by"`
	Note string `json:"note,omitempty"`
	// Trial tells that the change is tried on a part of the runs before it is made.
	Trial bool `json:"trial,omitempty"`
}

// ImprovementRejected ends a proposal.
type ImprovementRejected struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// ImprovementApplied tells that the change was made.
type ImprovementApplied struct {
	// Share is the part of the traffic that gets it, in permille.
	Share int `json:"share_permille"`
	// Before is the configuration that a roll-back would restore.
	Before *AgentConfig `json:"before,omitempty"`
	// Agent is the one that was changed, and Version its version with the change.
	Agent   string `json:"agent,omitempty"`
	Version int    `json:"version,omitempty"`
}

// ImprovementRolledBack tells that the change was undone.
type ImprovementRolledBack struct {
	Reason string `json:"reason"`
	// Of is who said so, where a person did.
	Of []string `json:"of,omitempty"`
}

// ImprovementEffectMeasured is what the change did, against what was expected of it.
type ImprovementEffectMeasured struct {
	Metric   string   `json:"metric"`
	Evidence Evidence `json:"evidence"`
}

func (ImprovementProposed) Kind() string        { return "improvement.proposed" }
func (ImprovementEvidenceChanged) Kind() string { return "improvement.evidence_changed" }
func (ImprovementApproved) Kind() string        { return "improvement.approved" }
func (ImprovementRejected) Kind() string        { return "improvement.rejected" }
func (ImprovementApplied) Kind() string         { return "improvement.applied" }
func (ImprovementRolledBack) Kind() string      { return "improvement.rolled_back" }
func (ImprovementEffectMeasured) Kind() string  { return "improvement.effect_measured" }

func (ImprovementProposed) improvement()        {}
func (ImprovementEvidenceChanged) improvement() {}
func (ImprovementApproved) improvement()        {}
func (ImprovementRejected) improvement()        {}
func (ImprovementApplied) improvement()         {}
func (ImprovementRolledBack) improvement()      {}
func (ImprovementEffectMeasured) improvement()  {}
