// Package runbook writes and reads runbooks as YAML.
package runbook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Runbook is a workflow worth repeating, as YAML shows it. DependsOn of a step holds the numbers of earlier steps,
// counted from 0.
type Runbook struct {
	Runbook  string               `yaml:"runbook"`
	Workflow string               `yaml:"workflow,omitempty"`
	Run      string               `yaml:"run,omitempty"`
	Notes    string               `yaml:"notes,omitempty"`
	Steps    []events.RunbookStep `yaml:"steps"`
	// Requester is who asked the run that it was taken from, whose words it holds.
	Requester string `yaml:"-"`
}

// Err tells that a text is no runbook.
var Err = errors.New("not a runbook")

// The bounds of a runbook that is read from a text.
const (
	maxRunbookBytes    = 1 << 18
	maxRunbookSteps    = 1000
	maxRunbookBrackets = 4000
	maxRunbookIndent   = 200
)

// FromRun takes a runbook from a run. An imported one gives its steps with who did them by what, in the order of their starts. A live one
// gives what can be done again: its calls of tools, each of them once, with the arguments that they had by their steps, and then its prompt, which
// is asked with what they gave.
func FromRun(name string, run projections.RunRow, steps []projections.StepRow, arguments map[int]string) Runbook {
	r := Runbook{Runbook: name, Workflow: run.Workflow, Run: run.Run}
	if run.Source == "" && run.Prompt != "" {
		answer := events.RunbookStep{Name: "answer", Agent: run.Agent, Instruction: run.Prompt}
		for _, s := range steps {
			call := events.RunbookStep{Name: s.Name, Agent: s.Agent, Tool: s.Tool, Params: arguments[int(s.Step)]}
			again := slices.ContainsFunc(r.Steps, func(o events.RunbookStep) bool { return o.Tool == call.Tool && o.Params == call.Params })
			if s.Tool == "" || call.Params == "" || again || s.Outcome != events.Succeeded {
				continue
			}
			answer.DependsOn = append(answer.DependsOn, len(r.Steps))
			r.Steps = append(r.Steps, call)
		}
		r.Steps, r.Requester = append(r.Steps, answer), run.Requester
		return r
	}
	for _, s := range steps {
		r.Steps = append(r.Steps, events.RunbookStep{Name: s.Name, Agent: s.Agent, Tool: s.Tool, Model: s.Model, DependsOn: s.DependsOn})
	}
	return r
}

// Open puts a slot in the place of each text that it is to stand for. It returns Err for a text that stands nowhere.
func (r Runbook) Open(slots map[string]string) (Runbook, error) {
	r.Steps = slices.Clone(r.Steps)
	for _, name := range slices.Sorted(maps.Keys(slots)) {
		mark, value, found := "{{"+name+"}}", slots[name], false
		if !events.SlotMark.MatchString(mark) || value == "" {
			return r, fmt.Errorf("%w: a slot has a name of letters, digits, _ and -, and stands for a text: not %q for %q", Err, name, value)
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			return r, fmt.Errorf("%w: the slot %s stands for no text: %w", Err, name, err)
		}
		for i := range r.Steps {
			s := &r.Steps[i]
			for _, text := range []*string{&s.Instruction, &s.Question} {
				found = found || strings.Contains(*text, value)
				*text = strings.ReplaceAll(*text, value, mark)
			}
			within := string(quoted[1 : len(quoted)-1])
			found = found || strings.Contains(s.Params, within)
			s.Params = strings.ReplaceAll(s.Params, within, mark)
		}
		if !found {
			return r, fmt.Errorf("%w: %q, which the slot %s is to stand for, is in none of its steps", Err, value, name)
		}
	}
	return r, nil
}

// FromPattern takes a runbook from a step sequence: each step depends on the one before it.
func FromPattern(name, workflow string, steps []string) Runbook {
	r := Runbook{Runbook: name, Workflow: workflow}
	for i, s := range steps {
		step := events.RunbookStep{Name: s}
		if i > 0 {
			step.DependsOn = []int{i - 1}
		}
		r.Steps = append(r.Steps, step)
	}
	return r
}

// FromSaved shows a saved runbook.
func FromSaved(e events.RunbookSaved) Runbook {
	return Runbook{Runbook: e.Runbook, Workflow: e.Workflow, Run: e.Run, Notes: e.Notes, Steps: e.Steps}
}

// Saved is the fact that keeps the runbook.
func (r Runbook) Saved() events.RunbookSaved {
	return events.RunbookSaved{Runbook: r.Runbook, Workflow: r.Workflow, Run: r.Run, Notes: r.Notes, Steps: r.Steps, Requester: r.Requester}
}

// Check tells what keeps it from being a runbook: it returns Err with the reason.
func (r Runbook) Check() error {
	texts := []string{r.Runbook, r.Workflow, r.Run, r.Notes}
	switch {
	case strings.TrimSpace(r.Runbook) == "":
		return fmt.Errorf("%w: give it a name under \"runbook\"", Err)
	case len(r.Steps) == 0:
		return fmt.Errorf("%w: list at least one step under \"steps\"", Err)
	case len(r.Steps) > maxRunbookSteps:
		return fmt.Errorf("%w: %d steps, at most %d are kept", Err, len(r.Steps), maxRunbookSteps)
	}
	for i, s := range r.Steps {
		if m := wrong(i, s); m != nil {
			m.step, m.name = i, s.Name
			return fmt.Errorf("%w: %w", Err, m)
		}
		texts = append(texts, s.Name, s.Agent, s.Tool, s.Model, s.Instruction, s.Params, s.Question, string(s.Team))
		texts = append(texts, s.Agents...)
	}
	if slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) }) {
		return fmt.Errorf("%w: a text is not UTF-8", Err)
	}
	return nil
}

// mistake is what is wrong with a key of a step. line is where that stands, 0 where nobody knows.
type mistake struct {
	step, line      int
	name, key, says string
}

func (m *mistake) Error() string {
	where := fmt.Sprintf("step %d", m.step)
	if m.name != "" {
		where += " (" + m.name + ")"
	}
	if m.line > 0 {
		where = fmt.Sprintf("line %d: %s", m.line, where)
	}
	return fmt.Sprintf("%s: %s: %s", where, m.key, m.says)
}

// wrong tells what is wrong with a step that stands at a place, nil where nothing is.
func wrong(at int, s events.RunbookStep) *mistake {
	is := func(key, format string, args ...any) *mistake {
		return &mistake{key: key, says: fmt.Sprintf(format, args...)}
	}
	later := slices.IndexFunc(s.DependsOn, func(d int) bool { return d < 0 || d >= at })
	switch {
	case strings.TrimSpace(s.Name) == "":
		return is("name", "give the step one")
	case later >= 0:
		return is("depends_on", "%d is no earlier step: name some, counted from 0", s.DependsOn[later])
	case s.Params != "" && s.Tool == "":
		return is("arguments", "there is no tool to call with them: name it under \"tool\"")
	case s.Params != "" && !json.Valid(events.SlotMark.ReplaceAll([]byte(s.Params), []byte("0"))): // a number may be left open too
		return is("arguments", "they are no JSON: write them as '{\"order\": 12}'")
	case s.Team != "" && !slices.Contains(events.Teams(), s.Team):
		return is("team", "there is no team %q: there are %q", s.Team, events.Teams())
	case s.Team != "" && s.Tool+s.Question != "":
		return is("team", "a team does what agents are asked: leave out the tool and the question")
	case s.Team == "" && len(s.Agents) > 0:
		return is("agents", "they are a team's: say which under \"team\", one of %q", events.Teams())
	case s.Question != "" && s.Tool+s.Instruction+s.Agent != "":
		return is("question", "a person is asked it: leave out the agent, the tool and the instruction")
	}
	return nil
}

// YAML writes the runbook, always the same bytes for the same runbook. It returns Err for what Check refuses, and
// for what is too large to be read again.
func (r Runbook) YAML() ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	line := func(indent, name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s%s: %s\n", indent, name, scalar(value))
		}
	}
	line("", "runbook", r.Runbook)
	line("", "workflow", r.Workflow)
	line("", "run", r.Run)
	line("", "notes", r.Notes)
	b.WriteString("steps:\n")
	for _, s := range r.Steps {
		line("  - ", "name", s.Name)
		line("    ", "agent", s.Agent)
		line("    ", "tool", s.Tool)
		line("    ", "model", s.Model)
		line("    ", "instruction", s.Instruction)
		line("    ", "arguments", s.Params)
		line("    ", "question", s.Question)
		line("    ", "team", string(s.Team))
		if len(s.Agents) > 0 {
			agents := make([]string, len(s.Agents))
			for i, a := range s.Agents {
				agents[i] = scalar(a)
			}
			fmt.Fprintf(&b, "    agents: [%s]\n", strings.Join(agents, ", "))
		}
		if len(s.DependsOn) > 0 {
			fmt.Fprintf(&b, "    depends_on: %s\n", strings.Join(strings.Fields(fmt.Sprint(s.DependsOn)), ", "))
		}
	}
	if err := checkRunbookText(b.Bytes()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// plain matches texts that no version of YAML takes for anything but a text.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./()-]+)*$`)

// words that some version of YAML takes for a truth value, or for nothing.
var words = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// scalar writes a text as it is where that is safe, and as JSON does elsewhere: YAML's quoted scalars hold JSON's.
func scalar(s string) string {
	if len(s) <= 100 && plain.MatchString(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic("runbook: encode a text: " + err.Error()) // no text can fail
	}
	return unprintable.Replace(strings.TrimSuffix(b.String(), "\n"))
}

// unprintable are characters that JSON leaves alone and YAML does not allow, or takes for the end of a line.
var unprintable = strings.NewReplacer("\x7f", `\u007f`, "\u0085", `\u0085`, "\ufeff", `\ufeff`)

// checkRunbookText refuses a text that the YAML parser would be slow on: it takes time with the square of the depth.
func checkRunbookText(data []byte) error {
	switch {
	case len(data) > maxRunbookBytes:
		return fmt.Errorf("%w: it is larger than %d bytes", Err, maxRunbookBytes)
	case !utf8.Valid(data):
		return fmt.Errorf("%w: it is not UTF-8", Err)
	case bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > maxRunbookBrackets:
		return fmt.Errorf("%w: more than %d brackets open in it", Err, maxRunbookBrackets)
	}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		marks := 0
		for _, c := range line {
			if c != ' ' && c != '\t' && c != '-' && c != '?' {
				break
			}
			if marks++; marks > maxRunbookIndent {
				return fmt.Errorf("%w: line %d is nested too deep", Err, number)
			}
		}
	}
	return nil
}

// Parse reads what YAML writes, and what a person makes of it. It returns Err, with the line and the key, for an unknown key, a second document, an alias, or what Check refuses.
func Parse(data []byte) (Runbook, error) {
	if err := checkRunbookText(data); err != nil {
		return Runbook{}, err
	}
	for _, t := range lexer.Tokenize(string(data)) {
		// An alias of an alias of an alias makes a small text a huge runbook.
		if t.Type == token.AliasType || t.Type == token.AnchorType || t.Type == token.MergeKeyType {
			return Runbook{}, fmt.Errorf("%w: line %d: anchors and aliases are not taken", Err, t.Position.Line)
		}
	}
	var r Runbook
	dec := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := dec.Decode(&r); err != nil {
		if errors.Is(err, io.EOF) {
			return Runbook{}, fmt.Errorf("%w: it is empty", Err)
		}
		return Runbook{}, fmt.Errorf("%w: %s", Err, misread(data, err))
	}
	var more any
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return Runbook{}, fmt.Errorf("%w: more than one YAML document", Err)
	}
	err := r.Check()
	if m := (*mistake)(nil); errors.As(err, &m) {
		m.line = lineOf(data, m.step, m.key)
		err = fmt.Errorf("%w: %w", Err, m)
	}
	if err != nil {
		return Runbook{}, err
	}
	return r, nil
}

// keyOf finds the key that a line of YAML begins with.
var keyOf = regexp.MustCompile(`^[\s-]*([A-Za-z_]+)\s*:`)

// misread is what the parser says of a text that it can't read, with the line and its key.
func misread(data []byte, err error) string {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return yaml.FormatError(err, false, false)
	}
	line, key, says := at.GetToken().Position.Line, "", at.GetMessage()
	if lines := bytes.Split(data, []byte("\n")); line >= 1 && line <= len(lines) {
		if found := keyOf.FindSubmatch(lines[line-1]); found != nil {
			key = string(found[1])
		}
	}
	if strings.HasSuffix(says, "was used where sequence is expected") {
		says = "it should be a list"
	}
	var unlike *yaml.TypeError
	if errors.As(err, &unlike) {
		switch {
		case key == "arguments":
			says = "it should be JSON in quotes, such as '{\"order\": 12}'"
		case unlike.DstType.Kind() == reflect.String:
			says = "it should be a text"
		case unlike.DstType.Kind() == reflect.Slice:
			says = "it should be a list"
		default:
			says = "it should be a number"
		}
	}
	if key != "" {
		says = key + ": " + says
	}
	return fmt.Sprintf("line %d: %s", line, says)
}

// lineOf is where a key of a step stands, or else the step, 0 where neither is found.
func lineOf(data []byte, step int, key string) int {
	for _, place := range []string{fmt.Sprintf("$.steps[%d].%s", step, key), fmt.Sprintf("$.steps[%d]", step)} {
		path, err := yaml.PathString(place)
		if err != nil {
			continue
		}
		if node, err := path.ReadNode(bytes.NewReader(data)); err == nil && node.GetToken() != nil {
			return node.GetToken().Position.Line
		}
	}
	return 0
}
