package events_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/virtuous6/virtuous6/events"
)

// Each kind of change that configures an agent changes its own setting, and no other one; the others configure nothing.
func TestAChangeOfAKindChangesItsSettingAlone(t *testing.T) {
	t.Parallel()
	warm, cold := 1.0, 0.0
	was := events.AgentConfig{Model: "a", API: "chat", Prompt: "a", Temperature: &warm, MaxTokens: 1, Effort: "low", Tools: []string{"a"}, Fallbacks: []string{"a"}, Fixes: []events.Fix{{ID: "1", Do: "a"}, {ID: "2", Do: "a"}}, Lessons: []events.Lesson{{Subject: "1"}, {Subject: "2"}}, Routes: []events.Route{{Tasks: []string{"x"}, To: "a"}, {Tasks: []string{"y"}, To: "a"}}}
	to := events.AgentConfig{
		Model: "b", API: "responses", Prompt: "b", Temperature: &cold, MaxTokens: 2, Effort: "high", Schema: json.RawMessage(`{}`), Tools: []string{"b"}, Fallbacks: []string{"b"},
		Skills: []events.SkillRef{{Name: "b"}}, Fixes: []events.Fix{{ID: "1", Do: "b"}, {ID: "3", Do: "b"}}, Examples: []events.Example{{Run: "b"}}, Lessons: []events.Lesson{{Subject: "1", Said: []events.Saying{{Feedback: "b"}}}, {Subject: "3"}}, Routes: []events.Route{{Tasks: []string{"x"}, To: "b"}, {To: "b"}},
	}
	// A route takes the place of that of the same tasks, and stands before the others, but for one of all tasks.
	passes := func(c *events.AgentConfig) {
		c.Routes = []events.Route{{Tasks: []string{"x"}, To: "b"}, {Tasks: []string{"y"}, To: "a"}, {To: "b"}}
	}
	settings := map[events.ChangeKind]func(c *events.AgentConfig){
		events.ChangeModel:       func(c *events.AgentConfig) { c.Model, c.API = "b", "responses" },
		events.ChangePrompt:      func(c *events.AgentConfig) { c.Prompt = "b" },
		events.ChangeTemperature: func(c *events.AgentConfig) { c.Temperature = &cold },
		events.ChangeTokenLimit:  func(c *events.AgentConfig) { c.MaxTokens = 2 },
		events.ChangeEffort:      func(c *events.AgentConfig) { c.Effort = "high" },
		events.ChangeFormat:      func(c *events.AgentConfig) { c.Schema = to.Schema },
		events.ChangeTools:       func(c *events.AgentConfig) { c.Tools = to.Tools },
		events.ChangeExamples:    func(c *events.AgentConfig) { c.Examples = to.Examples },
		events.ChangeFallbacks:   func(c *events.AgentConfig) { c.Fallbacks = to.Fallbacks },
		events.ChangeRouting:     passes, events.ChangeSpawn: passes, events.ChangeSplit: passes, events.ChangeMerge: passes, events.ChangeRetire: passes,
		events.ChangeSkills: func(c *events.AgentConfig) { c.Skills = to.Skills },
		// What is known already stays.
		events.ChangeLessons: func(c *events.AgentConfig) {
			c.Lessons = []events.Lesson{{Subject: "2"}, to.Lessons[0], to.Lessons[1]}
		},
		events.ChangeFixes: func(c *events.AgentConfig) {
			c.Fixes = []events.Fix{{ID: "2", Do: "a"}, {ID: "1", Do: "b"}, {ID: "3", Do: "b"}}
		},
	}
	for _, kind := range events.ChangeKinds() {
		want := was
		set, configures := settings[kind]
		if configures {
			set(&want)
		}
		got, ok := was.With(kind, to)
		if ok != configures || kind.Configures() != configures || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %+v, want %v %+v", kind, ok, got, configures, want)
		}
	}
	if len(was.Fixes) != 2 || was.Fixes[0].Do != "a" {
		t.Errorf("what was is another: %+v", was.Fixes)
	}
}
