package agents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// The tools by which agents of a goal speak to one another.
const (
	AskAgent = "ask_agent"
	HandOver = "hand_over"
)

// errAlone answers an agent that works for no goal.
var errAlone = errors.New("you work for no goal, where other agents could be asked: do it yourself")

// Said is what an agent says to another one.
type Said struct {
	Agent string
	Text  string
}

// talkTools are the tools as they are where no goal is. Whoever drives a goal does what they are there for.
func talkTools() []Tool {
	alone := func(context.Context, Call) (string, error) { return "", errAlone }
	return []Tool{
		{
			Name: AskAgent, Repeatable: true, Call: alone, Schema: talkSchema("question", "What you want to know, with all that the other one needs to answer it."),
			Description: "Asks another agent of your goal, waits for it, and gives what it answers. Asked again, it remembers what you asked before.",
		},
		{
			Name: HandOver, Repeatable: true, Call: alone, Schema: talkSchema("context", "What you did, what you found, and what is left."),
			Description: "Gives your whole task to another agent of your goal, which goes on from where you stand. Your own work at it ends.",
		},
	}
}

func talkSchema(text, what string) json.RawMessage {
	schema, err := json.Marshal(map[string]any{
		"type": "object", "required": []string{"agent", text}, "additionalProperties": false,
		"properties": map[string]any{
			"agent": map[string]any{"type": "string", "description": "The other agent's name."},
			text:    map[string]any{"type": "string", "description": what},
		},
	})
	if err != nil {
		panic("names can be JSON: " + err.Error())
	}
	return schema
}

// ReadSaid reads what one of the tools is called with.
func ReadSaid(arguments string) (Said, error) {
	var c struct{ Agent, Question, Context string }
	if err := json.Unmarshal([]byte(arguments), &c); err != nil {
		return Said{}, fmt.Errorf("the arguments are no object with the agent and what is said: %w", err)
	}
	return Said{strings.TrimSpace(c.Agent), c.Question + c.Context}, nil
}
