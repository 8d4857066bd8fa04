package main

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFirstReportIsDocumented draws what `make run` prints first, for the README, and holds the picture to it.
func TestFirstReportIsDocumented(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	history := filepath.Join(t.TempDir(), "runs.jsonl")
	p.run("simulate", "--seed", "1", "--runs", "4000", "--out", history)
	p.run("import", "--quiet", history)
	metrics := string(p.run("metrics", "--limit", "3"))
	said := string(p.run("analyze"))
	if !strings.Contains(said, "Next: `virtuous6 improvements show ") {
		t.Fatal("the sample history gives no proposal")
	}
	lines := append([]string{"$ virtuous6 metrics --limit 3"}, strings.Split(metrics, "\n")...)
	lines = append(lines, "$ virtuous6 analyze")
	picture := draw(append(lines, strings.Split(strings.TrimSpace(said), "\n")...))

	name := filepath.Join("..", "..", "docs", "report.svg")
	if *update {
		if err := os.WriteFile(name, picture, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	current, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(current, picture) {
		t.Errorf("docs/report.svg is not what the program prints (%v): run `make golden`", err)
	}
}

// draw sets lines in a fixed-width type on a dark ground.
func draw(lines []string) []byte {
	var b bytes.Buffer
	width, height := 980, 24+17*len(lines)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="ui-monospace,Menlo,Consolas,monospace" font-size="13">`+"\n",
		width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="#16181d"/>`+"\n", width, height)
	for i, line := range lines {
		colour := "#d7dae0"
		switch {
		case strings.HasPrefix(line, "$"):
			colour = "#7ee787"
		case line != "" && line == strings.ToUpper(line) || strings.HasPrefix(line, "WORKFLOW"):
			colour = "#79c0ff"
		}
		if line != "" {
			fmt.Fprintf(&b, `<text x="16" y="%d" fill="%s" xml:space="preserve">%s</text>`+"\n", 28+17*i, colour, html.EscapeString(line))
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
