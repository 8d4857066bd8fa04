package failure

import (
	"regexp"
	"strings"
)

// Message is what somebody said in a conversation.
type Message struct {
	Name, Role, Content string
}

// Blame is where a conversation went wrong first: who, and at which message, from 0.
type Blame struct {
	Agent string `json:"agent"`
	Step  int    `json:"step"`
}

var (
	// signs are those of an error: what programs and people say when something failed, an answer without content, and data that
	// somebody made up.
	signs = regexp.MustCompile(`(?i)exitcode: [1-9]|execution failed|traceback|error\b|exception\b|failed to|unable to|could not|cannot|can't|` +
		`not found|no results|none\b|exitcode: 0 \(execution succeeded\)\s*code output:\s*$|\bassum(?:e|ing|ption)|hypothetical|placeholder|mock|` +
		`for demonstration|as an ai|don't have (?:direct )?access|simulat`)
	// places are participants that only answer to what others did.
	places = regexp.MustCompile(`(?i)terminal|^(?:user|tool|function|environment|system|executor)$`)
)

// Attribute finds the first sign of an error behind the task, and the one who spoke before it where it comes from a tool. A
// conversation without a sign is put down to its first own words. ok is false where nobody but tools spoke.
func Attribute(conversation []Message) (b Blame, ok bool) {
	own := func(i int) bool { return !places.MatchString(conversation[i].author()) }
	for i := 1; i < len(conversation); i++ {
		if !signs.MatchString(strings.TrimSpace(conversation[i].Content)) {
			continue
		}
		for k := i; k >= 0; k-- {
			if own(k) {
				return Blame{conversation[k].author(), k}, true
			}
		}
	}
	for _, from := range []int{1, 0} {
		for i := from; i < len(conversation); i++ {
			if own(i) {
				return Blame{conversation[i].author(), i}, true
			}
		}
	}
	return Blame{}, false
}

func (m Message) author() string {
	if m.Name != "" {
		return m.Name
	}
	return m.Role
}
