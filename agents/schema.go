package agents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/virtuous6/virtuous6/events"
)

// ErrSchema tells that no answer can be held to an agent's schema.
var ErrSchema = errors.New("the schema of the answer can't be used")

// noLoader has schemas stand alone: one that refers to a file or an address would have us read it.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s: put that into its $defs", url)
}

// CheckSchema refuses what is no JSON Schema, or refers to another one.
func CheckSchema(schema json.RawMessage) error {
	_, err := compile(schema)
	return err
}

// Unmet is why an answer does not satisfy a schema, empty where it does or there is none. It returns ErrSchema as CheckSchema does.
func Unmet(schema json.RawMessage, answer string) (why string, err error) {
	compiled, err := compile(schema)
	if err != nil {
		return "", err
	}
	return invalid(compiled, answer), nil
}

// compile is nil for no schema.
func compile(schema json.RawMessage) (*jsonschema.Schema, error) {
	if len(schema) == 0 {
		return nil, nil
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("%w: it is no JSON: %w", ErrSchema, err)
	}
	const name = "virtuous6:answer"
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	err = c.AddResource(name, document)
	if err == nil {
		var compiled *jsonschema.Schema
		if compiled, err = c.Compile(name); err == nil {
			return compiled, nil
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrSchema, cut(strings.Join(strings.Fields(err.Error()), " "), 500))
}

// invalid is why an answer does not satisfy a schema, empty where it does or there is none.
func invalid(schema *jsonschema.Schema, answer string) string {
	if schema == nil {
		return ""
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(answer))
	if err != nil {
		return "it is not JSON alone: " + cut(err.Error(), 300)
	}
	var wrong *jsonschema.ValidationError
	if err = schema.Validate(value); !errors.As(err, &wrong) {
		return ""
	}
	// The first line names the schema.
	_, reasons, _ := strings.Cut(wrong.Error(), "\n")
	lines := strings.Split(reasons, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(strings.TrimSpace(lines[i]), "- ")
	}
	return cut(strings.Join(lines, "; "), 2000)
}

// instructions open an agent's conversations. Servers that can't hold a model to a schema are many, so it is told of it, too.
func instructions(config events.AgentConfig) string {
	said := config.Prompt
	if skills := skillsTold(config.Skills); skills != "" {
		said += "\n\n" + skills
	}
	if len(config.Schema) > 0 {
		said += "\n\nAnswer with JSON alone, without a fence around it, that satisfies this JSON Schema:\n" + string(config.Schema)
	}
	if said == config.Prompt {
		return said
	}
	return strings.TrimLeft(said, "\n")
}

// Repair asks for an answer that satisfies the schema, after one that does not.
func Repair(invalid string) events.Message {
	return events.Message{Role: "user", Content: "That answer does not satisfy the JSON Schema: " + invalid + "\nAnswer again, with the JSON alone."}
}

// Unrepaired tells why a run fails whose second answer does not satisfy the schema either.
func Unrepaired(invalid string) string {
	return "the answer does not satisfy the agent's schema, and the one before did not either: " + invalid
}

// responseFormat is how the chat completions are asked for a schema, textFormat how the Responses API is.
func responseFormat(schema json.RawMessage) (json.RawMessage, error) {
	return json.Marshal(map[string]any{
		"type": "json_schema", "json_schema": map[string]any{"name": "answer", "schema": schema, "strict": strictly(schema)},
	})
}

func textFormat(schema json.RawMessage) (json.RawMessage, error) {
	return json.Marshal(map[string]any{"format": map[string]any{
		"type": "json_schema", "name": "answer", "schema": schema, "strict": strictly(schema),
	}})
}

// strictly tells whether a schema is one that servers can hold a model to: all objects are closed, all of their members
// required, and nothing else is asked for. One that is not is sent as a wish, since servers refuse it otherwise.
func strictly(schema json.RawMessage) bool {
	var s any
	return json.Unmarshal(schema, &s) == nil && strict(s)
}

func strict(schema any) bool {
	s, ok := schema.(map[string]any)
	if !ok {
		return false
	}
	for key, value := range s {
		switch key {
		case "type", "required", "additionalProperties", "description", "title", "enum", "const", "$ref":
		case "items":
			ok = ok && strict(value)
		case "anyOf":
			all, list := value.([]any)
			ok = ok && list && !slices.ContainsFunc(all, func(one any) bool { return !strict(one) })
		case "properties", "$defs":
			all, object := value.(map[string]any)
			ok = ok && object
			for _, one := range all {
				ok = ok && strict(one)
			}
		default:
			return false
		}
	}
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	if s["type"] == "object" || properties != nil {
		ok = ok && s["additionalProperties"] == false && len(required) == len(properties)
	}
	return ok
}
