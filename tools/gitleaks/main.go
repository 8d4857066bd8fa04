// Command gitleaks writes the rules of one version of gitleaks as the data that the room redact embeds, with their
// licence: go -C tools run ./gitleaks v8.30.1
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

const module = "github.com/zricethezav/gitleaks/v8"

// dropped are rules that are of no use on prose, each with its reason.
var dropped = map[string]string{
	"generic-api-key":  "a guess from the words around it: docs/decisions/redaction.md counts its false alarms",
	"jwt":              "redact/own.go has it with a literal to look for; its keyword is two letters",
	"twilio-api-key":   "likewise",
	"private-key":      "redact/own.go has it, also without its end",
	"curl-auth-header": "redact/own.go has the header, with and without curl",
}

// fewer takes a keyword away that stands in every other English sentence.
var fewer = map[string]string{"vault-service-token": "s."}

// terminator ends most rules: made for source code, it misses a key before a comma, a bracket or a full stop.
const (
	terminator = "(?:[\\x60'\"\\s;]|\\\\[nr]|$)"
	inProse    = "(?:[^\\w-]|$)"
)

type rule struct {
	ID       string   `json:"id"`
	Regex    string   `json:"regex"`
	Group    int      `json:"group,omitempty"`
	Entropy  float64  `json:"entropy,omitempty"`
	Keywords []string `json:"keywords"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gitleaks:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("give the version, as in v8.30.1")
	}
	out, err := exec.Command("go", "mod", "download", "-json", module+"@"+os.Args[1]).Output() //nolint:gosec // the version is the developer's own
	if err != nil {
		return fmt.Errorf("download %s: %w", module, err)
	}
	var at struct{ Dir string }
	if err := json.Unmarshal(out, &at); err != nil {
		return err
	}
	var config struct {
		Rules []struct {
			ID          string
			Regex       string
			Path        string
			SecretGroup int
			Entropy     float64
			Keywords    []string
		}
	}
	if _, err := toml.DecodeFile(filepath.Join(at.Dir, "config", "gitleaks.toml"), &config); err != nil {
		return err
	}
	var rules []rule
	for _, r := range config.Rules {
		if _, drop := dropped[r.ID]; drop || r.Path != "" {
			continue // a fact has no path
		}
		kept := rule{r.ID, strings.ReplaceAll(r.Regex, terminator, inProse), r.SecretGroup, r.Entropy, nil}
		for _, k := range r.Keywords {
			if k = strings.ToLower(k); k != fewer[r.ID] {
				kept.Keywords = append(kept.Keywords, k)
			}
		}
		slices.Sort(kept.Keywords)
		kept.Keywords = slices.Compact(kept.Keywords)
		if len(kept.Keywords) == 0 {
			return fmt.Errorf("rule %s has no keyword: it would be tried on every text", r.ID)
		}
		rules = append(rules, kept)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteString("{\"from\":\"" + module + " " + os.Args[1] + "\",\"rules\":[\n")
	for i, r := range rules {
		if i > 0 {
			b.WriteString(",")
		}
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	b.WriteString("]}\n")
	licence, err := os.ReadFile(filepath.Join(at.Dir, "LICENSE"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join("..", "redact", "gitleaks.LICENSE"), licence, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join("..", "redact", "gitleaks.json"), []byte(b.String()), 0o644)
}
