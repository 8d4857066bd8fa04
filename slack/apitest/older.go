package apitest

import (
	"net/url"
	"strings"
)

// Older has it know no newer blocks from now on, as a workspace that does not have them yet.
func (s *Server) Older() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.older = true
}

// unknown refuses the blocks that an older workspace does not know.
func (s *Server) unknown(form url.Values) (body map[string]any, failed string) {
	for _, kind := range []string{"plan", "markdown", "context_actions"} {
		if s.older && strings.Contains(form.Get("blocks"), `"type":"`+kind+`"`) {
			return map[string]any{"response_metadata": map[string]any{"messages": []string{"[ERROR] unsupported type: " + kind + " [json-pointer:/blocks/1/type]"}}}, "invalid_blocks"
		}
	}
	return nil, ""
}
