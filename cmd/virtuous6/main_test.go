package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the generated documents")

// TestMain makes this test binary the real program where it is started under its name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"virtuous6": main})
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
		Condition: func(cond string) (bool, error) {
			if cond == "raced" {
				return raced, nil
			}
			return false, fmt.Errorf("there is no condition %q", cond)
		},
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
