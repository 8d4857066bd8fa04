// Package npmtest finds the programs of npm's that tests are held to: servers, clients and suites that nobody here wrote. The targets of
// the Makefile put them into .cache.
package npmtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Installed is a file below what a target of the Makefile has installed, in .cache/FOLDER/node_modules. Where it is not there the test is
// left out, but for CI, where it fails.
func Installed(t testing.TB, target, folder string, path ...string) string {
	t.Helper()
	root, err := filepath.Abs(".")
	for err == nil {
		if _, missing := os.Stat(filepath.Join(root, "go.mod")); missing == nil || root == filepath.Dir(root) {
			break
		}
		root = filepath.Dir(root)
	}
	file := filepath.Join(append([]string{root, ".cache", folder, "node_modules"}, path...)...)
	if err == nil {
		_, err = os.Stat(file)
	}
	without(t, target, err)
	return file
}

// Node is the Node that runs such programs.
func Node(t testing.TB, target string) string {
	t.Helper()
	node, err := exec.LookPath("node")
	without(t, target, err)
	return node
}

func without(t testing.TB, target string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("run `make %s`: %v", target, err)
	default:
		t.Skipf("run `make %s`: %v", target, err)
	}
}
