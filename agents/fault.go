package agents

import (
	"cmp"
	"encoding/json"
	"strings"
)

// fault is an error in a server's own words, wherever it stood and in whatever shape.
type fault struct {
	message string
	// code and kind are what the server calls it, param the parameter that it names.
	code, kind, param string
	// status is that of HTTP, or one that stands in the error itself. 0 where there is none.
	status int
}

func (f *fault) Error() string { return f.message }

// faultShape has every name under which servers tell what went wrong.
type faultShape struct {
	Error    json.RawMessage `json:"error"`
	Errors   json.RawMessage `json:"errors"`
	Message  json.RawMessage `json:"message"`
	Msg      json.RawMessage `json:"msg"`
	Detail   json.RawMessage `json:"detail"`
	Code     label           `json:"code"`
	Type     label           `json:"type"`
	Status   label           `json:"status"`
	Param    label           `json:"param"`
	Loc      many[label]     `json:"loc"`
	Metadata struct {
		Raw label `json:"raw"`
	} `json:"metadata"`
}

// readFault reads an error: a text, a list, or an object that may hold another one. It is nil where there is none.
func readFault(raw json.RawMessage) *fault {
	var message string
	var list []json.RawMessage
	var shape faultShape
	switch {
	case isNull(raw) || string(raw) == "false" || isFlag(raw):
		return nil
	case json.Unmarshal(raw, &message) == nil:
		if message = strings.TrimSpace(message); message == "" {
			return nil
		}
		return &fault{message: message}
	case json.Unmarshal(raw, &list) == nil:
		var all []string
		var out *fault
		for _, one := range list {
			if f := readFault(one); f != nil {
				out, all = f, append(all, f.message)
			}
		}
		if out != nil {
			out.message = strings.Join(all, "; ")
		}
		return out
	case json.Unmarshal(raw, &shape) != nil:
		return &fault{message: string(raw)}
	}
	var out *fault
	for _, inner := range []json.RawMessage{shape.Error, shape.Errors, shape.Message, shape.Msg, shape.Detail} {
		if out == nil {
			out = readFault(inner)
		}
	}
	if out == nil {
		if len(strings.Trim(string(raw), "{} \n")) == 0 {
			return nil
		}
		out = &fault{message: string(raw)}
	}
	// Some put JSON into the text.
	if strings.HasPrefix(out.message, "{") && json.Valid([]byte(out.message)) && out.message != string(raw) {
		if f := readFault(json.RawMessage(out.message)); f != nil {
			out.message = f.message
		}
	}
	if more := strings.TrimSpace(string(shape.Metadata.Raw)); more != "" && !strings.Contains(out.message, more) {
		out.message += ": " + more
	}
	if n := len(shape.Loc); n > 0 {
		out.param = string(shape.Loc[n-1])
		out.message = out.param + ": " + out.message
	}
	out.code, out.param = cmp.Or(out.code, string(shape.Code)), cmp.Or(out.param, string(shape.Param))
	out.kind = cmp.Or(out.kind, string(shape.Type), string(shape.Status))
	for _, code := range []label{shape.Code, shape.Status} {
		var n number
		_ = n.UnmarshalJSON([]byte(code)) // a code in words is none
		if out.status == 0 && n.n >= 400 && n.n < 600 {
			out.status = int(n.n)
		}
	}
	return out
}

// isFlag tells of an error that only says that there is one: what it is stands beside it.
func isFlag(raw json.RawMessage) bool { return string(raw) == "true" }

// fault finds an error in a piece of a stream.
func (c chunk) fault(payload []byte) *fault {
	if f := readFault(c.Error); f != nil {
		return f
	}
	for _, choice := range c.Choices {
		if f := readFault(choice.Error); f != nil {
			return f
		}
	}
	if c.Object == "error" || c.Type == "error" || isFlag(c.Error) {
		return readFault(payload)
	}
	if len(c.Choices) > 0 || c.Usage != nil || c.Response != nil || c.Type != "" || c.Object != "" {
		return nil
	}
	var shape faultShape
	if json.Unmarshal(payload, &shape) == nil && (shape.Message != nil || shape.Detail != nil || shape.Errors != nil) {
		return readFault(payload)
	}
	return nil
}

// listedFault finds an error where a list came instead of a piece.
func listedFault(payload []byte) *fault {
	var list []chunk
	if json.Unmarshal(payload, &list) != nil || len(list) == 0 || isNull(list[0].Error) {
		return nil
	}
	return readFault(payload)
}
