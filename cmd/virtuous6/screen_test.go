package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// hostile is one of each kind of character that does something to a terminal.
const hostile = "\x1b[2J\x07\x7f\u0080\u009b31m\u009f\u202e\u202a\u2066\u2069"

func TestNothingThatMovesATerminalIsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		if rapid.Bool().Draw(t, "valid") {
			text = []byte(rapid.StringOf(rapid.RuneFrom([]rune("a\né\u2028€😀"+hostile))).Draw(t, "text"))
		}
		var whole, parts bytes.Buffer
		_, _ = (&screen{to: &whole, one: new(sync.Mutex)}).Write(text)
		cut := &screen{to: &parts, one: new(sync.Mutex)}
		for rest := text; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			if written, err := cut.Write(rest[:n]); written != n || err != nil {
				t.Fatalf("%d of %d bytes, %v", written, n, err)
			}
			rest = rest[n:]
		}
		if whole.String() != parts.String() {
			t.Fatalf("%q is %q in one write and %q in parts", text, whole.String(), parts.String())
		}
		for _, r := range whole.String() {
			if r != '\n' && r != '\t' && moves(r) {
				t.Fatalf("%q became %q", text, whole.String())
			}
		}
		if !utf8.Valid(whole.Bytes()) {
			t.Fatalf("%q became %q, which is no UTF-8", text, whole.String())
		}
	})
}

// What a history, a file's name and a model hold reaches a terminal by no verb, and JSON keeps it.
func TestNoVerbMovesATerminal(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	store := "sqlite:" + filepath.Join(folder, "log.db")
	record, err := json.Marshal(map[string]any{
		"run": "r1", "workflow": "w", "task": "t", "started_at": "2026-11-01T10:00:00Z", "ended_at": "2026-11-01T10:01:00Z",
		"outcome": "failed", "error": hostile, "steps": []map[string]any{{"step": "s", "tool": "x", "outcome": "failed", "error": hostile}},
		"feedback": []map[string]any{{"user": "u", "text": hostile}},
	})
	if err != nil {
		t.Fatal(err)
	}
	history := filepath.Join(folder, "history"+strings.ReplaceAll(hostile, "/", "")+".jsonl")
	if err := os.WriteFile(history, append(append(record, '\n'), "{\"run\": 1}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"import", "--strict", history}, {"import", history}, {"import", history + "x"}, {"runs"}, {"runs", "r1"}, {"runs", "r1", "--json"}, {"events"},
		{"events", "--json"}, {"metrics"}, {"ask", hostile}, {"ask", hostile, "--json"}, {"save-workflow", "r1", "b", "--notes", hostile},
		{"runbooks", "b"}, {"runbooks", "b", "--json"}, {"tasks"}, {"analyze"}, {"runs", hostile}, {"doctor"}, {hostile},
	} {
		var out, errOut bytes.Buffer
		Main(t.Context(), World{}, append([]string{"--store", store}, args...), strings.NewReader(""), &out, &errOut)
		for _, text := range []string{out.String(), errOut.String()} {
			if at := strings.IndexFunc(text, func(r rune) bool { return moves(r) && r != '\n' && r != '\t' }); at >= 0 {
				t.Errorf("%q writes %q", args, text[at:min(len(text), at+40)])
			}
		}
		if args[0] == "runs" && args[len(args)-1] == "--json" {
			var got struct{ Run struct{ Error string } }
			if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Run.Error != hostile {
				t.Errorf("--json gives %q, %v", got.Run.Error, err)
			}
		}
	}
}
