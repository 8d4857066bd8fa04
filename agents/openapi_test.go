package agents_test

import (
	"bytes"
	"os"
	"testing"
	"testing/synctest"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

// The requests are held to OpenAI's own description of its API, and so are the chunks that the double answers with.
func TestRequestsFollowTheAPI(t *testing.T) {
	t.Parallel()
	path := shared(t, "openai/openapi.json")
	if path == "" {
		t.Skip("the shared data is absent")
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	description, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	description = allowNull(description)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", description); err != nil {
		t.Fatal(err)
	}
	request := compiler.MustCompile("openapi.json#/components/schemas/CreateChatCompletionRequest")
	chunk := compiler.MustCompile("openapi.json#/components/schemas/CreateChatCompletionStreamResponse")
	check := func(schema *jsonschema.Schema, document []byte) error {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
		if err != nil {
			return err
		}
		return schema.Validate(value)
	}
	if check(request, []byte(`{"model":"m","messages":[{"role":"tool","tool_call_id":"a"}]}`)) == nil {
		t.Fatal("the description accepts a tool's message without content: it proves nothing")
	}

	zero, seed := 0.0, int64(1)
	synctest.Test(t, func(t *testing.T) {
		d, model := serve(t, nil, hello)
		for _, req := range []agents.Request{
			ask,
			{Model: "gpt-5", Messages: user("hi"), MaxTokens: 9},
			{Model: "m", Temperature: &zero, Seed: &seed, MaxTokens: 9, Tools: specs(t), Messages: []events.Message{
				{Role: "system", Content: "be kind"},
				{Role: "user", Name: "anna"},
				{Role: "assistant", ToolCalls: []events.ToolCall{{ID: "a", Name: "clock"}}},
				{Role: "tool", Name: "clock", ToolCallID: "a"},
				{Role: "assistant", Content: "noon"},
				{Role: "user", Content: "thanks"},
			}},
		} {
			if _, err := model.Chat(t.Context(), req, nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, body := range d.bodies {
			if err := check(request, body); err != nil {
				t.Errorf("%s\n%v", body, err)
			}
		}
	})
	for _, c := range []string{role, text("a"), finish("stop"), usage, calls(`{"index":0,"id":"a","type":"function","function":{"name":"clock","arguments":"{}"}}`)} {
		if err := check(chunk, []byte(c)); err != nil {
			t.Errorf("the double answers with %s\n%v", c, err)
		}
	}
}

// allowNull turns OpenAPI 3.0's "nullable", which the description still uses, into what JSON Schema knows.
func allowNull(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = allowNull(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = allowNull(v[k])
		}
		if v["nullable"] == true {
			return map[string]any{"anyOf": []any{v, map[string]any{"type": "null"}}}
		}
	}
	return value
}
