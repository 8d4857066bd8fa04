package agents_test

import (
	"bufio"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/agents/npmtest"
	"github.com/virtuous6/virtuous6/events"
)

// aimock starts a model server that nobody here wrote, and returns its address. `make aimock` fetches it; where it is
// not there the test is left out, but for CI.
func aimock(t *testing.T, flags ...string) string {
	t.Helper()
	node, program := npmtest.Node(t, "aimock"), npmtest.Installed(t, "aimock", "aimock", "@copilotkit", "aimock", "dist", "cli.js")
	cmd := exec.CommandContext(t.Context(), node, append([]string{program, "--port", "0", "--fixtures", "testdata/aimock.json"}, flags...)...) //nolint:gosec // from our own folder
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "listening on "); ok {
			go func() {
				for lines.Scan() {
				}
			}()
			return strings.TrimSpace(url) + "/v1"
		}
	}
	t.Fatalf("the model server did not start: %v", lines.Err())
	return ""
}

func TestAModelServerThatNobodyHereWrote(t *testing.T) {
	t.Parallel()
	url := aimock(t)
	for _, api := range []string{"", agents.ChatAPI, agents.ResponsesAPI} {
		t.Run("api "+api, func(t *testing.T) {
			t.Parallel()
			model, err := agents.NewOpenAI(agents.OpenAIConfig{BaseURL: url, FirstWait: time.Millisecond, MostRetryAfter: time.Millisecond, API: api})
			if err != nil {
				t.Fatal(err)
			}
			runner := agents.Runner{Model: model, Tools: agents.BuiltIn(noon)}
			config := events.AgentConfig{Model: "gpt-6-luna", Prompt: "be kind", MaxTokens: 100, Tools: []string{"calculate"}}
			for name, c := range map[string]struct {
				prompt, says, thinking string
				ending                 agents.Ending
				err                    error
			}{
				"an answer": {"plain", "Hello there.", "", agents.Answered, nil},
				"thinking":  {"thinking", "The result is 42.", "Six times seven.", agents.Answered, nil},
				"a limit":   {"short", "It is fo", "", agents.CutByLength, nil},
				"429":       {"limited", "slow down", "", "", agents.ErrRateLimited},
				"a cut":     {"cut", "", "", "", agents.ErrCut},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					var streamed strings.Builder
					turn, err := runner.Turn(t.Context(), config, agents.Open(config, c.prompt), func(s string) { streamed.WriteString(s) })
					if !errors.Is(err, c.err) || err != nil && (c.err == nil || !strings.Contains(err.Error(), c.says)) {
						t.Fatalf("error %v, want %v", err, c.err)
					}
					a := turn.Answer
					if err == nil && (a.Message.Content != c.says || streamed.String() != c.says || a.Message.Thinking != c.thinking || turn.Ending != c.ending) {
						t.Errorf("answered %+v, %s, streamed %q", a.Message, turn.Ending, streamed.String())
					}
					if err == nil && (a.InputTokens != 20 || a.OutputTokens != 7 || a.Model != "gpt-6-luna") {
						t.Errorf("took %+v", a)
					}
				})
			}
			t.Run("a tool", func(t *testing.T) {
				t.Parallel()
				conversation := agents.Open(config, "tool")
				turn, err := runner.Turn(t.Context(), config, conversation, nil)
				if err != nil || turn.Ending != agents.WantsTools || len(turn.Calls) != 1 {
					t.Fatalf("%+v, %v", turn, err)
				}
				done := runner.Perform(t.Context(), config, turn.Calls[0], "k1")
				if done.Message.Content != "42" {
					t.Errorf("performed %+v", done)
				}
				turn, err = runner.Turn(t.Context(), config, append(conversation, turn.Answer.Message, done.Message), nil)
				if err != nil || turn.Answer.Message.Content != "It is 42." || turn.Ending != agents.Answered {
					t.Errorf("%+v, %v", turn, err)
				}
			})
			models, err := model.Models(t.Context())
			if err != nil || !slices.Contains(models, agents.ListedModel{ID: "gpt-4o"}) {
				t.Errorf("models %+v, %v", models, err)
			}
		})
	}
}

func TestAModelServerThatFailsAtRandom(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]error{
		"--chaos-drop": agents.ErrUnavailable, "--chaos-malformed": agents.ErrProtocol, "--chaos-disconnect": agents.ErrCut, "--chaos-ratelimit": agents.ErrRateLimited,
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			model, err := agents.NewOpenAI(agents.OpenAIConfig{BaseURL: aimock(t, flag, "1"), FirstWait: time.Millisecond, MostWait: time.Millisecond, MostRetryAfter: 10 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := model.Chat(t.Context(), agents.Request{Model: "m", Messages: user("plain")}, nil); !errors.Is(err, want) {
				t.Errorf("error %v, want %v", err, want)
			}
		})
	}
}
