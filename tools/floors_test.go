package tools

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/OpenPeeDeeP/depguard/v2"
	"golang.org/x/tools/go/analysis"
	"gopkg.in/yaml.v3"
)

const module = "github.com/virtuous6/virtuous6/"

// settings reads the lists that depguard's command reads at the root.
func settings(t *testing.T) depguard.LinterSettings {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", ".depguard.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var s depguard.LinterSettings
	if err := yaml.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// refusals tells what the given lists say of a file that imports a package.
func refusals(t *testing.T, lists depguard.LinterSettings, file, imported string) []string {
	t.Helper()
	analyzer, err := depguard.NewAnalyzer(&lists)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, "/somewhere/else/"+file, fmt.Sprintf("package p\nimport _ %q\n", imported), parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	pass := &analysis.Pass{
		Fset: fset, Files: []*ast.File{parsed},
		Report: func(d analysis.Diagnostic) { out = append(out, d.Message) },
	}
	if _, err := analyzer.Run(pass); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFloorsHold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, imported string
		allowed        bool
	}{
		{"events/run.go", "strings", true},
		{"events/run.go", "github.com/google/uuid", true},
		{"events/run.go", "os", false},
		{"events/run.go", "log/slog", false},
		{"events/run.go", module + "eventstore", false},
		{"events/run_test.go", "pgregory.net/rapid", true},
		{"events/run.go", "pgregory.net/rapid", false},
		{"migrations/all.go", module + "events", false},
		{"commands/run.go", module + "events", true},
		// "events" must not let in what only begins with it.
		{"commands/run.go", module + "eventstore", false},
		{"commands/run.go", module + "aggregates", false},
		{"redact/redact.go", module + "events", true},
		{"redact/redact.go", module + "commands", false},
		{"redact/rule.go", "os", false},
		{"eventstore/memory.go", "zombiezen.com/go/sqlite", false},
		{"eventstore/memory.go", module + "commands", false},
		{"eventstore/memory.go", "testing", false},
		{"eventstore/storetest/suite.go", "testing", true},
		{"eventstore/storetest/suite.go", module + "eventstore/sqlite", false},
		{"eventstore/sqlite/store.go", "zombiezen.com/go/sqlite/sqlitex", true},
		{"eventstore/sqlite/store.go", module + "eventstore", true},
		{"eventstore/sqlite/store.go", module + "eventstore/storetest", false},
		{"eventstore/sqlite/store_test.go", module + "eventstore/storetest", true},
		{"eventstore/sqlite/store.go", module + "projections", false},
		{"agents/openai.go", "github.com/sashabaranov/go-openai", true},
		{"agents/openai.go", module + "commands", false},
		{"aggregates/run.go", module + "commands", true},
		{"aggregates/run.go", module + "eventstore", false},
		{"aggregates/run.go", "math/rand", false},
		{"aggregates/run.go", "net/http", false},
		{"aggregates/run.go", "github.com/google/uuid", false},
		{"projections/run.go", module + "aggregates", false},
		{"projections/run.go", module + "readmodel/sqlite", false},
		{"readmodel/sqlite/engine.go", module + "readmodel", true},
		{"readmodel/sqlite/engine.go", module + "projections", false},
		{"readmodel/cache.go", module + "projections", false},
		{"readmodel/cache.go", "os", false},
		{"projections/run.go", module + "readmodel", true},
		{"readmodel/sqlite/engine.go", module + "readmodel/enginetest", false},
		{"readmodel/enginetest/suite.go", "testing", true},
		{"readmodel/enginetest/suite.go", module + "readmodel/sqlite", false},
		{"analysts/workflow.go", module + "analysts/stats", true},
		{"analysts/workflow.go", module + "projections", true},
		{"analysts/workflow.go", module + "readmodel/sqlite", false},
		{"analysts/workflow.go", module + "eventstore", false},
		{"analysts/workflow.go", "math/rand/v2", true},
		{"analysts/stats/interval.go", module + "events", false},
		{"ingest/otlp.go", module + "projections", false},
		{"replay/pump.go", module + "eventstore", true},
		{"replay/pump.go", module + "eventstore/sqlite", false},
		{"replay/pump.go", module + "readmodel/sqlite", false},
		{"replay/rehearsal.go", module + "analysts", true},
		// A replay can send nothing and spend nothing.
		{"replay/rehearsal.go", module + "agents", false},
		{"replay/rehearsal.go", module + "orchestrator", false},
		{"audit/verify.go", module + "replay", true},
		{"audit/verify.go", module + "orchestrator", false},
		{"audit/copy.go", module + "eventstore/sqlite", false},
		{"orchestrator/sealing.go", module + "audit", true},
		{"orchestrator/sealing.go", module + "eventstore/sqlite", false},
		{"orchestrator/sealing.go", module + "web", false},
		{"orchestrator/sealing.go", module + "orchestrator/logtest", false},
		{"orchestrator/logtest/log.go", "testing", true},
		{"web/runs.go", module + "orchestrator", true},
		{"web/runs.go", module + "aggregates", false},
		{"web/runs.go", module + "eventstore", false},
		{"cmd/virtuous6/serve.go", module + "eventstore/sqlite", true},
		{"cmd/virtuous6/serve.go", module + "eventstore/storetest", false},
		{"cmd/virtuous6/serve.go", "gopkg.in/yaml.v3", false},
	} {
		said := refusals(t, settings(t), tt.file, tt.imported)
		if allowed := len(said) == 0; allowed != tt.allowed {
			t.Errorf("%s imports %s: allowed is %v, want %v %q", tt.file, tt.imported, allowed, tt.allowed, said)
		}
	}
}

// A folder that no floor knows could import anything.
func TestEveryFolderHasItsFloor(t *testing.T) {
	t.Parallel()
	folders := map[string]bool{}
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(name, ".."+string(filepath.Separator)))
		if d.IsDir() && name != ".." && (strings.HasPrefix(d.Name(), ".") || rel == "tools" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(rel, ".go") && !strings.HasSuffix(rel, "_test.go") {
			folders[path.Dir(rel)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	floors := settings(t)
	maps.DeleteFunc(floors, func(name string, _ *depguard.List) bool { return !strings.HasPrefix(name, "floor-") })
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		// No list allows it, so each list that holds the folder refuses it once.
		said := refusals(t, floors, folder+"/noun.go", "example.com/unknown")
		if len(said) != 1 {
			t.Errorf("folder %s stands in %d lists of .depguard.yaml, want 1: %q", folder, len(said), said)
		}
	}
}
