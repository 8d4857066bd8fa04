package main

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
)

func TestAgentFilesAreRead(t *testing.T) {
	t.Parallel()
	half := .5
	for name, tt := range map[string]struct {
		text string
		want agentFile
		bad  string
	}{
		"whole": {
			text: "---\nname: clerk\ndescription: Answers about orders.\nmodel: m\napi: chat\ntemperature: 0.5\nmax_tokens: 9\ntools:\n  - clock\n  - calculate\n---\n\nBe brief.\n\n---\nBe kind.\n",
			want: agentFile{name: "clerk", role: "Answers about orders.", config: events.AgentConfig{
				Model: "m", API: "chat", Temperature: &half, MaxTokens: 9, Tools: []string{"clock", "calculate"}, Prompt: "Be brief.\n\n---\nBe kind.",
			}},
		},
		"a coding agent's": {
			text: "---\r\nname: reviewer\r\ndescription: Reviews.\r\ntools: clock, calculate\r\nmodel: inherit\r\ncolor: red\r\n---\r\nReview.\r\n",
			want: agentFile{name: "reviewer", role: "Reviews.", config: events.AgentConfig{Tools: []string{"clock", "calculate"}, Prompt: "Review."}, ignored: []string{"color"}},
		},
		"no prompt":       {text: "---\nname: a\n---", want: agentFile{name: "a"}},
		"no front matter": {text: "# Hello", bad: "front matter"},
		"never closed":    {text: "---\nname: a\n", bad: "front matter"},
		"no name":         {text: "---\nmodel: m\n---\n", bad: "`name`"},
		"no number":       {text: "---\nname: a\ntemperature: warm\n---\n", bad: "front matter"},
		"no text":         {text: "---\nname: \xff\n---\n", bad: "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseAgentFile([]byte(tt.text))
			if tt.bad != "" {
				if !errors.Is(err, errAgentFile) || !strings.Contains(err.Error(), tt.bad) {
					t.Fatalf("got %+v, %v", got, err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Fatalf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAgentFilesComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab1 :#-'\"{}[]&*!|>%@`,é\n\t\\~.")))
		f := agentFile{
			name: rapid.StringOfN(rapid.RuneFrom([]rune("ab1 :#-'\"é.~")), 1, 12, -1).Draw(t, "name"),
			role: strings.Join(strings.Fields(text.Draw(t, "role")), " "),
			config: events.AgentConfig{
				Model: rapid.SampledFrom([]string{"", "gpt-4o", "1e3", "null", "a: b"}).Draw(t, "model"), MaxTokens: rapid.IntRange(0, 9).Draw(t, "tokens"),
				Effort: rapid.SampledFrom([]string{"", "low", "none"}).Draw(t, "effort"), Fallbacks: rapid.SampledFrom([][]string{nil, {"gpt-4o", "1"}}).Draw(t, "fallbacks"), Tools: rapid.SampledFrom([][]string{nil, {"clock"}, {"no", "1"}}).Draw(t, "tools"), Prompt: strings.TrimSpace(text.Draw(t, "prompt")),
			},
		}
		if schema := rapid.SampledFrom([]string{
			"", "{}", "true", `{"type":"object","properties":{"z":{"type":["string","null"],"const":"1"},"a":{"enum":[1,1.5,"a: b\n",null,"2026-01-01"]}},"required":["z","a"]}`,
		}).Draw(t, "schema"); schema != "" {
			f.config.Schema = json.RawMessage(schema)
		}
		if rapid.Bool().Draw(t, "warm") {
			f.config.Temperature = new(rapid.SampledFrom([]float64{0, .2, 1}).Draw(t, "temperature"))
		}
		said := []events.Saying{{Feedback: "f1", Run: "r: 1", User: "anna"}, {Feedback: "2", Run: ""}}
		if rapid.Bool().Draw(t, "taught") {
			f.config.Fixes = []events.Fix{{Error: "no <num>", Do: "Ask."}, {ID: "4f0c", Error: "no: <*>", Tool: "orders", Said: said, Of: []string{"anna"}}}
			f.config.Examples = []events.Example{{Run: "1"}, {Run: "r2", Requester: "user:anna"}}
			f.config.Lessons = []events.Lesson{{Subject: "a: b", Said: said}}
			f.config.Routes = []events.Route{{Tasks: []string{"refund"}, To: "biller"}}
		}
		data, err := f.format()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseAgentFile(data); err != nil || !reflect.DeepEqual(got, f) {
			t.Fatalf("got %+v, %v of\n%s", got, err, data)
		}
	})
}

func FuzzAgentFile(f *testing.F) {
	f.Add([]byte("---\nname: a\ntools: b, c\n---\nd"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := parseAgentFile(data); err == nil && got.name == "" || err != nil && !errors.Is(err, errAgentFile) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}
