package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
)

// What the server answers of a moment is what the command line does.
func TestTheServerTellsThePastAsTheVerbsDo(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.run("simulate", "--runs", "60")
	tmp := t.TempDir()
	p.env = []string{"TMPDIR=" + tmp}
	cmd, address := p.serve("--analyze-every", "0s")
	for _, moment := range []string{"100", "2026-01-05T12:00:00Z"} {
		for route, args := range map[string][]string{
			"metrics": {"metrics"}, "runs": {"runs"}, "tasks": {"tasks"},
		} {
			answer, err := http.Get(address + "/api/" + route + "?as_of=" + url.QueryEscape(moment)) //nolint:gosec // our own server
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || answer.StatusCode != http.StatusOK {
				t.Fatalf("%s as of %s: %s, %v", route, moment, answer.Status, err)
			}
			_ = answer.Body.Close()
			if err := json.Unmarshal(p.run(append(args, "--as-of", moment, "--json", "--quiet")...), &want); err != nil {
				t.Fatal(err)
			}
			if list, ok := want.([]any); ok && len(list) > 100 {
				want = list[:100]
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s as of %s:\n%v, the verb says\n%v", route, moment, got, want)
			}
			if told := answer.Header.Get("Virtuous6-As-Of"); !strings.HasPrefix(told, "what ") {
				t.Errorf("%s as of %s is told to be of %q", route, moment, told)
			}
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
