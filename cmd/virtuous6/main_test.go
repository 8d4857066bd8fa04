package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the generated documents")

// TestMain makes this test binary the real program where it is started under its name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"virtuous6": main, "virtuous6-counted": countedMain, "mcp-double": mcpDouble})
}

// noSleep keeps a program that is built with the race detector from sleeping for a second before it exits. What it has
// found by then it has told.
func noSleep() (key, value string) { return "GORACE", "atexit_sleep_ms=0" }

// TestScripts starts the real program on temporary folders, as testdata/script tells.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_DATA_HOME", filepath.Join(e.WorkDir, "data"))
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("VIRTUOUS6_STORE", "sqlite:"+filepath.Join(e.WorkDir, "store.db"))
			e.Setenv(noSleep())
			return nil
		},
	})
}

// TestInterruptedVerbsSayThatTheyGoOn cancels before anything is done: those that go on when they are run again say so.
func TestInterruptedVerbsSayThatTheyGoOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config, log := filepath.Join(dir, "config.yaml"), "sqlite:"+filepath.Join(dir, "log.db")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code := Main(t.Context(), World{}, []string{"--config", config, "--store", log, "simulate", "--runs", "3"}, nil, &bytes.Buffer{}, &bytes.Buffer{}); code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		args   string
		goesOn bool
	}{
		{"import " + config, true},
		{"copy --from " + log + " --to sqlite:" + filepath.Join(dir, "copy.db"), true},
		{"simulate", true},
		{"simulate --out " + filepath.Join(dir, "out.jsonl"), false},
		{"metrics", false},
	} {
		var errOut bytes.Buffer
		args := append([]string{"--config", config, "--store", log}, strings.Fields(test.args)...)
		code := Main(ctx, World{}, args, nil, &bytes.Buffer{}, &errOut)
		said := errOut.String()
		if code != exitFailed || !strings.HasPrefix(said, "virtuous6: interrupted") || strings.Contains(said, "goes on from there") != test.goesOn {
			t.Errorf("%s: exit code %d: %s", test.args, code, said)
		}
	}
}
