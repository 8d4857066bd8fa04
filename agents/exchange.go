package agents

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
)

const (
	// maxErrorBody, maxLine and maxStream bound what a server can make us hold or read, in bytes.
	maxErrorBody = 1 << 20
	maxLine      = 8 << 20
	maxStream    = 256 << 20
)

var (
	errTooMuch    = errors.New("the server sent more than any answer is long")
	errRedirected = errors.New("the server redirects")
)

// exchange is one request and its response, between go-openai and the network. It sets what go-openai's types can't
// express, keeps the response's header, makes its stream regular and bounds what is read.
type exchange struct {
	client *http.Client
	// fields go into the request's body as they are, left are left out of it.
	fields map[string]json.RawMessage
	left   []string
	// extras are what goes back with each message.
	extras []map[string]json.RawMessage
	// alive is called whenever something came.
	alive func()

	// sent are the parameters of the request that went out: without it, go-openai refused it.
	sent *asked
	// header is the response's, once there is one.
	header http.Header
	body   *watched
}

// Do sends the request.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	if err := x.complete(req); err != nil {
		return nil, err
	}
	resp, err := x.client.Do(req)
	if err != nil {
		return nil, err
	}
	x.alive()
	x.header = resp.Header
	x.body = &watched{body: resp.Body, alive: func() { x.alive() }, left: maxStream}
	if resp.StatusCode == http.StatusOK {
		resp.Body = newRegular(x.body)
		return resp, nil
	}
	// go-openai reads such a body without a bound, does not close it, and knows one shape of errors.
	refused, err := io.ReadAll(io.LimitReader(x.body, maxErrorBody))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return nil, fmt.Errorf("%w to %q", errRedirected, resp.Header.Get("Location"))
	}
	var f *fault
	if json.Valid(refused) {
		f = readFault(refused)
	}
	f = cmp.Or(f, &fault{message: string(refused)})
	f.status = resp.StatusCode
	return nil, f
}

// complete puts into the request what go-openai leaves out: the fields, what goes back with each message, and a content
// that is empty, which the API wants to be there in all messages but an assistant's that calls tools.
func (x *exchange) complete(req *http.Request) error {
	sent, err := io.ReadAll(req.Body)
	if err != nil {
		return err
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(sent, &body); err != nil {
		return err
	}
	maps.Copy(body, x.fields)
	maps.DeleteFunc(body, func(name string, _ json.RawMessage) bool { return slices.Contains(x.left, name) })
	x.sent = &asked{api: ResponsesAPI, params: paramsOf(body)}
	if raw, chat := body["messages"]; chat {
		x.sent.api = ChatAPI
		var messages []map[string]json.RawMessage
		if err := json.Unmarshal(raw, &messages); err != nil {
			return err
		}
		for i, m := range messages {
			if _, calls := m["tool_calls"]; m["content"] == nil && !calls {
				m["content"] = json.RawMessage(`""`)
			}
			for name, extra := range x.extras[i] {
				if slices.Contains(x.left, name) {
					continue
				}
				if m[name], err = merged(m[name], extra); err != nil {
					return err
				}
				if name != "tool_calls" {
					x.sent.params = append(x.sent.params, name)
				}
			}
		}
		if body["messages"], err = json.Marshal(messages); err != nil {
			return err
		}
	}
	if sent, err = json.Marshal(body); err != nil {
		return err
	}
	req.Body = io.NopCloser(bytes.NewReader(sent))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(sent)), nil }
	req.ContentLength = int64(len(sent))
	return nil
}

// merged puts more into what is there: an object's fields by their names, a list's elements by their places.
func merged(there, more json.RawMessage) (json.RawMessage, error) {
	var to, from map[string]json.RawMessage
	var toList, fromList []json.RawMessage
	switch {
	case json.Unmarshal(there, &to) == nil && json.Unmarshal(more, &from) == nil && to != nil:
		for name, value := range from {
			inner, err := merged(to[name], value)
			if err != nil {
				return nil, err
			}
			to[name] = inner
		}
		return json.Marshal(to)
	case json.Unmarshal(there, &toList) == nil && json.Unmarshal(more, &fromList) == nil && len(toList) == len(fromList) && toList != nil:
		for i := range toList {
			inner, err := merged(toList[i], fromList[i])
			if err != nil {
				return nil, err
			}
			toList[i] = inner
		}
		return json.Marshal(toList)
	}
	return more, nil
}

// watched tells of every sign of life, and ends a body that has no end.
type watched struct {
	body  io.ReadCloser
	alive func()
	left  int64
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	if n > 0 {
		w.alive()
	}
	if w.left -= int64(n); w.left < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// Close ends the reading.
func (w *watched) Close() error { return w.body.Close() }
