package apitest

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
)

// sockets are the connections of Socket Mode.
type sockets struct {
	mu    sync.Mutex
	conns []*websocket.Conn
	acks  map[string]json.RawMessage
	sent  int
}

func (s *sockets) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
}

func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	s.sockets.mu.Lock()
	err = conn.WriteJSON(map[string]any{"type": "hello", "num_connections": 1})
	s.sockets.conns = append(s.sockets.conns, conn)
	s.sockets.mu.Unlock()
	s.change()
	for err == nil {
		var ack struct {
			Envelope string          `json:"envelope_id"`
			Payload  json.RawMessage `json:"payload"`
		}
		if err = conn.ReadJSON(&ack); err != nil {
			break
		}
		s.sockets.mu.Lock()
		if s.sockets.acks == nil {
			s.sockets.acks = map[string]json.RawMessage{}
		}
		s.sockets.acks[ack.Envelope] = ack.Payload
		s.sockets.mu.Unlock()
		s.change()
	}
	s.sockets.mu.Lock()
	s.sockets.conns = slices.DeleteFunc(s.sockets.conns, func(c *websocket.Conn) bool { return c == conn })
	s.sockets.mu.Unlock()
	s.change()
}

func (s *Server) change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Connected waits until so many sockets are open.
func (s *Server) Connected(t testing.TB, sockets int) {
	t.Helper()
	s.Await(t, "sockets", func() bool {
		s.sockets.mu.Lock()
		defer s.sockets.mu.Unlock()
		return len(s.sockets.conns) == sockets
	})
}

// Send brings a delivery by one of the sockets, each in turn: kind is slash_commands, events_api or interactive.
func (s *Server) Send(t testing.TB, kind, envelope string, payload any) {
	t.Helper()
	s.Await(t, "a socket", func() bool {
		s.sockets.mu.Lock()
		defer s.sockets.mu.Unlock()
		return len(s.sockets.conns) > 0
	})
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	s.sockets.sent++
	conn := s.sockets.conns[s.sockets.sent%len(s.sockets.conns)]
	if err := conn.WriteJSON(map[string]any{"type": kind, "envelope_id": envelope, "accepts_response_payload": true, "payload": payload}); err != nil {
		t.Fatal(err)
	}
}

// Acked waits until a delivery is acknowledged, and returns with what.
func (s *Server) Acked(t testing.TB, envelope string) json.RawMessage {
	t.Helper()
	var payload json.RawMessage
	s.Await(t, "the acknowledgement of "+envelope, func() bool {
		s.sockets.mu.Lock()
		defer s.sockets.mu.Unlock()
		ack, ok := s.sockets.acks[envelope]
		payload = ack
		return ok
	})
	return payload
}
