package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// A record that the server takes no append of is left out by name, with what is said of it, and no other is.
func TestARecordThatIsTooLargeIsLeftOut(t *testing.T) {
	t.Parallel()
	double, err := esdbtest.Start(esdbtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(double.Close)
	p := newProgram(t)
	var lines []string
	for i := range 20 {
		text := "short"
		if i%8 == 3 {
			text = strings.Repeat("long text ", 130_000)
		}
		lines = append(lines, fmt.Sprintf(`{"run":"r-%d","workflow":"w","started_at":"2026-01-05T09:00:00Z","ended_at":"2026-01-05T09:00:09Z","outcome":"succeeded",`+
			`"steps":[{"step":"s","agent":"a","tool":"t","error":%q,"started_at":"2026-01-05T09:00:01Z","ended_at":"2026-01-05T09:00:02Z","outcome":"failed"}],`+
			`"feedback":[{"user":"anna","score":1,"at":"2026-01-05T10:00:00Z"}]}`, i, text))
	}
	file := filepath.Join(p.dir, "large.jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, how := range [][]string{nil, {"--unordered"}} {
		p.store = double.URL() + "&prefix=" + fmt.Sprint("log", len(how)) + "/"
		var said bytes.Buffer
		cmd := p.command(append([]string{"import", "--json", file}, how...)...)
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v, %s", err, said.Bytes())
		}
		var sum struct {
			Taken, Skipped, Feedback int
			Problems                 []struct {
				Line   int
				Reason string
			}
		}
		if err := json.Unmarshal(out, &sum); err != nil {
			t.Fatal(err)
		}
		if sum.Taken != 17 || sum.Skipped != 3 || sum.Feedback != 17 || len(sum.Problems) != 3 || sum.Problems[0].Line != 4 || !strings.Contains(sum.Problems[0].Reason, "MaxAppendSize") {
			t.Errorf("%v: %s", how, out)
		}
		p.run("verify")
	}
}

// Side by side runs are taken as in their order: the same figures, each run whole.
func TestAnImportWithoutOrder(t *testing.T) {
	t.Parallel()
	double, err := esdbtest.Start(esdbtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(double.Close)
	p := newProgram(t)
	file := filepath.Join(p.dir, "runs.jsonl")
	p.run("simulate", "--seed", "9", "--runs", "60", "--out", file)
	var seen []string
	for i, how := range [][]string{{"import", file}, {"import", file, "--unordered"}} {
		p.store = fmt.Sprintf("%s&prefix=log%d/", double.URL(), i)
		p.run(how...)
		p.run("verify")
		if again := string(p.run(how...)); !strings.Contains(again, " 0 taken") {
			t.Errorf("again: %s", again)
		}
		lines := strings.Split(figures(p), "\n") // lists go by the log's order
		slices.Sort(lines)
		seen = append(seen, strings.Join(lines, "\n"))
	}
	if seen[0] != seen[1] {
		t.Errorf("unordered\n%s\nwant\n%s", seen[1], seen[0])
	}
}
