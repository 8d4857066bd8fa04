package aggregates_test

import (
	"errors"
	"math"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// TestPolicyOnConfigurations holds the same rules on every way to a configuration: spawning, configuring, proposing.
func TestPolicyOnConfigurations(t *testing.T) {
	t.Parallel()
	bounds := aggregates.Policy{Models: []string{"small", "large"}, MinTemperature: 0.1, MaxTemperature: 0.9, MaxTokens: 500}
	for name, tt := range map[string]struct {
		policy aggregates.Policy
		config events.AgentConfig
		err    error
	}{
		"no policy, any model":         {config: events.AgentConfig{Model: "anything", MaxTokens: math.MaxInt}},
		"no policy, temperature 0":     {config: events.AgentConfig{Temperature: ptr(0.0)}},
		"no policy, temperature 2":     {config: events.AgentConfig{Temperature: ptr(2.0)}},
		"no policy, temperature 2.01":  {config: events.AgentConfig{Temperature: ptr(2.01)}, err: aggregates.ErrPolicy},
		"no policy, temperature below": {config: events.AgentConfig{Temperature: ptr(-0.01)}, err: aggregates.ErrPolicy},
		"a model of the list":          {policy: bounds, config: events.AgentConfig{Model: "large"}},
		"the provider's defaults":      {policy: bounds, config: events.AgentConfig{Prompt: "Be brief."}},
		"another model":                {policy: bounds, config: events.AgentConfig{Model: "huge"}, err: aggregates.ErrPolicy},
		"a model in other letters":     {policy: bounds, config: events.AgentConfig{Model: "Small"}, err: aggregates.ErrPolicy},
		"lowest temperature":           {policy: bounds, config: events.AgentConfig{Temperature: ptr(0.1)}},
		"highest temperature":          {policy: bounds, config: events.AgentConfig{Temperature: ptr(0.9)}},
		"too cold":                     {policy: bounds, config: events.AgentConfig{Temperature: ptr(0.05)}, err: aggregates.ErrPolicy},
		"too hot":                      {policy: bounds, config: events.AgentConfig{Temperature: ptr(0.91)}, err: aggregates.ErrPolicy},
		"most tokens":                  {policy: bounds, config: events.AgentConfig{MaxTokens: 500}},
		"too many tokens":              {policy: bounds, config: events.AgentConfig{MaxTokens: 501}, err: aggregates.ErrPolicy},
		"an API that is none":          {config: events.AgentConfig{API: "grpc"}, err: aggregates.ErrInvalid},
		"a limit of one token":         {policy: aggregates.Policy{MaxTokens: 1}, config: events.AgentConfig{MaxTokens: 2}, err: aggregates.ErrPolicy},
		"negative tokens":              {config: events.AgentConfig{MaxTokens: -1}, err: aggregates.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario{
				policy: tt.policy, when: commands.SpawnAgent{Agent: "a", Config: tt.config}, err: tt.err,
				then: []events.Event{events.AgentSpawned{Agent: "a", Config: tt.config}},
			}.run(t)
			scenario{
				policy: tt.policy, given: []events.Event{events.AgentSpawned{Agent: "a", Config: events.AgentConfig{Prompt: "before"}}},
				when: commands.ConfigureAgent{Agent: "a", Config: tt.config}, err: tt.err,
				then: []events.Event{events.AgentConfigured{Config: tt.config}},
			}.run(t)
			change := events.Change{Kind: events.ChangeModel, Agent: "a", Config: &tt.config}
			scenario{
				policy: tt.policy, when: propose(func(c *commands.ProposeImprovement) { c.Change = change }), err: tt.err,
				then: []events.Event{proposal(func(e *events.ImprovementProposed) { e.Change = change })},
			}.run(t)
		})
	}
}

// NaN compares with nothing: a bound written the other way round would let it pass.
func TestPolicyRefusesATemperatureThatIsNoNumber(t *testing.T) {
	t.Parallel()
	for _, temperature := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		wild := events.AgentConfig{Temperature: &temperature}
		scenario{
			given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: wild}, err: aggregates.ErrPolicy,
		}.run(t)
		scenario{when: commands.SpawnAgent{Agent: "clerk", Config: wild}, err: aggregates.ErrInvalid}.run(t)
		scenario{
			when: propose(func(c *commands.ProposeImprovement) {
				c.Change = events.Change{Kind: events.ChangeTemperature, Agent: "clerk", Config: &wild}
			}),
			err: aggregates.ErrPolicy,
		}.run(t)
	}
}

func TestPolicyApprovesOnlyTheKindsItNames(t *testing.T) {
	t.Parallel()
	policy := aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}}
	prompt := events.Change{Kind: events.ChangePrompt, Agent: "clerk", Config: &config}
	scenarios{
		"named": {
			policy: policy, when: propose(func(c *commands.ProposeImprovement) { c.Change = prompt }),
			then: []events.Event{
				proposal(func(e *events.ImprovementProposed) { e.Change = prompt }), events.ImprovementApproved{By: "policy", Trial: true},
			},
		},
		"not named":     {policy: policy, when: propose(func(*commands.ProposeImprovement) {}), then: []events.Event{proposal(func(*events.ImprovementProposed) {})}},
		"none is named": {when: propose(func(c *commands.ProposeImprovement) { c.Change = prompt }), then: []events.Event{proposal(func(e *events.ImprovementProposed) { e.Change = prompt })}},
	}.run(t)
}

// The analyst, the model and the door all come through the same decider: none of them can speak for the policy or for
// a person.
func TestNoMachineApproves(t *testing.T) {
	t.Parallel()
	given := []events.Event{proposal(func(*events.ImprovementProposed) {})}
	all := scenarios{
		"a person at the door": {
			given: given, when: commands.ApproveImprovement{Meta: commands.Meta{Actor: "door:web"}, Improvement: "i", By: "user:anna"},
			then: []events.Event{events.ImprovementApproved{By: "user:anna"}},
		},
		"a person without a door": {
			given: given, when: commands.ApproveImprovement{Meta: commands.Meta{Actor: "user:anna"}, Improvement: "i", By: "anna", Note: "go"},
			then: []events.Event{events.ImprovementApproved{By: "anna", Note: "go"}},
		},
	}
	for _, by := range []string{"", "policy", "analyst:workflow", "agent:clerk", "manager:run", "import:otlp"} {
		all["by "+by] = scenario{
			given: given, when: commands.ApproveImprovement{Meta: commands.Meta{Actor: "door:web"}, Improvement: "i", By: by}, err: aggregates.ErrInvalid,
		}
	}
	for _, actor := range []string{"analyst:workflow", "agent:clerk", "manager:run", "import:otlp"} {
		all["in a person's name by "+actor] = scenario{
			given: given, when: commands.ApproveImprovement{Meta: commands.Meta{Actor: actor}, Improvement: "i", By: "user:anna"}, err: aggregates.ErrInvalid,
		}
	}
	all.run(t)
}

func TestPolicyCapsTheShareThatNoPersonApproved(t *testing.T) {
	t.Parallel()
	policy := aggregates.Policy{MaxShare: 100}
	proposed := events.Event(proposal(func(*events.ImprovementProposed) {}))
	byPolicy := []events.Event{proposed, events.ImprovementApproved{By: "policy"}}
	byAnna := []events.Event{proposed, events.ImprovementApproved{By: "user:anna"}}
	after := append(byPolicy[:2:2], events.ImprovementApplied{Share: 100}, events.ImprovementApproved{By: "user:anna"})
	apply := func(share int) commands.Command {
		return commands.ApplyImprovement{Improvement: "i", SharePermille: share}
	}
	applied := func(share int) []events.Event { return []events.Event{events.ImprovementApplied{Share: share}} }
	scenarios{
		"by itself, at the cap":          {policy: policy, given: byPolicy, when: apply(100), then: applied(100)},
		"by itself, above the cap":       {policy: policy, given: byPolicy, when: apply(101), err: aggregates.ErrPolicy},
		"by itself, no cap given":        {given: byPolicy, when: apply(1), err: aggregates.ErrPolicy},
		"by itself, further than so far": {policy: policy, given: append(byPolicy[:2:2], applied(100)...), when: apply(101), err: aggregates.ErrPolicy},
		"by a person":                    {policy: policy, given: byAnna, when: apply(1000), then: applied(1000)},
		"a person approves afterwards": {
			policy: policy, given: after[:3], when: commands.ApproveImprovement{Improvement: "i", By: "user:anna"},
			then: []events.Event{events.ImprovementApproved{By: "user:anna"}},
		},
		"then it goes further":           {policy: policy, given: after, when: apply(1000), then: applied(1000)},
		"then it can still be undone":    {policy: policy, given: after, when: commands.RollBackImprovement{Improvement: "i", Reason: "r"}, then: []events.Event{events.ImprovementRolledBack{Reason: "r"}}},
		"then it is at the share it was": {policy: policy, given: after, when: apply(100)},
	}.run(t)
}

func TestWhatAPolicySaysOfATool(t *testing.T) {
	t.Parallel()
	p := aggregates.Policy{Tools: []string{"clock", "files__*"}, AskTools: []string{"files__write*"}, NeverTools: []string{"files__delete"}}
	for tool, want := range map[string]aggregates.ToolRule{
		"clock": aggregates.ToolFree, "files__read": aggregates.ToolFree, "files__write": aggregates.ToolAsks, "files__write_all": aggregates.ToolAsks,
		"files__delete": aggregates.ToolNever, "calculate": aggregates.ToolNever, "file": aggregates.ToolNever, "*": aggregates.ToolNever,
	} {
		if got := p.Tool(tool); got != want {
			t.Errorf("%s: %s, want %s", tool, got, want)
		}
		_, refused := newInstance(t, p, commands.SpawnAgent{Agent: "a"}).Decide(commands.SpawnAgent{Agent: "a", Config: events.AgentConfig{Tools: []string{tool}}})
		if errors.Is(refused, aggregates.ErrPolicy) != (want == aggregates.ToolNever) {
			t.Errorf("granting %s: %v", tool, refused)
		}
	}
	if got := (aggregates.Policy{}).Tool("calculate"); got != aggregates.ToolFree {
		t.Errorf("by default calculate is %s", got)
	}
}
