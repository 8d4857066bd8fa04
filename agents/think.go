package agents

import "strings"

// thinkTags splits off what a model thought where its server leaves it in the text: between <think> and </think>, at
// the very start. It holds back what may become a tag.
type thinkTags struct {
	state thinkState
	held  string
}

type thinkState int

const (
	atStart thinkState = iota
	inThought
	behindThought
	inAnswer
)

const openThink, closeThink = "<think>", "</think>"

// write takes in a piece of text, and gives what is certain by now.
func (t *thinkTags) write(piece string) (said, thought string) {
	t.held += piece
	for {
		switch t.state {
		case atStart:
			rest := strings.TrimLeft(t.held, " \t\r\n")
			switch {
			case strings.HasPrefix(rest, openThink):
				t.held, t.state = rest[len(openThink):], inThought
			case strings.HasPrefix(openThink, rest):
				return said, thought
			default:
				t.state = inAnswer
			}
		case inThought:
			before, after, closed := strings.Cut(t.held, closeThink)
			if !closed {
				keep := partOf(t.held, closeThink)
				thought += t.held[:len(t.held)-keep]
				t.held = t.held[len(t.held)-keep:]
				return said, thought
			}
			thought += before
			t.held, t.state = after, behindThought
		case behindThought:
			t.held = strings.TrimLeft(t.held, "\r\n")
			if t.held == "" {
				return said, thought
			}
			t.state = inAnswer
		case inAnswer:
			said, t.held = said+t.held, ""
			return said, thought
		}
	}
}

// end gives what was held back: no more comes.
func (t *thinkTags) end() (said, thought string) {
	held := t.held
	t.held = ""
	if t.state == inThought {
		return "", held
	}
	return held, ""
}

// partOf is how much of a tag the text ends with.
func partOf(text, tag string) int {
	for n := min(len(tag)-1, len(text)); n > 0; n-- {
		if strings.HasSuffix(text, tag[:n]) {
			return n
		}
	}
	return 0
}
