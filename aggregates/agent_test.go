package aggregates_test

import (
	"math"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

var (
	config  = events.AgentConfig{Model: "small", Prompt: "Be brief.", Temperature: ptr(0.2), MaxTokens: 400, Tools: []string{"clock"}}
	spawned = events.AgentSpawned{Agent: "clerk", Role: "desk", Config: config}
)

func TestSpawnAgent(t *testing.T) {
	t.Parallel()
	strict := aggregates.Policy{Models: []string{"large"}}
	scenarios{
		"happy": {when: commands.SpawnAgent{Agent: "clerk", Role: "desk", Config: config}, then: []events.Event{spawned}},
		"there already": {
			given: []events.Event{spawned}, when: commands.SpawnAgent{Agent: "clerk", Role: "desk", Config: config}, err: aggregates.ErrExists,
		},
		"after its end": {
			given: []events.Event{spawned, events.AgentRetired{}}, when: commands.SpawnAgent{Agent: "clerk"}, err: aggregates.ErrExists,
		},
		"against the policy": {policy: strict, when: commands.SpawnAgent{Agent: "clerk", Config: config}, err: aggregates.ErrPolicy},
		"history is taken as it was": {
			policy: strict, when: commands.SpawnAgent{Agent: "clerk", Config: config, Imported: true},
			then: []events.Event{events.AgentSpawned{Agent: "clerk", Config: config, Imported: true}},
		},
		"history that the log can't hold": {
			when: commands.SpawnAgent{Agent: "clerk", Config: events.AgentConfig{Temperature: ptr(math.NaN())}, Imported: true}, err: aggregates.ErrInvalid,
		},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command { return commands.SpawnAgent{Agent: name} })
}

func TestConfigureAgent(t *testing.T) {
	t.Parallel()
	other := config
	other.Temperature = ptr(0.3)
	plain := events.AgentSpawned{Agent: "clerk", Config: events.AgentConfig{Model: "small"}}
	scenarios{
		"happy": {
			given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: other, Improvement: "i"},
			then: []events.Event{events.AgentConfigured{Config: other, Improvement: "i"}},
		},
		"back again": {
			given: []events.Event{spawned, events.AgentConfigured{Config: other}}, when: commands.ConfigureAgent{Agent: "clerk", Config: config},
			then: []events.Event{events.AgentConfigured{Config: config}},
		},
		"as it is": {given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: config}},
		"as it is, no tools written as an empty list": {
			given: []events.Event{plain}, when: commands.ConfigureAgent{Agent: "clerk", Config: events.AgentConfig{Model: "small", Tools: []string{}}},
		},
		"unknown": {when: commands.ConfigureAgent{Agent: "clerk", Config: other}, err: aggregates.ErrMissing},
		"retired": {given: []events.Event{spawned, events.AgentRetired{}}, when: commands.ConfigureAgent{Agent: "clerk", Config: other}, err: aggregates.ErrEnded},
	}.run(t)
}

func TestRetireAgent(t *testing.T) {
	t.Parallel()
	scenarios{
		"happy": {
			given: []events.Event{spawned}, when: commands.RetireAgent{Agent: "clerk", Reason: "replaced"},
			then: []events.Event{events.AgentRetired{Reason: "replaced"}},
		},
		"unknown": {when: commands.RetireAgent{Agent: "clerk"}, err: aggregates.ErrMissing},
		"twice":   {given: []events.Event{spawned, events.AgentRetired{}}, when: commands.RetireAgent{Agent: "clerk"}, err: aggregates.ErrEnded},
	}.run(t)
}
