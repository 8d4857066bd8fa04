package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/virtuous6/virtuous6/projections"
)

// TestCommandLineIsDocumented holds docs/cli.md to the code: verbs and flags from the parser, JSON from real output.
func TestCommandLineIsDocumented(t *testing.T) {
	t.Parallel()
	var cli verbs
	parser, err := newParser(&cli)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("# The command line\n\nMade from the code by `make golden`; a test holds it current.\n\n" +
		"Exit codes: 0 done, 1 failed, 2 wrong usage. `--json` prints one JSON value on standard output and nothing else there; " +
		"everything else a verb has to say goes to standard error. Keys stay (only a runbook's steps leave out what is empty). Times are RFC 3339 in UTC, null where not known; money " +
		"is exact decimal text in dollars; lists take `--limit N`, 0 for all.\n\n## Every verb\n\n")
	writeFlags(&b, parser.Model.Flags)
	for _, verb := range parser.Model.Leaves(true) {
		writeVerb(&b, verb)
	}
	b.WriteString("## JSON\n\nOne example of each, from small histories in the tests: lists are cut to their first element, maps to their first key.\n\n")
	writeExamples(t, &b)

	current(t, "cli.md", b.Bytes())
}

// current holds a page of docs to what the code says, or writes it.
func current(t *testing.T, page string, want []byte) {
	t.Helper()
	name := filepath.Join("..", "..", "docs", page)
	if *update {
		if err := os.WriteFile(name, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/%s is not what the code says (%v): run `make golden`", page, err)
	}
}

// TestListsAreDocumented holds docs/readmodels.md to the lists that doors show.
func TestListsAreDocumented(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString("# Lists of the read models\n\nMade from the code by `make golden`; a test holds it current.\n\n" +
		"Each is a route of the API, what `virtuous6 list NAME` prints, and a table that SQL may read. The keys are the table's columns " +
		"in their order; there, times are nanoseconds of Unix time, money (`_usd`) is whole nano-dollars (`_nanos`), and durations " +
		"(`_seconds`) are nanoseconds (`_ns`). `limit` and `as_of` work on all of them. Runs, patterns and metrics have routes and verbs of their own.\n")
	for _, l := range projections.Lists() {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n- `GET /api/%s`, `virtuous6 list %s`, table `%s`\n", l.Name, l.Help, l.Name, l.Name, l.Table)
		for _, f := range l.Filters {
			fmt.Fprintf(&b, "- `%s=`: %s", f.Column, f.Help)
			if f.Values != nil {
				fmt.Fprintf(&b, " One of %s.", strings.Join(f.Values, ", "))
			}
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "- keys: `%s`\n", strings.Join(l.Keys, "`, `"))
	}
	current(t, "readmodels.md", b.Bytes())
}

func writeVerb(b *bytes.Buffer, verb *kong.Node) {
	name := strings.TrimPrefix(verb.FullPath(), "virtuous6 ")
	fmt.Fprintf(b, "### %s\n\n%s\n\n```\nvirtuous6 %s", name, verb.Help, name)
	for _, arg := range verb.Positional {
		fmt.Fprintf(b, " %s", arg.Summary())
	}
	b.WriteString(" [flags]\n```\n\n")
	text, examples, found := strings.Cut(verb.Detail, "Examples:\n")
	if !found {
		text, examples, found = strings.Cut(verb.Detail, "Example:\n")
	}
	if text = strings.TrimSpace(text); text != "" {
		fmt.Fprintf(b, "%s\n\n", text)
	}
	for _, arg := range verb.Positional {
		fmt.Fprintf(b, "- `%s`: %s\n", arg.Name, arg.Help)
	}
	writeFlags(b, verb.Flags)
	if found {
		fmt.Fprintf(b, "```\n%s\n```\n\n", strings.ReplaceAll(strings.TrimSpace(examples), "\n  ", "\n"))
	}
}

func writeFlags(b *bytes.Buffer, flags []*kong.Flag) {
	for _, f := range flags {
		if f.Name == "help" || f.Hidden {
			continue
		}
		value := ""
		if !f.IsBool() {
			value = " VALUE"
			if f.PlaceHolder != "" {
				value = " " + f.PlaceHolder
			}
		}
		fmt.Fprintf(b, "- `--%s%s`: %s", f.Name, value, f.Help)
		if f.HasDefault && f.Default != "" {
			fmt.Fprintf(b, " Default: %s.", f.Default)
		}
		if len(f.Envs) > 0 {
			fmt.Fprintf(b, " Environment: %s.", strings.Join(f.Envs, ", "))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

// What differs from one process to the next.
var (
	recorded = regexp.MustCompile(`"(recorded_at|proposed_at|updated_at|saved_at)": "[^"]*"`)
	elapsed  = regexp.MustCompile(`"(seconds|events_per_second|bytes)": [0-9.e+-]+`)
)

func writeExamples(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	small, budgeted, simulated := newProgram(t), newProgram(t), newProgram(t)
	history, err := filepath.Abs(filepath.Join("testdata", "history.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	budgeted.run("budget", "all", "--limit", "25")
	simulated.run("simulate", "--seed", "4", "--runs", "4000")
	names := strings.NewReplacer(history, "history.jsonl", small.dir+"/", "")
	for _, example := range []struct {
		of   program
		args []string
	}{
		{small, []string{"import", history, "--json"}},
		{small, []string{"metrics", "--json"}},
		{small, []string{"runs", "--json"}},
		{small, []string{"runs", "r1", "--json"}},
		{small, []string{"agents", "--json"}},
		{small, []string{"tasks", "--json"}},
		{small, []string{"list", "costs", "--json"}},
		{small, []string{"patterns", "--min-support", "2", "--json"}},
		{small, []string{"costs", "--json"}},
		{small, []string{"errors", "--json"}},
		{small, []string{"report", "weekly", "--json"}},
		{small, []string{"health", "--json"}},
		{small, []string{"learned", "--since", "2020-01-01", "--json"}},
		{budgeted, []string{"budget", "--json"}},
		{small, []string{"events", "--json"}},
		{small, []string{"replay", "--json"}},
		{small, []string{"doctor", "--json"}},
		{small, []string{"retry", "--json"}},
		{small, []string{"copy", "--from", "sqlite:" + small.dir + "/store.db", "--to", "sqlite:" + small.dir + "/copy.db", "--json"}},
		{small, []string{"verify", "--json"}},
		{simulated, []string{"replay", "--analysts", "--json"}},
		{simulated, []string{"analyze", "--json"}},
		{simulated, []string{"improvements", "--json"}},
		{simulated, []string{"experiments", "--json"}},
		{simulated, []string{"snapshots", "--json"}},
	} {
		args := example.args
		out := example.of.run(args...)
		var v any
		d := json.NewDecoder(bytes.NewReader(out))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v printed no JSON: %v", args, err)
		}
		if d.More() {
			t.Fatalf("%v printed more than one JSON value", args)
		}
		text, err := json.MarshalIndent(first(v), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		text = recorded.ReplaceAll(text, []byte(`"$1": "2026-11-22T12:00:00Z"`))
		text = elapsed.ReplaceAll(text, []byte(`"$1": 1`))
		fmt.Fprintf(b, "### `%s`\n\n```json\n%s\n```\n\n", names.Replace(strings.Join(args, " ")), text)
	}
}

// first cuts lists to their first element, and maps whose keys are data to their first key.
func first(v any) any {
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			return v
		}
		if _, object := v[0].(map[string]any); !object {
			return v
		}
		return []any{first(v[0])}
	case map[string]any:
		for key, inner := range v {
			m, ok := inner.(map[string]any)
			if ok && strings.HasPrefix(key, "by_") && len(m) > 1 {
				name := slices.Min(slices.Collect(maps.Keys(m)))
				inner = map[string]any{name: m[name]}
			}
			v[key] = first(inner)
		}
	}
	return v
}
