package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAHistoryThatIsWrittenIsInterrupted presses Ctrl-C: nothing is left of it.
func TestAHistoryThatIsWrittenIsInterrupted(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	file := filepath.Join(p.dir, "history.jsonl")
	cmd := p.command("simulate", "--runs", "1000000000", "--out", file)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	for started := time.Now(); ; time.Sleep(time.Millisecond) { // until it is under way
		if is, err := os.Stat(file); err == nil && is.Size() > 0 {
			break
		}
		if time.Since(started) > 30*time.Second {
			t.Fatal("it writes nothing")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(errOut.String(), "interrupted") {
		t.Errorf("exit code %d: %s", code, errOut.Bytes())
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a part of it is left: %v", err)
	}
}
