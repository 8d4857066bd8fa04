package apitest

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Close has all that is posted into a channel, or read from it, refused with an error from now on, or taken again for an empty one.
func (s *Server) Close(channel, with string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed == nil {
		s.closed = map[string]string{}
	}
	s.closed[channel] = with
}

// refused is the error that a call is answered with, empty for none.
func (s *Server) refused(method string, form url.Values) string {
	with := s.refuse[method]
	if !strings.HasPrefix(method, "apps.") {
		with = cmp.Or(with, s.refuse["*"])
	}
	if strings.HasPrefix(method, "chat.") || strings.HasPrefix(method, "conversations.") {
		with = cmp.Or(with, s.closed[form.Get("channel")])
	}
	return with
}

// Since are the calls from the nth on.
func (s *Server) Since(n int) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls[n:])
}

// Configured sets how the app is configured, as its manifest.
func (s *Server) Configured(manifest json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.manifest = manifest
}

// setup answers how the app is set up.
func (s *Server) setup(method string, form url.Values) (map[string]any, string) {
	switch method {
	case "bots.info":
		return map[string]any{"bot": map[string]any{"id": form.Get("bot"), "app_id": "A1", "name": "virtuous6"}}, ""
	case "apps.manifest.export":
		if !strings.HasPrefix(form.Get("token"), "xoxe") || form.Get("app_id") != "A1" {
			return nil, "invalid_auth"
		}
		return map[string]any{"manifest": s.manifest}, ""
	}
	return nil, "unknown_method"
}
