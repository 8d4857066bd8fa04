package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/virtuous6/virtuous6/events"
)

// agentFile is an agent as a file: Markdown whose front matter says what it is made of, and whose text is its prompt. It
// is the shape of the files by which coding agents know their sub-agents.
type agentFile struct {
	path   string
	name   string
	role   string
	config events.AgentConfig
	// skills are the names of its skills.
	skills []string
	// ignored are keys that mean nothing here.
	ignored []string
}

// frontMatter is what stands between the two lines of dashes.
type frontMatter struct {
	Name        string    `yaml:"name"`
	Description string    `yaml:"description,omitempty"`
	Model       string    `yaml:"model,omitempty"`
	Fallbacks   nameList  `yaml:"fallbacks,omitempty"`
	API         string    `yaml:"api,omitempty"`
	Temperature *float64  `yaml:"temperature,omitempty"`
	Effort      string    `yaml:"reasoning_effort,omitempty"`
	MaxTokens   int       `yaml:"max_tokens,omitempty"`
	Tools       nameList  `yaml:"tools,omitempty"`
	Skills      nameList  `yaml:"skills,omitempty"`
	Schema      document  `yaml:"schema,omitempty"`
	Fixes       []fix     `yaml:"fixes,omitempty"`
	Examples    []example `yaml:"examples,omitempty"`
	Lessons     []lesson  `yaml:"lessons,omitempty"`
	Routes      []route   `yaml:"routes,omitempty"`
}

// lesson is what people ask for. See events.Lesson.
type lesson struct {
	Subject string   `yaml:"subject"`
	Said    []saying `yaml:"said"`
}

type saying struct {
	Feedback string `yaml:"feedback"`
	Run      string `yaml:"run"`
	User     string `yaml:"user,omitempty"`
}

// example is a run that an agent is shown. See events.Example.
type example struct {
	Run       string `yaml:"run"`
	Requester string `yaml:"requester,omitempty"`
}

// fix is one of an agent's known fixes. See events.Fix.
type fix struct {
	ID    string `yaml:"id,omitempty"`
	Error string `yaml:"error"`
	Tool  string `yaml:"tool,omitempty"`
	Do    string `yaml:"do,omitempty"`
	// Said is what people wrote of what to do.
	Said []saying `yaml:"said,omitempty"`
	// Of are the people whose words Error holds.
	Of []string `yaml:"of,omitempty"`
}

// nameList is a list, or names with commas between.
type nameList []string

// document is a JSON that is written as YAML, its members in their order.
type document json.RawMessage

// UnmarshalYAML reads it.
func (d *document) UnmarshalYAML(text []byte) error {
	data, err := yaml.YAMLToJSON(text)
	var b bytes.Buffer
	if err == nil {
		err = json.Compact(&b, data)
	}
	*d = b.Bytes()
	return err
}

// MarshalYAML writes it.
func (d document) MarshalYAML() ([]byte, error) { return yaml.JSONToYAML(d) }

// UnmarshalYAML reads both ways to write them.
func (n *nameList) UnmarshalYAML(unmarshal func(any) error) error {
	var list []string
	if unmarshal(&list) == nil {
		*n = list
		return nil
	}
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	*n = names(text)
	return nil
}

// inherits is what coding agents' files call the model of whoever asks: here, the server's default.
const inherits = "inherit"

var errAgentFile = errors.New("this is no agent's file")

// parseAgentFile reads a file's bytes, which may be anything.
func parseAgentFile(data []byte) (agentFile, error) {
	if !utf8.Valid(data) || bytes.ContainsRune(data, 0) {
		return agentFile{}, fmt.Errorf("%w: it is not UTF-8 text", errAgentFile)
	}
	head, body, found := events.CutFrontMatter(string(data))
	if !found {
		return agentFile{}, fmt.Errorf("%w: it begins with no front matter between two lines of three dashes", errAgentFile)
	}
	var matter frontMatter
	if err := yaml.Unmarshal([]byte("\n"+head), &matter); err != nil { // the line of dashes is the first one
		return agentFile{}, fmt.Errorf("%w: its front matter%s", errAgentFile, misconfigured([]byte("\n"+head), err))
	}
	if matter.Name == "" {
		return agentFile{}, fmt.Errorf("%w: its front matter gives no `name`", errAgentFile)
	}
	var keys map[string]any
	if err := yaml.Unmarshal([]byte(head), &keys); err != nil {
		return agentFile{}, fmt.Errorf("%w: its front matter: %s", errAgentFile, yaml.FormatError(err, false, false))
	}
	f := agentFile{name: matter.Name, role: matter.Description, skills: matter.Skills, config: events.AgentConfig{
		Model: matter.Model, Fallbacks: matter.Fallbacks, API: matter.API, Temperature: matter.Temperature, Effort: matter.Effort, MaxTokens: matter.MaxTokens, Tools: matter.Tools,
		Schema: json.RawMessage(matter.Schema), Prompt: strings.TrimSpace(body),
	}}
	for _, known := range matter.Fixes {
		f.config.Fixes = append(f.config.Fixes, events.Fix{ID: known.ID, Error: known.Error, Tool: known.Tool, Do: known.Do, Said: sayings(known.Said), Of: known.Of})
	}
	for _, e := range matter.Examples {
		f.config.Examples = append(f.config.Examples, events.Example(e))
	}
	for _, l := range matter.Lessons {
		f.config.Lessons = append(f.config.Lessons, events.Lesson{Subject: l.Subject, Said: sayings(l.Said)})
	}
	for _, r := range matter.Routes {
		f.config.Routes = append(f.config.Routes, events.Route{Tasks: r.Tasks, To: r.To})
	}
	if f.config.Model == inherits {
		f.config.Model = ""
	}
	for key := range keys {
		if !slices.Contains([]string{"name", "description", "model", "fallbacks", "api", "temperature", "reasoning_effort", "max_tokens", "tools", "skills", "schema", "fixes", "examples", "lessons", "routes"}, key) {
			f.ignored = append(f.ignored, key)
		}
	}
	slices.Sort(f.ignored)
	return f, nil
}

func sayings(list []saying) (said []events.Saying) {
	for _, s := range list {
		said = append(said, events.Saying(s))
	}
	return said
}

func written(said []events.Saying) (list []saying) {
	for _, s := range said {
		list = append(list, saying(s))
	}
	return list
}

// format is the file's bytes. Parsing them gives the agent again.
func (f agentFile) format() ([]byte, error) {
	var fixes []fix
	for _, known := range f.config.Fixes {
		fixes = append(fixes, fix{ID: known.ID, Error: known.Error, Tool: known.Tool, Do: known.Do, Said: written(known.Said), Of: known.Of})
	}
	var examples []example
	for _, e := range f.config.Examples {
		examples = append(examples, example(e))
	}
	var lessons []lesson
	for _, l := range f.config.Lessons {
		lessons = append(lessons, lesson{Subject: l.Subject, Said: written(l.Said)})
	}
	var passes []route
	for _, r := range f.config.Routes {
		passes = append(passes, route{Tasks: r.Tasks, To: r.To})
	}
	head, err := yaml.Marshal(frontMatter{
		Name: f.name, Description: strings.Join(strings.Fields(f.role), " "), Model: f.config.Model, Fallbacks: f.config.Fallbacks, API: f.config.API,
		Temperature: f.config.Temperature, Effort: f.config.Effort, MaxTokens: f.config.MaxTokens, Tools: f.config.Tools, Skills: f.skills, Schema: document(f.config.Schema), Fixes: fixes, Routes: passes, Examples: examples, Lessons: lessons,
	})
	if err != nil {
		return nil, fmt.Errorf("the front matter of %s: %w", f.name, err)
	}
	out := append([]byte("---\n"), head...)
	out = append(out, "---\n"...)
	if f.config.Prompt != "" {
		out = append(out, "\n"+f.config.Prompt+"\n"...)
	}
	return out, nil
}

// readAgentFiles reads a folder's agents, by their names. A file that can't be read, and two of one name, are an error.
func readAgentFiles(dir string) ([]agentFile, error) {
	paths, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.md"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		switch is, err := os.Stat(dir); {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("there is no folder %s: name one with a file for each agent, as `virtuous6 agents export %s` writes them", dir, dir)
		case err != nil:
			return nil, err
		case !is.IsDir():
			return nil, fmt.Errorf("%s is no folder: name the one that it is in", dir)
		}
		return nil, fmt.Errorf("there is no .md file in %s: `virtuous6 agents export %s` writes some", dir, dir)
	}
	var files []agentFile
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f, err := parseAgentFile(data)
		if errors.Is(err, errAgentFile) && strings.EqualFold(filepath.Base(path), "README.md") {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		f.path = path
		if i := slices.IndexFunc(files, func(other agentFile) bool { return other.name == f.name }); i >= 0 {
			return nil, fmt.Errorf("%s and %s are both called %q: an agent has one file", files[i].path, path, f.name)
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b agentFile) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// escapeGlob makes a path one that a pattern takes by the letter.
func escapeGlob(path string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(path)
}

// fileName is what an agent's file is called.
func (f agentFile) fileName() string {
	return strings.TrimLeft(url.PathEscape(f.name), ".") + ".md"
}
