package tools

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gochecksumtype "github.com/alecthomas/go-check-sumtype"
	"golang.org/x/tools/go/packages"
)

// checkSumTypes runs the check as its command does, on sources of which some are replaced.
func checkSumTypes(t *testing.T, replaced map[string][]byte) []error {
	t.Helper()
	pkgs, err := packages.Load(&packages.Config{
		Dir: "..", Overlay: replaced,
		Mode: packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedTypes | packages.NeedTypesSizes |
			packages.NeedImports | packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles,
	}, "./events", "./commands", "./aggregates")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pkgs {
		if len(p.Errors) > 0 {
			t.Fatalf("%s does not compile: %v", p.PkgPath, p.Errors)
		}
	}
	return gochecksumtype.Run(pkgs, gochecksumtype.Config{})
}

// A fact without its case in the decider's Evolve, and a command without its case in Decide, must not pass.
func TestAMissingCaseIsFound(t *testing.T) {
	t.Parallel()
	if errs := checkSumTypes(t, nil); len(errs) > 0 {
		t.Errorf("the code as it is: %v", errs)
	}
	file, err := filepath.Abs(filepath.Join("..", "aggregates", "run.go"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for without, missing := range map[string]string{
		"case events.RunAssigned:\n":                                   "RunAssigned",
		"case commands.RecordLLMCall:\n\t\treturn recordLLMCall(c, s)": "RecordLLMCall",
	} {
		cut := bytes.Replace(source, []byte(without), nil, 1)
		if len(cut) == len(source) {
			t.Fatalf("aggregates/run.go holds no %q: the test needs another case to take out", without)
		}
		errs := checkSumTypes(t, map[string][]byte{file: cut})
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), "missing cases for "+missing) {
			t.Errorf("without %q: %v, want the missing %s named", without, errs, missing)
		}
	}
}
