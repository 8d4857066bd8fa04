package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// program is the real program on a folder of its own.
type program struct {
	t *testing.T
	// name is what is started, virtuous6 where it is empty.
	name string
	dir  string
	// store is the --store URL, a file in dir where it is empty.
	store string
	// models is the --read-models URL, the default where it is empty.
	models string
	// env is set on top of the test's own environment.
	env []string
}

func newProgram(t *testing.T) program { return program{t: t, dir: t.TempDir()} }

func (p program) command(args ...string) *exec.Cmd {
	cmd := exec.Command(cmp.Or(p.name, "virtuous6"), args...) //nolint:gosec // this is the program under test
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "VIRTUOUS6_STORE="+cmp.Or(p.store, "sqlite:"+filepath.Join(p.dir, "store.db")), "VIRTUOUS6_READ_MODELS="+p.models,
		"XDG_CONFIG_HOME="+p.dir, "XDG_DATA_HOME="+p.dir, "OPENAI_API_KEY=", "OPENAI_BASE_URL=")
	key, value := noSleep()
	cmd.Env = append(append(cmd.Env, key+"="+value), p.env...)
	return cmd
}

// run runs a command line that must succeed, and returns its standard output.
func (p program) run(args ...string) []byte {
	p.t.Helper()
	cmd := p.command(args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		p.t.Fatalf("virtuous6 %s: %v\n%s%s", strings.Join(args, " "), err, out.Bytes(), errOut.Bytes())
	}
	return out.Bytes()
}

func (p program) metrics() map[string]any {
	p.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(p.run("metrics", "--json"), &m); err != nil {
		p.t.Fatal(err)
	}
	return m
}

// As in `virtuous6 runs | head`: who reads may have seen enough.
func TestOutputThatNobodyReadsEndsAVerbAndLeavesNothing(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.run("simulate", "--runs", "300")
	tmp := t.TempDir()
	for _, args := range [][]string{{"runs", "--as-of", "2000", "--json"}, {"events", "--limit", "0"}, {"metrics"}, {"--help"}} {
		cmd := p.command(args...)
		cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := read.Close(); err != nil {
			t.Fatal(err)
		}
		var errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = write, &errOut
		err = cmd.Run()
		if cmd.ProcessState.ExitCode() != exitFailed || strings.Contains(errOut.String(), "pipe") {
			t.Errorf("%s: %v, %s", args, err, errOut.Bytes())
		}
		if err := write.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestAKilledImportLosesNothingAndDoublesNothing(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(6, 6)) //nolint:gosec // moments, not secrets
	p := newProgram(t)
	p.run("simulate", "--seed", "6", "--runs", "400", "--out", "history.jsonl")

	whole := newProgram(t)
	started := time.Now()
	whole.run("import", filepath.Join(p.dir, "history.jsonl"))
	took := time.Since(started)

	for kill := range 14 {
		cmd := p.command("import", "history.jsonl")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(random.Int64N(int64(took))), func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // killed, or done before it could be
		timer.Stop()
		if kill == 7 {
			p.run("verify")
		}
	}
	p.run("import", "history.jsonl")
	p.run("verify")
	if got, want := fmt.Sprint(p.metrics()), fmt.Sprint(whole.metrics()); got != want {
		t.Errorf("after the kills the metrics are\n%s\nwant\n%s", got, want)
	}
	if again := string(p.run("import", "history.jsonl")); !strings.Contains(again, "0 events added") {
		t.Errorf("importing once more: %s", again)
	}
}

var listening = regexp.MustCompile(`http://[0-9.:]+`)

// serve starts the server and returns its address once it answers.
func (p program) serve(flags ...string) (*exec.Cmd, string) {
	p.t.Helper()
	cmd := p.command(append([]string{"serve", "--listen", "127.0.0.1:0", "--quiet"}, flags...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	head := make([]byte, 256)
	n, _ := io.ReadAtLeast(out, head, 20)
	url := listening.FindString(string(head[:n]))
	if url == "" {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		p.t.Fatalf("the server said %q and %q", head[:n], errOut.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return cmd, url
}

// drives asks a server for a run, and waits until it drives: nobody else folds what it appended.
func (p program) drives(url string) {
	p.t.Helper()
	answer, err := http.Post(url+"/api/runs", "application/json", strings.NewReader(`{"prompt":"hello"}`)) //nolint:gosec // our own server
	if err != nil || answer.StatusCode != http.StatusAccepted {
		p.t.Fatalf("asked for a run: %v, %+v", err, answer)
	}
	_ = answer.Body.Close()
	for begun := time.Now(); ; {
		var ready struct{ Position uint64 }
		answer, err := http.Get(url + "/readyz") //nolint:gosec // our own server
		if err == nil {
			err = json.NewDecoder(answer.Body).Decode(&ready)
			_ = answer.Body.Close()
		}
		if err == nil && ready.Position > 0 {
			return
		}
		if time.Since(begun) > 20*time.Second {
			p.t.Fatalf("it does not drive: %+v (%v)", ready, err)
		}
	}
}

func TestAKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // moments, not secrets
	p := newProgram(t)
	acknowledged := map[string]bool{}
	for range 8 {
		cmd, url := p.serve("--lease", "100ms")
		timer := time.AfterFunc(time.Duration(20+random.IntN(250))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		for {
			answer, err := http.Post(url+"/api/runs", "application/json", strings.NewReader(`{"prompt":"calculate 1 + 1 and clock"}`)) //nolint:gosec // our own server
			if err != nil {
				break // it was killed
			}
			var run struct{ Run string }
			err = json.NewDecoder(answer.Body).Decode(&run)
			_ = answer.Body.Close()
			if err != nil {
				break
			}
			if answer.StatusCode != http.StatusAccepted || run.Run == "" {
				t.Errorf("POST /api/runs answered %s %+v", answer.Status, run)
				break
			}
			acknowledged[run.Run] = true
		}
		timer.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		p.run("verify")
	}
	// One that is asked now is served behind all that were left open.
	p.run("ask", "hello")
	cmd, url := p.serve()
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	deadline := time.Now().Add(30 * time.Second)
	for {
		ended, open := map[string]int{}, 0
		var runs []struct{ Run, Outcome string }
		answer, err := http.Get(url + "/api/runs?limit=10000") //nolint:gosec // our own server
		if err != nil {
			t.Fatal(err)
		}
		err = json.NewDecoder(answer.Body).Decode(&runs)
		_ = answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			ended[r.Run]++
			if r.Outcome == "running" {
				open++
			}
		}
		for run := range acknowledged {
			if ended[run] != 1 {
				t.Fatalf("run %s was acknowledged and is there %d times", run, ended[run])
			}
		}
		if open == 0 {
			t.Logf("%d runs were acknowledged, none lost", len(acknowledged))
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d runs are still open", open)
		}
	}
}
