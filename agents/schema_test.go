package agents_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

const point = `{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"],"additionalProperties":false}`

func TestSchemasAreCheckedAndStandAlone(t *testing.T) {
	t.Parallel()
	for schema, says := range map[string]string{
		"":     "",
		point:  "",
		`true`: "",
		`{"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}}`: "",
		`{"type":`:                               "it is no JSON",
		`{"type":"strnig"}`:                      "'/type'",
		`{"$ref":"file:///etc/passwd"}`:          "it refers to file:///etc/passwd: put that into its $defs",
		`{"$ref":"https://example.com/s.json"}`:  "it refers to https://example.com/s.json",
		`{"$schema":"https://example.com/none"}`: "it refers to https://example.com/none",
	} {
		err := agents.CheckSchema(json.RawMessage(schema))
		if (err == nil) != (says == "") || err != nil && (!errors.Is(err, agents.ErrSchema) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v", schema, err)
		}
	}
	var asked agents.Request
	runner := agents.Runner{Model: canned{asked: &asked}}
	_, err := runner.Turn(t.Context(), events.AgentConfig{Model: "m", Schema: json.RawMessage(`{"type":1}`)}, user("hi"), nil)
	if !errors.Is(err, agents.ErrSchema) || !agents.Unbilled(err) || asked.Model != "" {
		t.Errorf("a turn with a schema that is none: %v, asked %q", err, asked.Model)
	}
}

func TestAnAnswerIsHeldToItsSchema(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ answer, finish, invalid string }{
		"it satisfies":        {`{"x": 1}`, "stop", ""},
		"white space":         {" {\"x\": 1}\n", "stop", ""},
		"no JSON":             {"x is 1", "stop", "it is not JSON alone"},
		"a fence":             {"```json\n{\"x\":1}\n```", "stop", "it is not JSON alone"},
		"more behind it":      {`{"x":1} and so on`, "stop", "it is not JSON alone"},
		"the wrong type":      {`{"x":"1"}`, "stop", "at '/x': got string, want integer"},
		"two things at once":  {`{"y":1}`, "stop", "missing property 'x'; at '': additional properties 'y' not allowed"},
		"cut is another case": {`{"x":`, "length", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := canned{answer: agents.Answer{Message: events.Message{Role: "assistant", Content: c.answer}, FinishReason: c.finish}}
			turn, err := agents.Runner{Model: model}.Turn(t.Context(), events.AgentConfig{Model: "m", Schema: json.RawMessage(point)}, user("hi"), nil)
			if err != nil || (turn.Invalid == "") != (c.invalid == "") || !strings.Contains(turn.Invalid, c.invalid) {
				t.Errorf("%v; invalid: %s", err, turn.Invalid)
			}
		})
	}
	free, err := agents.Runner{Model: canned{answer: agents.Answer{Message: events.Message{Content: "x is 1"}}}}.Turn(t.Context(), events.AgentConfig{Model: "m"}, user("hi"), nil)
	if err != nil || free.Invalid != "" {
		t.Errorf("without a schema: %v %s", err, free.Invalid)
	}
}

func TestTheModelIsToldOfTheSchema(t *testing.T) {
	t.Parallel()
	told := agents.Open(events.AgentConfig{Prompt: "Be brief.", Schema: json.RawMessage(point)}, "go")
	if len(told) != 2 || !strings.HasPrefix(told[0].Content, "Be brief.\n\nAnswer with JSON") || !strings.HasSuffix(told[0].Content, point) {
		t.Errorf("%+v", told)
	}
	if told := agents.Open(events.AgentConfig{Schema: json.RawMessage(point)}, "go"); len(told) != 2 || !strings.HasPrefix(told[0].Content, "Answer with JSON") {
		t.Errorf("%+v", told)
	}
}

func TestTheServerIsAskedToHoldTheModelToTheSchema(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		schema string
		strict bool
	}{
		"closed":             {point, true},
		"nested":             {`{"type":"object","properties":{"p":{"type":"array","items":` + point + `}},"required":["p"],"additionalProperties":false}`, true},
		"one of several":     {`{"type":"object","properties":{"p":{"anyOf":[` + point + `,{"type":"null"}]}},"required":["p"],"additionalProperties":false}`, true},
		"open":               {`{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}`, false},
		"a member may lack":  {`{"type":"object","properties":{"x":{"type":"integer"}},"additionalProperties":false}`, false},
		"open further in":    {`{"type":"object","properties":{"p":{"type":"object"}},"required":["p"],"additionalProperties":false}`, false},
		"more than servers":  {`{"type":"string","minLength":3}`, false},
		"open in its $defs":  {`{"$ref":"#/$defs/a","$defs":{"a":{"type":"object"}}}`, false},
		"open in one of two": {`{"anyOf":[{"type":"object"},{"type":"null"}]}`, false},
	} {
		for _, api := range []string{agents.ChatAPI, agents.ResponsesAPI} {
			t.Run(name+" by "+api, func(t *testing.T) {
				t.Parallel()
				end := stream(text("{}"), finish("stop"), "[DONE]")
				if api == agents.ResponsesAPI {
					end = stream(`{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"{}"}]}]}}`)
				}
				d, model := serve(t, nil, end)
				d.responses = true
				_, err := model.Chat(t.Context(), agents.Request{Model: "m", Messages: user("hi"), API: api, Schema: json.RawMessage(c.schema)}, nil)
				if err != nil {
					t.Fatal(err)
				}
				var body struct {
					Format struct {
						Type string `json:"type"`
						JSON struct {
							Name   string          `json:"name"`
							Schema json.RawMessage `json:"schema"`
							Strict bool            `json:"strict"`
						} `json:"json_schema"`
					} `json:"response_format"`
					Text struct {
						Format struct {
							Type   string          `json:"type"`
							Name   string          `json:"name"`
							Schema json.RawMessage `json:"schema"`
							Strict bool            `json:"strict"`
						} `json:"format"`
					} `json:"text"`
				}
				if err := json.Unmarshal(d.bodies[0], &body); err != nil {
					t.Fatal(err)
				}
				got := body.Format.JSON
				kind := body.Format.Type
				if api == agents.ResponsesAPI {
					kind, got.Name, got.Schema, got.Strict = body.Text.Format.Type, body.Text.Format.Name, body.Text.Format.Schema, body.Text.Format.Strict
				}
				if kind != "json_schema" || got.Name != "answer" || got.Strict != c.strict || !sameJSON(t, got.Schema, []byte(c.schema)) {
					t.Errorf("sent %s", d.bodies[0])
				}
			})
		}
	}
}

func TestAServerThatTakesNoSchemaIsAskedWithoutIt(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]string{
		"by name":        `{"error":{"message":"This response_format type is unavailable now","type":"invalid_request_error"}}`,
		"by a parameter": "{\"error\":{\"message\":\"This model does not support response format `json_schema`\",\"param\":\"response_format\"}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, model := serve(t, nil, status(400, refusal), stream(text(`{"x":1}`), finish("stop"), "[DONE]"))
			for range 2 {
				a, err := model.Chat(t.Context(), agents.Request{Model: "m", Messages: user("hi"), Schema: json.RawMessage(point)}, nil)
				if err != nil || strings.Join(a.LeftOut, " ") != "response_format" {
					t.Errorf("left out %v, %v", a.LeftOut, err)
				}
			}
			if len(d.bodies) != 3 || !strings.Contains(string(d.bodies[0]), "response_format") || strings.Contains(string(d.bodies[1])+string(d.bodies[2]), "response_format") {
				t.Errorf("%d requests: %s", len(d.bodies), d.bodies)
			}
		})
	}
}
