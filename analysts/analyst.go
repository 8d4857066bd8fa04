// Package analysts reads the read models and proposes improvements, each with its evidence. No analyst needs an LLM.
package analysts

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
	// Reason says it in words a person understands.
	Reason   string
	Evidence events.Evidence
	Expected events.Expected
}

// Finding is what an analyst saw that calls for no change by itself: a pattern, a factor, a slow step.
type Finding struct {
	Analyst string `json:"analyst"`
	// Kind is the analyst's own word for it, such as "pattern", "failure_factor", "slow_step".
	Kind     string   `json:"kind"`
	Workflow string   `json:"workflow,omitempty"`
	Subject  []string `json:"subject"`
	Text     string   `json:"text"`
	// Of is how many of this kind the workflow has: the first few are told, the greatest or strongest first. 0 for a
	// kind that comes once.
	Of int `json:"of,omitempty"`
	// Values are the figures of a kind that has several: pass^1, pass^2, ... of "pass_hat" and "unreliable_task".
	Values   []float64       `json:"values,omitempty"`
	Evidence events.Evidence `json:"evidence"`
}

// Result is all that an analyst has to say of a state of the read models.
type Result struct {
	Findings  []Finding
	Proposals []Proposal
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
