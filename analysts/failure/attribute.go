package failure

import (
	"cmp"
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
	places = regexp.MustCompile(`(?i)terminal|^(?:user|human|tool|function|environment|system|executor|)$`)
	// remark is what logs of teams write behind a name: whom the message is for, or that it was only thought.
	remark = regexp.MustCompile(`^(.*\S)\s*\((?:->.*|thoughts?|thinking|[a-z ]*condition)\)$`)
)

// Attribute finds the first sign of an error behind the task, and the one who spoke before it where it comes from a tool. One who
// leads others, and whose words are marked by whom they are for, speaks of what these did: a sign in them is put down to the
// others. A conversation without a sign is put down to its first own words. ok is false where nobody but tools spoke.
func Attribute(conversation []Message) (b Blame, ok bool) {
	leaders := map[string]bool{}
	for _, m := range conversation {
		if name, marked := m.author(); marked {
			leaders[name] = true
		}
	}
	of := func(wanted func(name string) bool) func(i int) bool {
		return func(i int) bool {
			name, _ := conversation[i].author()
			return !places.MatchString(name) && wanted(name)
		}
	}
	anybody := of(func(string) bool { return true })
	worker := of(func(name string) bool { return !leaders[name] })
	for _, own := range []func(int) bool{worker, anybody} {
		for i := 1; i < len(conversation); i++ {
			if !signs.MatchString(strings.TrimSpace(conversation[i].Content)) {
				continue
			}
			for k := i; k >= 0; k-- {
				if own(k) {
					name, _ := conversation[k].author()
					return Blame{name, k}, true
				}
			}
		}
		for _, from := range []int{1, 0} {
			for i := from; i < len(conversation); i++ {
				if own(i) {
					name, _ := conversation[i].author()
					return Blame{name, i}, true
				}
			}
		}
	}
	return Blame{}, false
}

// author is who spoke; marked tells that a remark stood behind the name.
func (m Message) author() (name string, marked bool) {
	name = cmp.Or(m.Name, m.Role)
	if parts := remark.FindStringSubmatch(name); parts != nil {
		return parts[1], true
	}
	return name, false
}
