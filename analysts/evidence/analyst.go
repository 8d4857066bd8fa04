// Package evidence holds what all analysts share: the shape of an analyst and of what it says, and the ledger that
// settles what it says today with what was said before.
package evidence

import (
	"context"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Proposal is what an analyst would change, and why anyone should believe it.
type Proposal struct {
	Analyst        string
	AnalystVersion int
	Change         events.Change
	// Claim is what the evidence tests: the hypothesis that the change rests on.
	Claim events.Claim
	// Strength is how well the evidence carries the claim.
	Strength events.Strength
	// Generation is 1 where nobody proposed it before. A later one names the one before it.
	Generation int
	Previous   string
	// Reason says it in words a person understands.
	Reason string
	// Of are the people whose words Reason and Change hold, as Few has them.
	Of       []string
	Evidence events.Evidence
	Expected events.Expected
	// Worth is Expected in a user's terms, nil where that is not known.
	Worth *events.Worth
	// Wording is how a model words Reason, nil where none did.
	Wording *Wording
}

// Wording is what a model made of what an analyst says, beside it. It says no number that stands not there.
type Wording struct {
	Text  string `json:"text"`
	Model string `json:"model"`
	// Run is the one in which it was asked.
	Run string `json:"run"`
}

// Finding is what an analyst saw that calls for no change by itself: a pattern, a factor, a slow step.
type Finding struct {
	Analyst string `json:"analyst"`
	// Kind is the analyst's own word for it, such as "pattern", "failure_factor", "slow_step".
	Kind     string   `json:"kind"`
	Workflow string   `json:"workflow,omitempty"`
	Subject  []string `json:"subject"`
	Text     string   `json:"text"`
	// People are those whose words Text holds, as Few has them.
	People []string `json:"-"`
	// Of is how many of this kind the workflow has: the first few are told, the greatest or strongest first. 0 for a
	// kind that comes once.
	Of int `json:"of,omitempty"`
	// Values are the figures of a kind that has several: pass^1, pass^2, ... of "pass_hat" and "unreliable_task".
	Values   []float64       `json:"values,omitempty"`
	Evidence events.Evidence `json:"evidence"`
	// Strength is that of a factor; Worth what acting on it may bring, in a user's terms.
	Strength events.Strength `json:"strength,omitempty"`
	Worth    *events.Worth   `json:"worth,omitempty"`
	// NoInstruction is why it is no more than that something goes with something: then nobody knows whether acting on it brings its worth.
	NoInstruction string `json:"no_instruction,omitempty"`
	// Severity is how much it matters, by its worth where it has one. Empty is low, which Severe fills in.
	Severity events.Severity `json:"severity"`
	// Next is what to run, or to do, about it.
	Next string `json:"next,omitempty"`
	// Example is a run that shows it.
	Example string `json:"example,omitempty"`
	// Wording is how a model words Text, nil where none did.
	Wording *Wording `json:"wording,omitempty"`
}

// Severe tells how much each finding matters: as its analyst says, else as its worth does where something can be done about it, else little.
func Severe(findings []Finding) {
	for i := range findings {
		f := &findings[i]
		switch {
		case f.Severity != "":
		case f.NoInstruction != "":
			f.Severity = events.SeverityLow
		case f.Worth != nil:
			f.Severity = f.Worth.Severity
		default:
			f.Severity = events.SeverityLow
		}
	}
}

// Result is all that an analyst has to say of a state of the read models.
type Result struct {
	Proposals []Proposal `json:"proposals"`
	Findings  []Finding  `json:"findings"`
	// OneEach tells that of each agent and kind of change only one proposal is to wait at a time.
	OneEach bool `json:"-"`
	// Weigh tells how a claim stands by the runs that began behind a log position, 0 for all. ok is false for a claim that the
	// analyst doesn't test. Nil where the analyst proposes nothing.
	Weigh func(claim events.Claim, after uint64) (standing Standing, ok bool) `json:"-"`
}

// Standing is how a claim stands.
type Standing struct {
	Strength events.Strength
	// Reason, Evidence and Expected are of the runs that were weighed. Of are the people whose words Reason holds, as Few has them.
	Reason   string
	Of       []string
	Evidence events.Evidence
	Expected events.Expected
}

// Analyst is the shape of all analysts: load a view, then think. Propose is pure: the same view gives the same
// result, byte for byte.
type Analyst[V any] struct {
	Name string
	// Version rises when the method changes. It is part of every proposal, and of every seed.
	Version int
	Load    func(ctx context.Context, r projections.Reader) (V, error)
	Propose func(V) Result
}

// ConfigsOf are the configurations of agents, by name, as far as analysts compare them.
func ConfigsOf(agents []projections.AgentRow) map[string]events.AgentConfig {
	of := make(map[string]events.AgentConfig, len(agents))
	for _, a := range agents {
		of[a.Agent] = events.AgentConfig{Model: a.Model, Prompt: a.Prompt, Temperature: a.Temperature, MaxTokens: int(a.MaxTokens), Tools: a.Tools}
	}
	return of
}
