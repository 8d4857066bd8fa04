package main

import (
	"bufio"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// asked are the commands with which a person answers what a goal waits for.
var asked = regexp.MustCompile(`virtuous6 ((?:goals answer|approvals approve) [^"` + "`" + `]*)`)

// TestAGoalThatWaitsForAPersonSaysSo does what each line says: whoever had it done waits for nothing that is not told, and is told once; so is
// who joins while it waits.
func TestAGoalThatWaitsForAPersonSaysSo(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.env = []string{"VIRTUOUS6_CONFIG=" + write(t, p.dir, "config.yaml", "policy:\n  tools: [calculate, clock]\n  ask_tools: [calculate]\n")}
	book := write(t, p.dir, "sums.yaml", "runbook: sums\nsteps:\n  - name: colour\n    question: Which colour?\n"+
		"  - name: add\n    agent: assistant\n    instruction: calculate 6 * 7\n    depends_on: [0]\n")
	said := follows(t, p, "run", book, "--json")
	var got []string
	goal := ""
	for said.Scan() {
		command := asked.FindStringSubmatch(said.Text())
		if command == nil {
			continue
		}
		args := strings.Fields(command[1])
		got = append(got, strings.Join(args[:2], " "))
		if args[0] == "goals" {
			goal, args = args[2], append(args, "blue")
		}
		p.run("goals", "tell", goal, "be short") // what has been told is not told again
		for joined := follows(t, p, "goals", "run", goal); !strings.Contains(joined.Text(), command[1]); {
			if !joined.Scan() {
				t.Fatalf("who joins is not told: %s", command[0])
			}
		}
		p.run(args...)
	}
	if want := []string{"goals answer", "approvals approve"}; !slices.Equal(got, want) {
		t.Errorf("told to %q, want %q", got, want)
	}
	if shown := string(p.run("goals", "show", goal)); !strings.Contains(shown, "succeeded") {
		t.Error(shown)
	}
}

// follows starts a verb that waits for a goal, and reads what it says on standard error.
func follows(t *testing.T, p program, args ...string) *bufio.Scanner {
	t.Helper()
	cmd := p.command(args...)
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		late.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return bufio.NewScanner(said)
}
