package orchestrator

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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

// quoted is from how many words in a row an edit repeats what somebody said.
const quoted = 6

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
	Why   string `json:"why"`
	Edits []edit `json:"edits"`
}

// writerSchema is what a writer's answer has to be.
func writerSchema() json.RawMessage {
	text := func(description string) map[string]any {
		return map[string]any{"type": "string", "description": description}
	}
	object := func(properties map[string]any, required ...string) map[string]any {
		return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	}
	array := func(items any) map[string]any { return map[string]any{"type": "array", "items": items} }
	return encoded(object(map[string]any{"candidates": array(object(map[string]any{
		"why": text("what goes wrong, and why this mends it, in a sentence"),
		"edits": array(object(map[string]any{
			"do":      map[string]any{"type": "string", "enum": []string{editReplace, editInsert, editDelete}},
			"passage": text("what stands in the text, copied exactly; for insert what the new text comes behind, empty for the end"),
			"text":    text("what comes in its place or behind it, empty for delete"),
		}, "do", "passage", "text")),
	}, "why", "edits"))}, "candidates"))
}

// readEdits reads a writer's answer.
func readEdits(answer string) ([]edited, error) {
	var said struct {
		Candidates []edited `json:"candidates"`
	}
	d := json.NewDecoder(strings.NewReader(answer))
	d.DisallowUnknownFields()
	if err := d.Decode(&said); err != nil || d.More() {
		return nil, errors.New("it is not the JSON that was asked for")
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
		if !plain(e.Text) {
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

// plain tells that people see all of a text: it has no control characters, and none that change how others are shown.
func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r))
	})
}

// repeats tells whether a text has words in a row that are somebody's, or an address or a number of theirs, and that no text has that was there
// before.
func repeats(text string, theirs, before []string) bool {
	known, said := map[string]bool{}, map[string]bool{}
	for _, b := range before {
		for _, p := range phrases(b) {
			known[p] = true
		}
	}
	for _, t := range theirs {
		for _, p := range phrases(t) {
			said[p] = !known[p]
		}
	}
	return slices.ContainsFunc(phrases(text), func(p string) bool { return said[p] })
}

// phrases are the rows of words of a text that may tell whose they are, and the words that do so by themselves.
func phrases(text string) (all []string) {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("@._-+", r)
	})
	for i := range words {
		words[i] = strings.Trim(words[i], "._-+")
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	for i, w := range words {
		digits := 0
		for _, r := range w {
			if unicode.IsDigit(r) {
				digits++
			}
		}
		if digits >= 4 || strings.Contains(w, "@") {
			all = append(all, w)
		}
		if i+quoted <= len(words) {
			all = append(all, strings.Join(words[i:i+quoted], " "))
		}
	}
	return all
}

// changes is a configuration with another prompt.
func withPrompt(config events.AgentConfig, prompt string) events.AgentConfig {
	config.Prompt = prompt
	return config
}
