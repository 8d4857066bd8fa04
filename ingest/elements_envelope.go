package ingest

import "bytes"

// envelopes are the objects that records come wrapped in, by the key of the list that holds them, and how they are
// known: by keys beside it.
var envelopes = []struct {
	list   string
	beside []string
}{
	{"simulations", []string{"info", "tasks", "timestamp"}},                // tau2-bench
	{"runs", []string{"cursors", "parsed_query", "search_cursors"}},        // LangSmith
	{"data", []string{"meta", "has_more", "object", "first_id", "cursor"}}, // Langfuse, OpenAI
	{"traces", []string{"meta"}},
}

// envelopeOf tells under which key of the first object its records stand, or nothing where it is a record itself.
func envelopeOf(prefix []byte) string {
	prefix = bytes.TrimLeft(prefix, " \t\r\n")
	if len(prefix) == 0 || prefix[0] != '{' {
		return ""
	}
	keys := firstKeys(prefix)
	for _, e := range envelopes {
		beside := keys[e.list] && len(keys) == 1
		for _, b := range e.beside {
			beside = beside || keys[b]
		}
		if !beside || !keys[e.list] && e.list != "simulations" {
			continue
		}
		if e.list == "simulations" && !keys[e.list] && !(keys["info"] && keys["tasks"]) {
			continue
		}
		inner := listKeys(prefix, e.list)
		if e.list == "data" && (inner["role"] || inner["call_id"]) && !inner["sample"] {
			continue // the items of one conversation
		}
		return e.list
	}
	return ""
}

// listKeys are the keys of the first object in a list of the first object, as far as the text goes.
func listKeys(prefix []byte, list string) map[string]bool { return keysBehind(prefix, list, '[') }

// innerKeys are the keys of an object in the first object, as far as the text goes.
func innerKeys(prefix []byte, name string) map[string]bool { return keysBehind(prefix, name, '{') }

func keysBehind(prefix []byte, name string, open byte) map[string]bool {
	_, rest, _ := bytes.Cut(prefix, []byte(`"`+name+`"`))
	rest = bytes.TrimLeft(rest, " \t\r\n:")
	if len(rest) == 0 || rest[0] != open {
		return nil
	}
	return firstKeys(rest)
}

// enter reads on into the list of the next envelope. It returns false where there is none.
func (e *elements) enter() bool {
	key, word, inText, escaped := "", []byte(nil), false, false
	for {
		c, err := e.in.ReadByte()
		if err != nil {
			return false
		}
		if c == '\n' {
			e.line++
		}
		if inText {
			switch {
			case escaped:
				escaped = false
			case c == '\\':
				escaped = true
			case c == '"':
				inText, key = false, string(word)
			case len(word) <= len("simulations"):
				word = append(word, c)
			}
			continue
		}
		switch c {
		case '"':
			inText, word = true, word[:0]
		case '[':
			if e.around == 1 && key == e.envelope {
				e.column = 0
				return true
			}
			e.around++
			key = ""
		case '{':
			e.around++
			key = ""
		case '}', ']':
			e.around--
			key = ""
		case ',':
			key = ""
		}
	}
}
