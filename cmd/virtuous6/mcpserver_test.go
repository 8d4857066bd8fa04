package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Another program's agent asks, judges and reads over standard input and output.
func TestAnotherProgramsAgentSpeaksToUs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "virtuous6", "--store", "sqlite:"+filepath.Join(dir, "store.db"), "mcp")
	key, value := noSleep()
	cmd.Env = append(os.Environ(), key+"="+value, "HOME="+dir, "XDG_CONFIG_HOME="+dir, "OPENAI_API_KEY=", "OPENAI_BASE_URL=")
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}}).
		Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	call := func(tool string, arguments map[string]any) (string, bool) {
		t.Helper()
		r, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
		if err != nil || len(r.Content) != 1 {
			t.Fatalf("%s: %+v, %v", tool, r, err)
		}
		return r.Content[0].(*mcp.TextContent).Text, r.IsError //nolint:forcetypeassert // that is what it says
	}
	var asked struct{ Run, Outcome, Answer string }
	said, failed := call("ask", map[string]any{"prompt": "calculate 6 * 7"})
	if err := json.Unmarshal([]byte(said), &asked); err != nil || failed || asked.Outcome != "succeeded" || !strings.Contains(asked.Answer, "42") {
		t.Fatalf("asked: %s, %v", said, err)
	}
	for _, c := range []struct {
		tool      string
		arguments map[string]any
		says      string
		fails     bool
	}{
		{"ask", map[string]any{"prompt": " "}, "nothing to ask", true},
		{"ask", map[string]any{"prompt": "hello", "agent": "nobody"}, "there is assistant", true},
		{"list", map[string]any{"name": "wishes"}, "no list", true},
		{"list", map[string]any{"name": "agents", "where": map[string]string{"x": "y"}}, "can't be narrowed", true},
		{"list", map[string]any{"name": "budgets"}, "[]", false},
		{"feedback", map[string]any{"run": "no", "text": "x"}, "not found", true},
		{"feedback", map[string]any{"run": asked.Run}, "give better", true},
	} {
		if said, failed := call(c.tool, c.arguments); failed != c.fails || !strings.Contains(said, c.says) {
			t.Errorf("%s %v: %s", c.tool, c.arguments, said)
		}
	}
}
