package events_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
)

// TestCatalogueIsCurrent writes the catalogue from the code and compares it with the page that people read.
func TestCatalogueIsCurrent(t *testing.T) {
	t.Parallel()
	page := catalogue(t)
	name := filepath.Join("..", "docs", "events.md")
	if *update {
		if err := os.WriteFile(name, page, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(found, page) {
		t.Errorf("docs/events.md is not what the code says (%v): `make golden` writes it", err)
	}
}

// source is what the package's files declare, as far as the catalogue needs it.
type source struct {
	files   []string
	structs map[string]declared
	// words are the closed vocabularies: a string type and its constants.
	words map[string]vocabulary
	// kinds and categories are by Go type: the wire name, and the name of the sealing method.
	kinds, categories map[string]string
}

type declared struct {
	name, file, doc string
	fields          []*ast.Field
}

type vocabulary struct {
	name, file, doc, note string
	values                []string
}

func parseSource(t *testing.T) source {
	t.Helper()
	s := source{
		structs: map[string]declared{}, words: map[string]vocabulary{},
		kinds: map[string]string{}, categories: map[string]string{},
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, file)
		for _, d := range tree.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				s.method(d)
			case *ast.GenDecl:
				s.declaration(file, d)
			}
		}
	}
	return s
}

// method takes in a fact's Kind, which returns its wire name, and the empty method that seals it.
func (s *source) method(d *ast.FuncDecl) {
	if d.Recv == nil || len(d.Recv.List[0].Names) > 0 {
		return
	}
	on, ok := d.Recv.List[0].Type.(*ast.Ident)
	switch {
	case !ok:
	case d.Name.Name == "Kind":
		literal := d.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit)
		s.kinds[on.Name], _ = strconv.Unquote(literal.Value)
	case len(d.Body.List) == 0:
		s.categories[on.Name] = d.Name.Name
	}
}

func (s *source) declaration(file string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			doc := prose(d.Doc)
			switch typ := spec.Type.(type) {
			case *ast.StructType:
				s.structs[spec.Name.Name] = declared{name: spec.Name.Name, file: file, doc: doc, fields: typ.Fields.List}
			case *ast.Ident:
				if typ.Name == "string" {
					word := s.words[spec.Name.Name]
					word.name, word.file, word.doc = spec.Name.Name, file, doc
					s.words[spec.Name.Name] = word
				}
			}
		case *ast.ValueSpec:
			typ, ok := spec.Type.(*ast.Ident)
			if !ok || d.Tok != token.CONST || len(spec.Values) == 0 {
				continue
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				word := s.words[typ.Name]
				value, _ := strconv.Unquote(literal.Value)
				word.values, word.note = append(word.values, value), prose(d.Doc)
				s.words[typ.Name] = word
			}
		}
	}
}

// prose is a comment as one paragraph, without directives.
func prose(c *ast.CommentGroup) string {
	return strings.Join(strings.Fields(c.Text()), " ")
}

func catalogue(t *testing.T) []byte {
	t.Helper()
	s := parseSource(t)
	typeOf := map[string]string{}
	for typ, kind := range s.kinds {
		if s.categories[typ] == "" {
			t.Errorf("%s belongs to no sealed interface", typ)
		}
		typeOf[kind] = typ
	}
	for kind := range typeOf {
		if events.Known.Version(kind) == 0 {
			t.Fatalf("%s is declared and has no line in events/all.go", kind)
		}
	}
	for _, kind := range events.Known.Kinds() {
		if typeOf[kind] == "" {
			t.Fatalf("%s has a line in events/all.go, and no file declares it", kind)
		}
	}
	nouns := slices.Compact(slices.Sorted(maps.Values(s.categories)))
	p := &page{t: t, source: s, examples: map[string][]byte{}}
	for _, sample := range samples() {
		_, _, data, err := events.Encode(sample)
		if err != nil {
			t.Fatal(err)
		}
		p.examples[sample.Kind()] = data
	}
	p.line("# Event catalogue\n")
	p.line("<!-- Generated from events/*.go by `make golden`. Edits here are lost. -->\n")
	p.line("Everything that ever happened is one of these %d kinds of facts. A kind's name is chosen once, its old", len(typeOf))
	p.line("versions stay readable for ever, and unknown fields are passed over. The examples are the golden files that")
	p.line("every build is held to. A field marked *optional* is left out where it is empty, 0 or false.\n")
	p.line("| kind | version | stream | what it tells |\n|---|---|---|---|")
	for _, category := range nouns {
		for _, d := range p.facts(category) {
			kind := s.kinds[d.name]
			tells, _, _ := strings.Cut(about(d.name, d.doc), ". ")
			p.line("| [`%s`](#%s) | %d | `%s-…` | %s. |", kind, anchor(kind), events.Known.Version(kind), category, strings.TrimSuffix(tells, "."))
		}
	}
	p.line("\n## Envelope\n\n%s\n", about("Envelope", s.structs["Envelope"].doc))
	p.line("| field | type | what it is |\n|---|---|---|")
	p.envelope()
	for _, category := range nouns {
		p.category(category)
	}
	return p.Bytes()
}

// page collects the catalogue.
type page struct {
	bytes.Buffer
	t      *testing.T
	source source
	// examples are by kind. TestEveryKindHasItsGoldenFile holds them to the golden files.
	examples map[string][]byte
}

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// envelope rows share the comment that stands above a group of fields.
func (p *page) envelope() {
	doc := ""
	for _, f := range p.source.structs["Envelope"].fields {
		if f.Doc != nil {
			doc = prose(f.Doc)
		}
		p.line("| `%s` | %s | %s |", f.Names[0].Name, p.typeName(f.Type), about(f.Names[0].Name, doc))
	}
}

// category is the section of one noun: its facts, then the vocabularies and the shapes that its file declares.
func (p *page) category(category string) {
	p.line("\n## %s", strings.ToUpper(category[:1])+category[1:])
	file := ""
	for _, d := range p.facts(category) {
		file = d.file
		kind := p.source.kinds[d.name]
		version := events.Known.Version(kind)
		p.line("\n### `%s`\n\n`events.%s`, version %d, in a stream `%s-…`. %s\n", kind, d.name, version, category, about(d.name, d.doc))
		p.fields(d)
		p.line("\n```json")
		if err := json.Indent(&p.Buffer, p.examples[kind], "", "  "); err != nil {
			p.t.Errorf("%s has no golden file yet (%v): give it a sample in golden_test.go, and `make golden` writes it", kind, err)
		}
		p.line("\n```")
	}
	for _, d := range p.inOrder(func(d declared) bool {
		return d.file == file && p.source.kinds[d.name] == "" && d.name != "Envelope"
	}) {
		p.line("\n### %s\n\n%s\n", d.name, about(d.name, d.doc))
		p.fields(d)
	}
	for _, name := range slices.Sorted(maps.Keys(p.source.words)) {
		if word := p.source.words[name]; word.file == file {
			p.line("\n### %s\n\n%s One of `%s`. %s", name, about(name, word.doc), strings.Join(word.values, "`, `"), word.note)
		}
	}
}

func (p *page) facts(category string) []declared {
	return p.inOrder(func(d declared) bool { return p.source.categories[d.name] == category })
}

// inOrder lists structs as their file does, which is how a person reads them.
func (p *page) inOrder(wanted func(declared) bool) []declared {
	out := slices.Collect(maps.Values(p.source.structs))
	out = slices.DeleteFunc(out, func(d declared) bool { return !wanted(d) })
	slices.SortFunc(out, func(a, b declared) int { return int(place(a) - place(b)) })
	return out
}

// place is where in its file a struct stands. None of those listed is empty.
func place(d declared) token.Pos { return d.fields[0].Pos() }

func (p *page) fields(d declared) {
	p.line("| field | type | what it is |\n|---|---|---|")
	for _, f := range d.fields {
		if f.Tag == nil {
			p.t.Errorf("%s has a field without a JSON name", d.name)
			continue
		}
		tag, _ := strconv.Unquote(f.Tag.Value)
		name, optional, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		if optional == "omitempty" || optional == "omitzero" {
			optional = ", *optional*"
		}
		p.line("| `%s` | %s%s | %s |", name, p.typeName(f.Type), optional, about(f.Names[0].Name, prose(f.Doc)))
	}
}

// typeName says a Go type in JSON's words, with a link where the catalogue tells more.
func (p *page) typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return p.typeName(e.X)
	case *ast.ArrayType:
		if of, ok := e.Elt.(*ast.Ident); ok && of.Name == "byte" {
			return "JSON"
		}
		return "list of " + p.typeName(e.Elt)
	case *ast.MapType:
		return "object of " + p.typeName(e.Value)
	case *ast.SelectorExpr:
		switch name := e.X.(*ast.Ident).Name + "." + e.Sel.Name; name {
		case "uuid.UUID":
			return "UUID"
		case "time.Time":
			return "time"
		case "json.RawMessage":
			return "any JSON"
		}
	case *ast.Ident:
		switch e.Name {
		case "string":
			return "string"
		case "bool":
			return "boolean"
		case "int", "int64", "uint64":
			return "integer"
		case "float64":
			return "number"
		case "Nanos":
			return "integer nano-dollars (1e-9 USD)"
		}
		_, shape := p.source.structs[e.Name]
		_, word := p.source.words[e.Name]
		if shape || word {
			return fmt.Sprintf("[%s](#%s)", e.Name, anchor(e.Name))
		}
	}
	p.t.Errorf("the catalogue has no words for the type %T %v", e, e)
	return ""
}

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	return strings.ReplaceAll(strings.ToLower(heading), ".", "")
}

// about turns a Go comment, which starts with the name it is on, into words for a page that shows the name already.
func about(name, doc string) string {
	doc = strings.ReplaceAll(doc, "<", "&lt;")
	rest, ok := strings.CutPrefix(doc, name+" ")
	if !ok || strings.HasPrefix(rest, "or ") || strings.HasPrefix(rest, "and ") {
		return doc
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "is "), "are ")
	return strings.ToUpper(rest[:1]) + rest[1:]
}
