package mcptool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/agents/mcptool"
	"github.com/virtuous6/virtuous6/agents/npmtest"
)

// outOfScope are the scenarios of the protocol's conformance suite that this client is not put through, and why.
var outOfScope = map[string]string{
	"elicitation-sep1034-client-defaults": "a server asks people nothing through this client, which offers no elicitation",
	"auth/":                               "a token comes from the environment and goes to the configured URL alone: there is no OAuth",
}

// callAll is a client that calls each tool of a server once: what the suite starts.
func callAll(url string) error {
	s := mcptool.New([]mcptool.Server{{Name: "suite", URL: url}}, "test", slog.New(slog.DiscardHandler), time.Now)
	tools, err := s.Tools(context.Background(), "suite")
	for _, f := range tools {
		_, _, called := s.Call(context.Background(), f.Tool, f.Digest, agents.Call{Arguments: json.RawMessage(`{"a":2,"b":40}`), Key: "k1"})
		err = errors.Join(err, called)
	}
	return errors.Join(err, s.Close())
}

// The protocol's own suite, which nobody here wrote, finds nothing wrong with the client. `make mcp-conformance` fetches it.
func TestTheProtocolsConformanceSuite(t *testing.T) {
	t.Parallel()
	node, program := npmtest.Node(t, "mcp-conformance"), npmtest.Installed(t, "mcp-conformance", "conformance", "@modelcontextprotocol", "conformance", "dist", "index.js")
	listed, err := exec.CommandContext(t.Context(), node, program, "list").Output() //nolint:gosec // from our own folder
	if err != nil {
		t.Fatal(err)
	}
	_, scenarios, _ := strings.Cut(string(listed), "Client scenarios")
	ran := 0
	for line := range strings.Lines(scenarios) {
		scenario, ok := strings.CutPrefix(strings.TrimSpace(line), "- ")
		if kind, _, below := strings.Cut(scenario, "/"); !ok || outOfScope[scenario] != "" || below && outOfScope[kind+"/"] != "" {
			continue
		}
		ran++
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			tries := 1
			if scenario == "sse-retry" { // it measures by the clock when we come back: a machine that is busy comes late
				tries = 5
			}
			for ; tries > 0; tries-- {
				cmd := exec.CommandContext(t.Context(), node, program, "client", "--scenario", scenario, "--command", fmt.Sprintf("'%s' call-all", os.Args[0])) //nolint:gosec // from our own folder
				cmd.Dir = t.TempDir()
				said, err := cmd.CombinedOutput()
				if err == nil {
					return
				}
				if tries == 1 {
					t.Errorf("%v\n%s", err, said)
				}
			}
		})
	}
	if ran < 3 {
		t.Errorf("it has %d scenarios for this client:\n%s", ran, listed)
	}
}
