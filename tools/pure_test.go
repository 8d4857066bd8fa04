package tools

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// In the rooms whose tests run without the race detector nothing is started beside anything else.
func TestPureRoomsStartNothing(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join("..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^PURE\s*= (.*)\$\$$`).FindSubmatch(makefile)
	if found == nil {
		t.Fatal("the Makefile names no PURE rooms")
	}
	pure := regexp.MustCompile(string(found[1]) + "$")
	rooms := map[string]bool{}
	root := os.DirFS("..")
	err = fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		room := "/" + path.Dir(file)
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || !pure.MatchString(room) {
			return err
		}
		rooms[room] = true
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		for _, at := range starts(t, file, string(text)) {
			t.Errorf("%s starts something: take its room out of PURE in the Makefile, so that its tests are raced", at)
		}
		return nil
	})
	if err != nil || len(rooms) < 20 {
		t.Errorf("%d pure rooms, %v", len(rooms), err)
	}
}

func TestWhatStartsSomethingIsFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"package p; func f() { go f() }":                              1,
		`package p; import "golang.org/x/sync/errgroup"`:              1,
		`package p; import "sync"; var once = sync.OnceValue(f)`:      0,
		`package p; import ("sync"; "time"); func f() { time.Now() }`: 0,
		`package p; import "time"; func f() { time.AfterFunc(1, f) }`: 1,
	} {
		if got := starts(t, "p.go", text); len(got) != want {
			t.Errorf("%s: found %v", text, got)
		}
	}
}

// starts tells where a file starts something that runs beside it.
func starts(t *testing.T, file, text string) (places []string) {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		found := false
		switch n := n.(type) {
		case *ast.GoStmt:
			found = true
		case *ast.ImportSpec:
			found = n.Path.Value == `"golang.org/x/sync/errgroup"`
		case *ast.SelectorExpr:
			found = n.Sel.Name == "AfterFunc"
		}
		if found {
			places = append(places, set.Position(n.Pos()).String())
		}
		return true
	})
	return places
}
