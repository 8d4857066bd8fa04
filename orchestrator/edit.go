package orchestrator

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
)

// The bounds of what a writer may change: how many candidates it gives, how many edits each has, how long what they put in may be, one by one and
// together, and how long a text may get, in bytes.
const (
	mostCandidates = 3
	mostEdits      = 5
	mostInserted   = 1000
	mostOfAll      = 2000
	mostText       = 24 << 10
	mostWhy        = 300
)

// The edits that there are.
const (
	editReplace = "replace"
	editInsert  = "insert"
	editDelete  = "delete"
)

// edit changes a passage of a text: it replaces it, puts something behind it, or takes it out.
type edit struct {
	Do      string `json:"do"`
	Passage string `json:"passage"`
	Text    string `json:"text"`
}

// edited is a candidate as a model gives it.
type edited struct {
	Why string `json:"why"`
	// Of is which text it edits, empty for the instructions.
	Of    string `json:"of"`
	Edits []edit `json:"edits"`
}

// writerSchema is what a writer's answer has to be: where it is shown several texts, each candidate says which it edits.
func writerSchema(texts ...string) json.RawMessage {
	text := func(description string) map[string]any {
		return map[string]any{"type": "string", "description": description}
	}
	object := func(properties map[string]any, required ...string) map[string]any {
		return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	}
	array := func(items any) map[string]any { return map[string]any{"type": "array", "items": items} }
	candidate := map[string]any{
		"why": text("what goes wrong, and why this mends it, in a sentence"),
		"edits": array(object(map[string]any{
			"do":      map[string]any{"type": "string", "enum": []string{editReplace, editInsert, editDelete}},
			"passage": text("what stands in the text, copied exactly; for insert what the new text comes behind, empty for the end"),
			"text":    text("what comes in its place or behind it, empty for delete"),
		}, "do", "passage", "text")),
	}
	required := []string{"why", "edits"}
	if len(texts) > 0 {
		candidate["of"] = map[string]any{"type": "string", "enum": texts, "description": "which text it edits"}
		required = append(required, "of")
	}
	return encoded(object(map[string]any{"candidates": array(object(candidate, required...))}, "candidates"))
}

// readEdits reads a writer's answer.
func readEdits(answer string) ([]edited, error) {
	var said struct {
		Candidates []edited `json:"candidates"`
	}
	if err := answers.ReadStrict(answer, &said); err != nil {
		return nil, err
	}
	if n := len(said.Candidates); n == 0 || n > mostCandidates {
		return nil, fmt.Errorf("it has %d candidates, and 1 to %d are taken", n, mostCandidates)
	}
	return said.Candidates, nil
}

// apply makes the edits of a candidate in their order.
func (c edited) apply(text string) (string, error) {
	if n := len(c.Edits); n == 0 || n > mostEdits {
		return "", fmt.Errorf("it has %d edits, and 1 to %d are taken", n, mostEdits)
	}
	was, inserted := text, 0
	for i, e := range c.Edits {
		wrong := func(format string, args ...any) (string, error) {
			return "", fmt.Errorf("edit %d: %s", i+1, fmt.Sprintf(format, args...))
		}
		if inserted += len(e.Text); len(e.Text) > mostInserted || inserted > mostOfAll {
			return wrong("it puts in more than %d bytes, or all of them more than %d", mostInserted, mostOfAll)
		}
		if _, unseen := events.Unseen(e.Text); unseen {
			return wrong("there are characters in it that nobody sees")
		}
		n := strings.Count(text, e.Passage)
		switch {
		case e.Passage == "" && e.Do != editInsert:
			return wrong("it names no passage")
		case e.Passage != "" && n != 1:
			return wrong("its passage stands %d times in the text, and not once", n)
		case (e.Do == editDelete) != (strings.TrimSpace(e.Text) == ""):
			return wrong("it deletes with a text, or puts in none")
		}
		switch e.Do {
		case editReplace:
			text = strings.Replace(text, e.Passage, e.Text, 1)
		case editDelete:
			text = strings.Replace(text, e.Passage, "", 1)
		case editInsert:
			at := len(text)
			if e.Passage != "" {
				at = strings.Index(text, e.Passage) + len(e.Passage)
			}
			text = joined(text[:at], e.Text) + text[at:]
		default:
			return wrong("nothing is called %q", clipped(e.Do, 20))
		}
	}
	switch text = strings.TrimSpace(text); {
	case text == "":
		return "", errors.New("nothing is left of the text")
	case len(text) > mostText:
		return "", fmt.Errorf("the text gets %d bytes long, and at most %d are taken", len(text), mostText)
	case text == strings.TrimSpace(was):
		return "", errors.New("it changes nothing")
	}
	return text, nil
}

// joined puts a text behind another one, with something between them.
func joined(before, text string) string {
	if before == "" || strings.ContainsAny(before[len(before)-1:], " \n") || strings.ContainsAny(text[:1], " \n") {
		return before + text
	}
	return before + "\n" + text
}
