package aggregates_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestExamplesAndLessonsOfAnAgent(t *testing.T) {
	t.Parallel()
	examples := make([]events.Example, 9)
	lessons := make([]events.Lesson, 13)
	for i := range examples {
		examples[i].Run = fmt.Sprint("r", i)
	}
	said := []events.Saying{{Feedback: "f1", Run: "r1", User: "user:anna"}}
	for i := range lessons {
		lessons[i] = events.Lesson{Subject: fmt.Sprint("s", i), Said: said}
	}
	with := func(c events.AgentConfig) commands.SpawnAgent { return commands.SpawnAgent{Agent: "clerk", Config: c} }
	learned := func(l ...events.Lesson) events.AgentConfig { return events.AgentConfig{Model: "small", Lessons: l} }
	fixed := func(do string, said []events.Saying) events.AgentConfig {
		return events.AgentConfig{Model: "small", Fixes: []events.Fix{{Error: "no <num>", Do: do, Said: said}}}
	}
	spawned := events.AgentSpawned{Agent: "clerk", Config: learned(lessons[0])}
	again := lessons[0]
	again.Said = []events.Saying{{Feedback: "f2", Run: "r2"}}
	scenarios{
		"as many examples as there may be": {when: with(events.AgentConfig{Examples: examples[:8]}), then: []events.Event{events.AgentSpawned{Agent: "clerk", Config: events.AgentConfig{Examples: examples[:8]}}}},
		"too many examples":                {when: with(events.AgentConfig{Examples: examples}), err: aggregates.ErrInvalid},
		"an example twice":                 {when: with(events.AgentConfig{Examples: []events.Example{{Run: "r1"}, {Run: "r1", Requester: "user:bert"}}}), err: aggregates.ErrInvalid},
		"an example of no run":             {when: with(events.AgentConfig{Examples: []events.Example{{}}}), err: aggregates.ErrInvalid},
		"as many lessons as there may be":  {when: with(learned(lessons[:12]...)), then: []events.Event{events.AgentSpawned{Agent: "clerk", Config: learned(lessons[:12]...)}}},
		"too many lessons":                 {when: with(learned(lessons...)), err: aggregates.ErrInvalid},
		"a lesson twice":                   {when: with(learned(lessons[0], again)), err: aggregates.ErrInvalid},
		"a lesson on nothing":              {when: with(learned(events.Lesson{Said: said})), err: aggregates.ErrInvalid},
		"a lesson of nobody's words":       {when: with(learned(events.Lesson{Subject: "s"})), err: aggregates.ErrInvalid},
		"a lesson of too many":             {when: with(learned(events.Lesson{Subject: "s", Said: slices.Repeat(said, 6)})), err: aggregates.ErrInvalid},
		"a lesson of no feedback":          {when: with(learned(events.Lesson{Subject: "s", Said: []events.Saying{{Run: "r1"}}})), err: aggregates.ErrInvalid},
		"a fix in people's words":          {when: with(fixed("", said)), then: []events.Event{events.AgentSpawned{Agent: "clerk", Config: fixed("", said)}}},
		"a fix that says nothing":          {when: with(fixed(" ", nil)), err: aggregates.ErrInvalid},
		"a fix of too many":                {when: with(fixed("Wait.", slices.Repeat(said, 6))), err: aggregates.ErrInvalid},
		"a fix of no feedback":             {when: with(fixed("Wait.", []events.Saying{{Run: "r1"}})), err: aggregates.ErrInvalid},
		"another lesson comes to those that it knows": {
			given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: events.AgentConfig{Lessons: lessons[1:2]}, Only: events.ChangeLessons},
			then: []events.Event{events.AgentConfigured{Config: learned(lessons[0], lessons[1])}},
		},
		"one that it knows is replaced": {
			given: []events.Event{spawned}, when: commands.ConfigureAgent{Agent: "clerk", Config: events.AgentConfig{Lessons: []events.Lesson{again}}, Only: events.ChangeLessons},
			then: []events.Event{events.AgentConfigured{Config: learned(again)}},
		},
	}.run(t)
}
