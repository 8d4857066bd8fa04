// Package apitest is a double of Slack for tests: messages, threads, streams, sessions, views, limits and a socket, as far as
// the door uses them. It refuses what Slack refuses.
package apitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// Message is a message that the app has posted.
type Message struct {
	Channel, TS, Thread string
	// Text is what it says: all that was streamed into it, where it was.
	Text string
	// Blocks is their JSON, empty for none.
	Blocks   string
	Metadata string
	// User sees it alone, empty for everyone.
	User string
	// Streaming tells of a stream that has not been stopped. Streamed of one that ever was, Updates counts its updates.
	Streaming, Streamed bool
	Updates             int
	// Calls counts what was appended.
	Calls int
}

// Call is a call of a method.
type Call struct {
	Method string
	Form   url.Values
}

// Server is the double.
type Server struct {
	// URL is that of its Web API, with the trailing slash.
	URL  string
	http *httptest.Server

	mu       sync.Mutex
	changed  chan struct{}
	messages []*Message
	calls    []Call
	status   map[string]string
	refuse   map[string]string
	limited  map[string]int
	broken   map[string]int
	clock    int
	groups   map[string][]string
	scopes   string
	older    bool
	closed   map[string]string
	manifest json.RawMessage
	sockets  sockets
}

// New starts a double that ends with the test.
func New(t testing.TB) *Server {
	s := &Server{
		changed: make(chan struct{}), status: map[string]string{}, refuse: map[string]string{}, limited: map[string]int{}, broken: map[string]int{},
		groups: map[string][]string{}, clock: 1_700_000_000,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", s.api)
	mux.HandleFunc("/response/{channel}/{user}", s.response)
	mux.HandleFunc("/socket", s.socket)
	// Who calls it may be another process, of which the race detector does not know that it was told the address by this one.
	s.mu.Lock()
	s.http = httptest.NewServer(mux)
	s.URL = s.http.URL + "/api/"
	s.mu.Unlock()
	t.Cleanup(func() {
		s.sockets.close()
		s.http.Close()
	})
	return s
}

// ResponseURL is where a command of a person in a channel is answered.
func (s *Server) ResponseURL(channel, user string) string {
	return s.http.URL + "/response/" + channel + "/" + user
}

// Refuse has a method, or with "*" every one that takes the bot's token, answer with an error from now on, or work again for an empty one. "missing_scope needs S" tells
// which scope.
func (s *Server) Refuse(method, with string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse[method] = with
}

// Limit has the next calls of a method told to wait for a second.
func (s *Server) Limit(method string, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limited[method] = times
}

// Break has the next calls of a method carried out and answered with an error of the server's.
func (s *Server) Break(method string, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[method] = times
}

// Group sets the members of a user group.
func (s *Server) Group(group string, users ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[group] = users
}

// Grant sets the scopes that the app has.
func (s *Server) Grant(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = strings.Join(scopes, ",")
}

// Messages are what the app has posted in a channel, as they are now.
func (s *Server) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Message
	for _, m := range s.messages {
		if m.Channel == channel {
			all = append(all, *m)
		}
	}
	return all
}

// Calls counts the calls of a method.
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.calls {
		if c.Method == method {
			n++
		}
	}
	return n
}

// Last is the form of the last call of a method, nil where there was none.
func (s *Server) Last(method string) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range slices.Backward(s.calls) {
		if c.Method == method {
			return c.Form
		}
	}
	return nil
}

// Status is that of a session.
func (s *Server) Status(channel, thread string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status[channel+"/"+thread]
}

// Working counts the sessions that are processing.
func (s *Server) Working() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, status := range s.status {
		if status == "processing" {
			n++
		}
	}
	return n
}

// Await waits until something holds. It fails the test where that takes too long.
func (s *Server) Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("waited too long for %s; the messages: %s", what, s.dump())
		}
	}
}

func (s *Server) dump() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, m := range s.messages {
		fmt.Fprintf(&b, "\n%+v", *m)
	}
	return b.String()
}

// Message waits for a message in a channel for which something holds.
func (s *Server) Message(t testing.TB, channel, what string, holds func(Message) bool) Message {
	t.Helper()
	var found Message
	s.Await(t, what, func() bool {
		for _, m := range s.Messages(channel) {
			if holds(m) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	form, err := formOf(r)
	if err != nil {
		answer(w, "invalid_form_data", nil)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limited[method] > 0 {
		s.limited[method]--
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	s.calls = append(s.calls, Call{method, form})
	failed, body := s.refused(method, form), map[string]any(nil)
	if failed == "" {
		body, failed = s.unknown(form)
	}
	if failed == "" {
		body, failed = s.do(method, form)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	if s.broken[method] > 0 {
		s.broken[method]--
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if s.scopes != "" {
		w.Header().Set("X-OAuth-Scopes", s.scopes)
	}
	answer(w, failed, body)
}

// formOf reads a call's arguments, which come as a form or as JSON.
func formOf(r *http.Request) (url.Values, error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		form := url.Values{}
		for key, value := range body {
			if text, ok := value.(string); ok {
				form.Set(key, text)
				continue
			}
			data, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			form.Set(key, string(data))
		}
		return form, nil
	}
	err := r.ParseMultipartForm(1 << 20)
	if err == http.ErrNotMultipart {
		err = r.ParseForm()
	}
	return r.Form, err
}

func answer(w http.ResponseWriter, failed string, body map[string]any) {
	if body == nil {
		body = map[string]any{}
	}
	body["ok"] = failed == ""
	if failed != "" {
		failed, needed, _ := strings.Cut(failed, " needs ")
		body["error"], body["needed"] = failed, needed
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

// response takes the answer to a command.
func (s *Server) response(w http.ResponseWriter, r *http.Request) {
	form, err := formOf(r)
	if err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &Message{Channel: r.PathValue("channel"), TS: s.ts(), Text: form.Get("text"), Blocks: form.Get("blocks")}
	if form.Get("response_type") != "in_channel" {
		m.User = r.PathValue("user")
	}
	s.messages = append(s.messages, m)
	close(s.changed)
	s.changed = make(chan struct{})
	fmt.Fprint(w, "ok")
}

// ts is the next time stamp.
func (s *Server) ts() string {
	s.clock++
	return fmt.Sprintf("%d.%06d", s.clock, 100)
}

func (s *Server) message(form url.Values) *Message {
	for _, m := range s.messages {
		if m.Channel == form.Get("channel") && m.TS == form.Get("ts") && m.User == "" {
			return m
		}
	}
	return nil
}

// maxMarkdown is how many characters may be streamed into a message.
const maxMarkdown = 12_000

func (s *Server) do(method string, form url.Values) (map[string]any, string) {
	switch method {
	case "auth.test":
		return map[string]any{"user": "virtuous6", "user_id": "UBOT", "bot_id": "BBOT", "team": "Acme", "team_id": "T1", "url": "https://acme.slack.com/"}, ""
	case "chat.postMessage", "chat.postEphemeral":
		m := &Message{
			Channel: form.Get("channel"), TS: s.ts(), Thread: form.Get("thread_ts"), Text: form.Get("text"), Blocks: form.Get("blocks"),
			Metadata: form.Get("metadata"), User: form.Get("user"),
		}
		if m.Channel == "" {
			return nil, "channel_not_found"
		}
		if wrong := CheckBlocks(m.Blocks, 50); wrong != "" {
			return nil, "invalid_blocks: " + wrong
		}
		s.messages = append(s.messages, m)
		return map[string]any{"channel": m.Channel, "ts": m.TS, "message_ts": m.TS}, ""
	case "chat.update":
		m := s.message(form)
		switch {
		case m == nil:
			return nil, "message_not_found"
		case m.Streaming:
			return nil, "streaming_state_conflict"
		}
		if wrong := CheckBlocks(form.Get("blocks"), 50); wrong != "" {
			return nil, "invalid_blocks: " + wrong
		}
		m.Text, m.Blocks, m.Metadata, m.Updates = form.Get("text"), form.Get("blocks"), form.Get("metadata"), m.Updates+1
		return map[string]any{"channel": m.Channel, "ts": m.TS, "text": m.Text}, ""
	case "chat.startStream":
		if form.Get("thread_ts") == "" {
			return nil, "invalid_arguments"
		}
		if !strings.HasPrefix(form.Get("channel"), "D") && (form.Get("recipient_user_id") == "" || form.Get("recipient_team_id") == "") {
			return nil, "missing_recipient_team_id"
		}
		m := &Message{Channel: form.Get("channel"), TS: s.ts(), Thread: form.Get("thread_ts"), Text: form.Get("markdown_text"), Streaming: true, Streamed: true}
		s.messages = append(s.messages, m)
		return map[string]any{"channel": m.Channel, "ts": m.TS}, ""
	case "chat.appendStream", "chat.stopStream":
		m := s.message(form)
		switch {
		case m == nil:
			return nil, "message_not_found"
		case !m.Streaming:
			return nil, "message_not_in_streaming_state"
		case utf8.RuneCountInString(m.Text+form.Get("markdown_text")) > maxMarkdown:
			return nil, "msg_too_long"
		}
		if wrong := CheckBlocks(form.Get("blocks"), 50); wrong != "" {
			return nil, "invalid_blocks: " + wrong
		}
		m.Text += form.Get("markdown_text")
		m.Calls++
		if method == "chat.stopStream" {
			m.Streaming, m.Blocks, m.Metadata = false, form.Get("blocks"), form.Get("metadata")
		}
		return map[string]any{"channel": m.Channel, "ts": m.TS}, ""
	case "conversations.replies", "conversations.history":
		return map[string]any{"messages": s.found(method == "conversations.replies", form)}, ""
	case "agents.sessions.setStatus":
		s.status[form.Get("channel_id")+"/"+form.Get("thread_ts")] = form.Get("status")
		return map[string]any{"status": form.Get("status"), "agent_status": form.Get("status")}, ""
	case "conversations.open":
		if form.Get("users") == "" {
			return nil, "users_list_not_supplied"
		}
		return map[string]any{"channel": map[string]any{"id": "D-" + form.Get("users")}}, ""
	case "usergroups.users.list":
		return map[string]any{"users": s.groups[form.Get("usergroup")]}, ""
	case "views.open", "views.publish":
		var view struct {
			Blocks json.RawMessage `json:"blocks"`
		}
		if json.Unmarshal([]byte(form.Get("view")), &view) != nil {
			return nil, "invalid_arguments"
		}
		if wrong := CheckBlocks(string(view.Blocks), 100); wrong != "" {
			return nil, "invalid_blocks: " + wrong
		}
		return map[string]any{"view": map[string]any{"id": "V1"}}, ""
	case "apps.connections.open":
		return map[string]any{"url": strings.Replace(s.http.URL, "http", "ws", 1) + "/socket"}, ""
	}
	return s.setup(method, form)
}

func (s *Server) found(replies bool, form url.Values) []map[string]any {
	all := []map[string]any{}
	for _, m := range s.messages {
		if m.Channel != form.Get("channel") || m.User != "" || replies && m.Thread != form.Get("ts") || !replies && m.Thread != "" {
			continue
		}
		one := map[string]any{"type": "message", "ts": m.TS, "text": m.Text, "thread_ts": m.Thread, "bot_id": "BBOT"}
		if m.Metadata != "" {
			one["metadata"] = json.RawMessage(m.Metadata)
		}
		all = append(all, one)
	}
	return all
}
