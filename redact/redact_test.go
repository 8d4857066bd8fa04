package redact_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/redact"
)

// Keys are put together here, so that no scanner takes this file for a leak.
const (
	mixed = "Zq7XvB2nLw9TkR4mYc8HsD6fJg3PaE5uWx1CzQ0i"
	lower = "q7xvb2nlw9tkr4myc8hsd6fjg3pae5uwx1czq0ib"
	hexed = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
)

// kinds is a credential of each kind, alone. What a kind's secret is not stays: before and after.
var kinds = []struct{ name, before, secret, after string }{
	{"OpenAI", "", "sk-" + mixed[:20] + "T3BlbkFJ" + mixed[20:], ""},
	{"OpenAI project", "", "sk-proj-abcdefghijklmnopqrstuvwx", ""},
	{"Anthropic", "", "sk-ant-api03-" + mixed + "-" + mixed + "_" + mixed[:11] + "AA", ""},
	{"OpenRouter", "", "sk-or-v1-" + hexed, ""},
	{"DeepSeek", "", "sk-" + hexed[:32], ""},
	{"Slack bot", "", "xoxb-1234567890-abcdefghij", ""},
	{"Slack user", "", "xoxp-1234567890-1234567890-abcdefghij", ""},
	{"Slack app", "", "xapp-1-A0123456789-1234567890123-" + hexed, ""},
	{"Slack refresh", "", "xoxe-1-" + strings.ToUpper(hexed), ""},
	{"Slack webhook", "", "https://hooks.slack.com/services/T01234567/B01234567/" + mixed[:24], ""},
	{"GitHub personal", "", "ghp_" + mixed[:36], ""},
	{"GitHub OAuth", "", "gho_" + mixed[:36], ""},
	{"GitHub app", "", "ghs_" + mixed[:36], ""},
	{"GitHub user to server", "", "ghu_" + mixed[:36], ""},
	{"GitHub refresh", "", "ghr_" + mixed[:36], ""},
	{"GitHub fine-grained", "", "github_pat_" + mixed[:22] + "_" + mixed + mixed[:19], ""},
	{"GitLab", "", "glpat-" + mixed[:20], ""},
	{"AWS key", "", "AKIA" + "IOSFODNN7EXAMPLE", ""},
	{"AWS temporary key", "", "ASIA" + "IOSFODNN7EXAMPLE", ""},
	{"AWS secret", "AWS_SECRET_ACCESS_KEY=", "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY", ""},
	{"AWS secret in JSON", `{"SecretAccessKey": "`, "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY", `"}`},
	{"AWS key with its secret", "", "AKIA" + "IOSFODNN7EXAMPLE,wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY", ""},
	{"Google", "", "AIza" + mixed[:35], ""},
	{"Google OAuth", "", "ya29." + mixed, ""},
	{"Stripe", "", "sk_live_" + mixed[:24], ""},
	{"Hugging Face", "", "hf_" + mixed[:34], ""},
	{"npm", "", "npm_" + mixed[:36], ""},
	{"Groq", "", "gsk_" + mixed, ""},
	{"xAI", "", "xai-" + mixed + mixed, ""},
	{"Perplexity", "", "pplx-" + mixed + mixed[:8], ""},
	{"SendGrid, a rule of gitleaks", "", "SG." + mixed[:22] + "." + mixed + mixed[:3], ""},
	{"DigitalOcean, a rule of gitleaks", "", "dop_v1_" + hexed, ""},
	{"Databricks, a rule of gitleaks", "", "dapi" + hexed[:32], ""},
	{"JWT", "", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + mixed, ""},
	{"JWT, encrypted", "", "eyJhbGciOiJSU0EtT0FFUCJ9." + mixed + "." + mixed[:16] + "." + mixed + "." + mixed[:22], ""},
	{"PEM", "", "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIE\nabc\n-----END RSA PRIVATE " + "KEY-----", ""},
	{"PEM, OpenSSH", "", "-----BEGIN OPENSSH PRIVATE " + "KEY-----\n" + mixed + "\n-----END OPENSSH PRIVATE " + "KEY-----", ""},
	{"PEM without its end", "", "-----BEGIN PRIVATE " + "KEY-----\nMIIE\n" + mixed + "==\n" + mixed, ""},
	{"password in a URL", "postgres://anna:", "hunter2", "@db.example.com/x"},
	{"password with an @ in a URL", "amqp://anna:", "p@ss", "@db.example.com/x"},
	{"token in a URL", "https://x-access-token:", "abc", "@github.com/o/r"},
	{"ours", "", "v6t_" + mixed + mixed[:3], ""},
	{"Basic", "Authorization: Basic ", "YW5uYTpodW50ZXIy", ""},
	{"Bearer", "Bearer ", "abcdefghijklmnop.qrstuv", ""},
	{"bearer in JSON", `{"authorization": "bearer `, lower, `"}`},
	{"key in a header", "X-Api-Key: ", lower, ""},
	{"key in Azure's header", "api-key: ", hexed[:32], ""},
	{"token in a header", `"PRIVATE-TOKEN": "`, lower[:20], `"`},
	{"token of a session", "x-amz-security-token: ", lower, ""},
	{"cookie", "Cookie: lang=de; session=", hexed[:32], ""},
	{"cookies", "Cookie: session=", hexed[:32] + "; csrf=" + lower, "; lang=de"},
	{"cookie that is set", "Set-Cookie: sid=", lower, "; Path=/; HttpOnly"},
}

// behind is what can stand before and behind a secret in a text.
var behind = []string{"", " ", "\n", "\t", "\r\n", "<", ">", "&", "\u2028", "\u2029", "\"", "'", "`", "(", ",", ";", "=", "\u00e9", "\x01", `\n`, `\t`, `\"`, `\u003c`, `\\n`, `\\\"`}

func TestEachKindOfSecretAlone(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			for _, edge := range behind {
				end := edge
				if strings.HasPrefix(k.name, "PEM without") || k.after != "" {
					end = ""
				}
				text := "see" + edge + k.before + k.secret + k.after + end
				if edge == "" {
					text = k.before + k.secret + k.after
				}
				got := prompt(t, text)
				if strings.Contains(got, k.secret) || !strings.Contains(got, "[redacted]") {
					t.Errorf("behind %q the log holds %q", edge, got)
				}
				if !strings.Contains(got, k.before) || !strings.HasSuffix(got, strings.TrimSuffix(k.after+end, "=")) {
					t.Errorf("%q became %q: more was taken than the secret", text, got)
				}
				if again := prompt(t, got); again != got {
					t.Errorf("redacting %q again gives %q", got, again)
				}
			}
		})
	}
}

// prompt is what the log would hold of a prompt.
func prompt(t *testing.T, text string) string {
	t.Helper()
	e, err := redact.Envelope(sealed(t, events.RunStarted{Run: "r", Workflow: "w", Prompt: text}))
	if err != nil {
		t.Fatal(err)
	}
	fact, err := events.Decode(e)
	if err != nil {
		t.Fatalf("%s: %v", e.Data, err)
	}
	return fact.(events.RunStarted).Prompt
}

func sealed(t *testing.T, fact events.Event) events.Envelope {
	t.Helper()
	kind, version, data, err := events.Encode(fact)
	if err != nil {
		t.Fatal(err)
	}
	return events.Envelope{Stream: "run-r", Kind: kind, Version: version, Actor: "user:anna", Data: data}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"run sk-learn-pipeline-train-0001 of sk-region-invoice-intake-eu", "task-force sk-internationalization", "a basic understanding of bearer authentication-mechanisms",
		"Basic internationalization", "basic calculator: 6 * 7", "https://example.com:8080/a@b", "mail anna@example.com: now", "ssh://git@github.com:22/x",
		"the linear model by cohere; curl https://example.com -o x", "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
		"-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----", "sha256 " + hexed, "3d0f5c1e-9c5b-4d7c-8f3a-2b1c0d9e8f7a", "authorization: required", "C:\\new\\table",
		"call_" + mixed[:24], "token: 12345", "Cookie: consent=accepted", "cookie: the-recipe=chocolate-and-butter", "access-token: required-for-this", "the secret access key is in the vault",
	} {
		if got := prompt(t, text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestNamesAreRefusedNeverRewritten(t *testing.T) {
	t.Parallel()
	key := "ghp_" + mixed[:36]
	for member, fact := range map[string]events.Event{
		"run":            events.RunStarted{Run: key, Workflow: "w"},
		"workflow":       events.RunStarted{Run: "r", Workflow: "a " + key},
		"task":           events.RunStarted{Run: "r", Workflow: "w", Task: key},
		"name in labels": events.RunStarted{Run: "r", Workflow: "w", Labels: map[string]string{key: "x"}},
		"tool":           events.RunStepStarted{Name: "s", Tool: key},
		"name":           events.RunStepStarted{Name: key},
		"agent":          events.AgentSpawned{Agent: key},
		"config.tools":   events.AgentSpawned{Agent: "a", Config: events.AgentConfig{Tools: []string{"clock", key}}},
		"steps.name":     events.RunbookSaved{Runbook: "b", Steps: []events.RunbookStep{{Name: key}}},
		"source.record":  events.RunStarted{Run: "r", Workflow: "w", Source: &events.Source{Record: key}},
	} {
		_, err := redact.Envelope(sealed(t, fact))
		if !errors.Is(err, redact.ErrName) || !strings.Contains(err.Error(), member+" (") || strings.Contains(err.Error(), key) {
			t.Errorf("a key as %s: %v", member, err)
		}
	}
	for member, e := range map[string]events.Envelope{
		"stream": {Stream: "run-" + key}, "run": {Correlation: key}, "actor": {Actor: "user:" + key}, "workspace": {Workspace: key},
	} {
		if _, err := redact.Envelope(e); !errors.Is(err, redact.ErrName) || !strings.Contains(err.Error(), member+" (") {
			t.Errorf("a key as the envelope's %s: %v", member, err)
		}
	}
	for _, name := range []string{"sk-learn-pipeline-train-0001", "sk-region-invoice-intake-eu", "sk-region-invoice-intake-us"} {
		e := sealed(t, events.RunStarted{Run: name, Workflow: name, Labels: map[string]string{name: name}})
		if got, err := redact.Envelope(e); err != nil || string(got.Data) != string(e.Data) {
			t.Errorf("%s became %s, %v", name, got.Data, err)
		}
	}
}

func TestConversationsAreTextThroughout(t *testing.T) {
	t.Parallel()
	key := "ghp_" + mixed[:36]
	arguments, err := json.Marshal(map[string]string{"cmd": "a\n" + key + "\t<" + key})
	if err != nil {
		t.Fatal(err)
	}
	fact := events.RunLLMCalled{
		Model: "m", Asked: []events.Message{{Role: "user", Content: "x\n" + key}},
		Answered: []events.Message{{Role: "assistant", ToolCalls: []events.ToolCall{{ID: "c1", Name: "shell", Arguments: string(arguments)}}}},
		Params:   json.RawMessage(`{"seed":1,"user":"\u0067` + key[1:] + `","url":"https:\/\/a:b@c"}`),
	}
	e, err := redact.Envelope(sealed(t, fact))
	if err != nil {
		t.Fatal(err)
	}
	got, err := events.Decode(e)
	if err != nil {
		t.Fatal(err)
	}
	want := fact
	want.Asked = []events.Message{{Role: "user", Content: "x\n[redacted]"}}
	want.Answered = []events.Message{{Role: "assistant", ToolCalls: []events.ToolCall{{
		ID: "c1", Name: "shell", Arguments: `{"cmd":"a\n[redacted]\t\u003c[redacted]"}`,
	}}}}
	want.Params = json.RawMessage(`{"seed":1,"user":"[redacted]","url":"https://a:[redacted]@c"}`)
	if !reflect.DeepEqual(got, events.Event(want)) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestLongTextsAreLookedThrough(t *testing.T) {
	t.Parallel()
	key, filler := "ghp_"+mixed[:36], strings.Repeat("mailgun and cohere speak. ", 2_000)
	long := "-----BEGIN PRIVATE " + "KEY-----\n" + strings.Repeat(mixed+"\n", 1000) + "-----END PRIVATE " + "KEY-----"
	token := "eyJhbGciOiJIUzI1NiJ9." + strings.Repeat(mixed, 500) + "." + mixed
	text := filler + key + " " + filler + long + filler + token + " mailgun = key-" + hexed[:32] + ", " + filler
	want := filler + "[redacted] " + filler + "[redacted]" + filler + "[redacted] mailgun = [redacted], " + filler
	if got := redact.Text(text); got != want {
		i := 0
		for got[i] == want[i] {
			i++
		}
		t.Errorf("at %d: %.80q, want %.80q", i, got[i:], want[i:])
	}
}

func TestRedactionKeepsTheRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(kinds[:30]).Draw(t, "kind") // those whose end is told by any character
		text := rapid.StringOf(rapid.RuneFrom([]rune("a1 \n\t\\\"<>&'\u2028\u00e9{}[],:;.-"))).Draw(t, "before") + " "
		behind := " " + rapid.StringOf(rapid.RuneFrom([]rune("a1 \n\t\\\"<>&'\u2028\u00e9{}[],:;.-"))).Draw(t, "behind")
		if got, want := redact.Text(text+k.before+k.secret+k.after+behind), text+k.before+"[redacted]"+k.after+behind; got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	for _, k := range kinds {
		data, _ := json.Marshal(map[string]any{"prompt": k.before + k.secret, "labels": map[string]string{"a": k.secret}})
		f.Add(data)
	}
	f.Add([]byte(`{"params":{"a":"\ud800\u0041"},"asked":[{"content":"\/\/"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) || data[0] != '{' {
			t.Skip()
		}
		once, err := redact.Envelope(events.Envelope{Data: data})
		if err != nil {
			return
		}
		if !json.Valid(once.Data) {
			t.Fatalf("%q became %q", data, once.Data)
		}
		if again, err := redact.Envelope(once); err != nil || string(again.Data) != string(once.Data) {
			t.Fatalf("%q became %q, then %q, %v", data, once.Data, again.Data, err)
		}
	})
}

// What agents really said holds no credential: whatever is taken out of it is a false alarm.
func TestNoFalseAlarmsInRealConversations(t *testing.T) {
	t.Parallel()
	root := os.Getenv("VIRTUOUS6_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	for _, folder := range []string{"agent-runs", "attribution/who-and-when", "otlp-sdk"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if text := string(data); redact.Text(text) != text {
				t.Errorf("%s holds what is taken for a credential", name)
			}
			return nil
		})
		if errors.Is(err, fs.ErrNotExist) {
			t.Skipf("the real data is not here: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
