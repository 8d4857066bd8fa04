package agents

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
)

const (
	// maxErrorBody, maxLine and maxStream bound what a server can make us hold or read, in bytes.
	maxErrorBody = 1 << 20
	maxLine      = 8 << 20
	maxStream    = 256 << 20
)

var (
	errTooMuch    = errors.New("the server sent more than any answer is long")
	errNoStream   = errors.New("the server answered with one JSON document instead of a stream")
	errRedirected = errors.New("the server redirects")
)

// exchange is one request and its response, between go-openai and the network. It sets what go-openai's types can't
// express, keeps the response's header and bounds what is read.
type exchange struct {
	client *http.Client
	// fields go into the request's body as they are.
	fields map[string]json.RawMessage
	// alive is called whenever something came.
	alive func()

	// sent tells that the request went out: without it, go-openai refused it.
	sent bool
	// header is the response's, once there is one.
	header http.Header
	// refused is the body of a response that is no stream.
	refused []byte
}

// Do sends the request.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	if err := x.complete(req); err != nil {
		return nil, err
	}
	x.sent = true
	resp, err := x.client.Do(req)
	if err != nil {
		return nil, err
	}
	x.alive()
	x.header = resp.Header
	body := &watched{body: resp.Body, alive: x.alive, left: maxStream}
	streams := resp.StatusCode == http.StatusOK && !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json")
	if streams {
		resp.Body = &dataLines{watched: body, lines: bufio.NewReaderSize(body, 16<<10)}
		return resp, nil
	}
	// go-openai reads such a body without a bound and does not close it.
	x.refused, err = io.ReadAll(io.LimitReader(body, maxErrorBody))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return nil, fmt.Errorf("%w to %q", errRedirected, resp.Header.Get("Location"))
	case resp.StatusCode < 300:
		return nil, errNoStream
	}
	resp.Body = io.NopCloser(bytes.NewReader(x.refused))
	return resp, nil
}

// complete puts into the request what go-openai leaves out: the fields, and a content that is empty, which the API wants
// to be there in all messages but an assistant's that calls tools.
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
	var messages []map[string]json.RawMessage
	if err := json.Unmarshal(body["messages"], &messages); err != nil {
		return err
	}
	for _, m := range messages {
		if _, calls := m["tool_calls"]; m["content"] == nil && !calls {
			m["content"] = json.RawMessage(`""`)
		}
	}
	if body["messages"], err = json.Marshal(messages); err != nil {
		return err
	}
	if sent, err = json.Marshal(body); err != nil {
		return err
	}
	req.Body = io.NopCloser(bytes.NewReader(sent))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(sent)), nil }
	req.ContentLength = int64(len(sent))
	return nil
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

func (w *watched) Close() error { return w.body.Close() }

// dataLines passes on the data lines of an event stream, and nothing else: no comments that keep a connection alive, no
// names of events, no blank lines, no half line at the end. go-openai gives up after some hundred lines without data, and
// holds a line of any length.
type dataLines struct {
	*watched
	lines *bufio.Reader
	rest  []byte
}

func (d *dataLines) Read(p []byte) (int, error) {
	for len(d.rest) == 0 {
		line, err := d.line()
		if err != nil {
			return 0, err
		}
		if bytes.HasPrefix(line, []byte("data:")) {
			d.rest = line
		}
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// line reads up to a line break and includes it.
func (d *dataLines) line() ([]byte, error) {
	var line []byte
	for {
		part, err := d.lines.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, errTooMuch
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
