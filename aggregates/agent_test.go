package aggregates_test

import (
	"math"
	"testing"
	"time"

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
		"a fallback against the policy": {
			policy: strict, when: commands.SpawnAgent{Agent: "clerk", Config: events.AgentConfig{Model: "large", Fallbacks: []string{"large", "other"}}}, err: aggregates.ErrPolicy,
		},
		"an effort that is none":    {when: commands.SpawnAgent{Agent: "clerk", Config: events.AgentConfig{Effort: "lots"}}, err: aggregates.ErrInvalid},
		"a fallback without a name": {when: commands.SpawnAgent{Agent: "clerk", Config: events.AgentConfig{Fallbacks: []string{""}}}, err: aggregates.ErrPolicy},
		"history is taken as it was": {
			policy: strict, when: commands.SpawnAgent{Agent: "clerk", Config: config, Imported: true},
			then: []events.Event{events.AgentSpawned{Agent: "clerk", Config: config, Imported: true}},
		},
		"a specialist": {
			policy: aggregates.Policy{Specialists: 2}, when: commands.SpawnAgent{Agent: "clerk", Specialist: &events.Specialist{Number: 2}},
			then: []events.Event{events.AgentSpawned{Agent: "clerk", Specialist: &events.Specialist{Number: 2}}},
		},
		"a specialist too many": {
			policy: aggregates.Policy{Specialists: 2}, when: commands.SpawnAgent{Agent: "clerk", Specialist: &events.Specialist{Number: 3}}, err: aggregates.ErrPolicy,
		},
		"a specialist where none may be": {when: commands.SpawnAgent{Agent: "clerk", Specialist: &events.Specialist{Number: 1}}, err: aggregates.ErrPolicy},
		"a specialist that counts for nothing": {
			policy: aggregates.Policy{Specialists: 2}, when: commands.SpawnAgent{Agent: "clerk", Specialist: &events.Specialist{}}, err: aggregates.ErrPolicy,
		},
		"history that the log can't hold": {
			when: commands.SpawnAgent{Agent: "clerk", Config: events.AgentConfig{Temperature: ptr(math.NaN())}, Imported: true}, err: aggregates.ErrInvalid,
		},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command { return commands.SpawnAgent{Agent: name} })
}

func TestRestAndWake(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	rested, woken := events.AgentRested{Since: since}, events.AgentWoken{Run: "r"}
	rest, wake := commands.RestAgent{Agent: "clerk", Since: since}, commands.WakeAgent{Agent: "clerk", Run: "r"}
	history := events.AgentSpawned{Agent: "clerk", Imported: true}
	scenarios{
		"rest":                      {given: []events.Event{spawned}, when: rest, then: []events.Event{rested}},
		"rest twice":                {given: []events.Event{spawned, rested}, when: rest},
		"rest again":                {given: []events.Event{spawned, rested, woken}, when: rest, then: []events.Event{rested}},
		"rest for good":             {given: []events.Event{spawned, events.AgentRetired{}}, when: rest, err: aggregates.ErrEnded},
		"rest of history":           {given: []events.Event{history}, when: rest, err: aggregates.ErrMissing},
		"rest of nobody":            {when: rest, err: aggregates.ErrMissing},
		"rest of the assistant":     {given: []events.Event{events.AgentSpawned{Agent: events.Assistant}}, when: commands.RestAgent{Agent: events.Assistant}, err: aggregates.ErrState},
		"wake":                      {given: []events.Event{spawned, rested}, when: wake, then: []events.Event{woken}},
		"wake what is awake":        {given: []events.Event{spawned}, when: wake},
		"wake what is gone":         {given: []events.Event{spawned, rested, events.AgentRetired{}}, when: wake, err: aggregates.ErrEnded},
		"retire one that rests":     {given: []events.Event{spawned, rested}, when: commands.RetireAgent{Agent: "clerk"}, then: []events.Event{events.AgentRetired{}}},
		"configure one that rests":  {given: []events.Event{spawned, rested}, when: commands.ConfigureAgent{Agent: "clerk"}, then: []events.Event{events.AgentConfigured{}}},
		"configuring does not wake": {given: []events.Event{spawned, rested, events.AgentConfigured{}}, when: rest},
	}.run(t)
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
		"the model only": {
			given: []events.Event{spawned},
			when:  commands.ConfigureAgent{Agent: "clerk", Config: events.AgentConfig{Model: "large", Prompt: "Other."}, Only: events.ChangeModel, Reason: "better", Improvement: "i"},
			then:  []events.Event{events.AgentConfigured{Config: with(func(c *events.AgentConfig) { c.Model = "large" }), Reason: "better", Improvement: "i"}},
		},
		"the prompt only": {
			given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: events.AgentConfig{Prompt: "Other."}, Only: events.ChangePrompt},
			then: []events.Event{events.AgentConfigured{Config: with(func(c *events.AgentConfig) { c.Prompt = "Other." })}},
		},
		"the temperature only": {
			given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: other, Only: events.ChangeTemperature},
			then: []events.Event{events.AgentConfigured{Config: with(func(c *events.AgentConfig) { c.Temperature = other.Temperature })}},
		},
		"the bound only": {
			given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: events.AgentConfig{MaxTokens: 9}, Only: events.ChangeTokenLimit},
			then: []events.Event{events.AgentConfigured{Config: with(func(c *events.AgentConfig) { c.MaxTokens = 9 })}},
		},
		"the tools only": {
			given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: events.AgentConfig{Model: "large", Tools: []string{"calculate"}}, Only: events.ChangeTools},
			then: []events.Event{events.AgentConfigured{Config: with(func(c *events.AgentConfig) { c.Tools = []string{"calculate"} })}},
		},
		"what it is there for": {
			given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: config, Role: "orders"},
			then: []events.Event{events.AgentConfigured{Config: config, Role: "orders"}},
		},
		"what it is there for already": {
			given: []events.Event{spawned, events.AgentConfigured{Config: config, Role: "orders"}}, when: commands.ConfigureAgent{Agent: "clerk", Config: config, Role: "orders"},
		},
		"a kind that configures nothing": {
			given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: other, Only: events.ChangeWorkflow}, err: aggregates.ErrInvalid,
		},
		"as it is, no tools written as an empty list": {
			given: []events.Event{plain}, when: commands.ConfigureAgent{Agent: "clerk", Config: events.AgentConfig{Model: "small", Tools: []string{}}},
		},
		"unknown": {when: commands.ConfigureAgent{Agent: "clerk", Config: other}, err: aggregates.ErrMissing},
		"retired": {given: []events.Event{spawned, events.AgentRetired{}}, when: commands.ConfigureAgent{Agent: "clerk", Config: other}, err: aggregates.ErrEnded},
	}.run(t)
}

// with is the configuration of the tests, changed.
func with(change func(*events.AgentConfig)) events.AgentConfig {
	c := config
	change(&c)
	return c
}

// worseBy is a proof that an agent does worse.
func worseBy(logE float64) *events.Proof {
	return &events.Proof{From: 1, To: 9, LogE: logE, Arms: []events.ArmCount{{Arm: events.FrozenArm, Runs: 9, Succeeded: 8}, {Arm: events.CurrentArm, Runs: 90, Succeeded: 9}}}
}

func TestRestoreAgent(t *testing.T) {
	t.Parallel()
	second, third := with(func(c *events.AgentConfig) { c.Model = "second" }), with(func(c *events.AgentConfig) { c.Model = "third" })
	history := []events.Event{
		spawned, events.AgentConfigured{Config: second, Improvement: "i"}, events.AgentConfigured{Config: third, Improvement: "j"},
	}
	once := append(history[:3:3], events.AgentConfigured{Config: second, Restores: 2, RollsBack: []string{"j"}})
	scenarios{
		"the one before": {
			given: history, when: commands.RestoreAgent{Agent: "clerk", Reason: "worse"},
			then: []events.Event{events.AgentConfigured{Config: second, Reason: "worse", Restores: 2, RollsBack: []string{"j"}}},
		},
		"the one before that": {
			given: once, when: commands.RestoreAgent{Agent: "clerk"},
			then: []events.Event{events.AgentConfigured{Config: config, Restores: 1, RollsBack: []string{"i"}}},
		},
		"the first": {
			given: history, when: commands.RestoreAgent{Agent: "clerk", Version: 1},
			then: []events.Event{events.AgentConfigured{Config: config, Restores: 1, RollsBack: []string{"i", "j"}}},
		},
		"a later one": {
			given: once, when: commands.RestoreAgent{Agent: "clerk", Version: 3},
			then: []events.Event{events.AgentConfigured{Config: third, Restores: 3}},
		},
		"one that is a repetition": {
			given: append(once[:4:4], events.AgentConfigured{Config: config}), when: commands.RestoreAgent{Agent: "clerk", Version: 4},
			then: []events.Event{events.AgentConfigured{Config: second, Restores: 2}},
		},
		"as a person made it": {
			given: history, when: commands.RestoreAgent{Agent: "clerk", Made: true, Reason: "worse"},
			then: []events.Event{events.AgentConfigured{Config: config, Reason: "worse", Restores: 1, RollsBack: []string{"i", "j"}}},
		},
		"as a person made it, and it is": {given: history[:1], when: commands.RestoreAgent{Agent: "clerk", Made: true}, err: aggregates.ErrState},
		"by a machine that proves nothing": {
			given: history, when: commands.RestoreAgent{Meta: commands.Meta{Actor: "manager:keeping"}, Agent: "clerk", Made: true}, err: aggregates.ErrEvidence,
		},
		"by a machine that proves too little": {
			given: history, when: commands.RestoreAgent{Meta: commands.Meta{Actor: "manager:keeping"}, Agent: "clerk", Made: true, Proof: worseBy(11)}, err: aggregates.ErrEvidence,
		},
		"by a machine with a proof": {
			given: history, when: commands.RestoreAgent{Meta: commands.Meta{Actor: "manager:keeping"}, Agent: "clerk", Made: true, Proof: worseBy(12)},
			then: []events.Event{events.AgentConfigured{Config: config, Author: "manager:keeping", Restores: 1, RollsBack: []string{"i", "j"}, Proof: worseBy(12)}},
		},
		"as it is":    {given: once, when: commands.RestoreAgent{Agent: "clerk", Version: 2}},
		"none before": {given: history[:1], when: commands.RestoreAgent{Agent: "clerk"}, err: aggregates.ErrState},
		"no such":     {given: history, when: commands.RestoreAgent{Agent: "clerk", Version: 4}, err: aggregates.ErrInvalid},
		"negative":    {given: history, when: commands.RestoreAgent{Agent: "clerk", Version: -1}, err: aggregates.ErrInvalid},
		"unknown":     {when: commands.RestoreAgent{Agent: "clerk", Version: 1}, err: aggregates.ErrMissing},
		"retired":     {given: append(history[:3:3], events.AgentRetired{}), when: commands.RestoreAgent{Agent: "clerk"}, err: aggregates.ErrEnded},
		"not any more": {
			policy: aggregates.Policy{Models: []string{"third"}}, given: history, when: commands.RestoreAgent{Agent: "clerk"}, err: aggregates.ErrPolicy,
		},
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
