package agents_test

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

// How much a model thinks is asked for as the API has it, and not again where the server doesn't take it.
func TestEffortIsAskedFor(t *testing.T) {
	t.Parallel()
	said := stream(`{"type":"response.output_text.delta","delta":"Hello"}`, ended)
	for name, c := range map[string]struct {
		api, member, want string
		answer            string
		refused           string
	}{
		"chat":      {agents.ChatAPI, "reasoning_effort", `"low"`, "Hello", `{"error":{"message":"Unrecognized request argument supplied: reasoning_effort","type":"invalid_request_error"}}`},
		"responses": {agents.ResponsesAPI, "reasoning", `{"effort":"low"}`, "Hello", `{"error":{"message":"Unsupported parameter: 'reasoning.effort' is not supported with this model.","param":"reasoning.effort"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				answers := hello
				if c.api == agents.ResponsesAPI {
					answers = said
				}
				d, model := serve(t, nil, answers, status(400, c.refused), answers)
				d.responses = true
				runner := agents.Runner{Model: model}
				config := events.AgentConfig{Model: "m", API: c.api, Effort: "low"}
				for i, want := range []string{c.want, "", ""} {
					turn, err := runner.Turn(t.Context(), config, user("hi"), nil)
					if err != nil || turn.Answer.Message.Content != c.answer {
						t.Fatalf("%d: %+v, %v", i, turn.Answer, err)
					}
					var body map[string]json.RawMessage
					if err := json.Unmarshal(d.bodies[len(d.bodies)-1], &body); err != nil || string(body[c.member]) != want {
						t.Errorf("%d: asked with %s, want %s of %s, %v", i, d.bodies[len(d.bodies)-1], c.member, want, err)
					}
					if left := turn.Answer.LeftOut; (want == "") != slices.Contains(left, c.member) {
						t.Errorf("%d: left out %v", i, left)
					}
				}
				if d.requests() != 4 {
					t.Errorf("%d requests: a refusal is learnt once", d.requests())
				}
			})
		})
	}
}
