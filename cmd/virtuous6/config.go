package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/events"
)

// config is the configuration file. Flags and environment variables win over it; secrets are never in it. The zero
// value works.
type config struct {
	// Store is where the log is, and ReadModels where they are. An address with a password belongs into the environment.
	Store      string `yaml:"store"`
	ReadModels string `yaml:"read_models"`
	// Keys is where the keys are that people's texts are encrypted with. Default: beside the log.
	Keys string `yaml:"keys"`
	// Erasable is whose texts are encrypted, so that they can be forgotten: slack or all. Default slack.
	Erasable string `yaml:"erasable"`
	// User is who asks and judges at the terminal. Default: the system's user name.
	User string `yaml:"user"`
	// Listen is where `serve` answers HTTP. Default 127.0.0.1:8686.
	Listen string `yaml:"listen"`
	// Hooks is where `serve` takes what Slack sends by HTTP, and deliveries for triggers. Default nowhere.
	Hooks string `yaml:"hooks"`
	// LogLevel is what `serve` logs: debug, info, warn or error. LogFormat is how: text or json.
	LogLevel  string `yaml:"log_level"`
	LogFormat string `yaml:"log_format"`
	// Hosts are the names that HTTP requests may be addressed to, besides localhost and IP addresses.
	Hosts []string `yaml:"hosts"`
	// Model is what agents without a model of their own use. Default: with OpenAI gpt-6-luna, with a server of one's own the
	// first that it lists, without either scripted-1.
	Model string `yaml:"model"`
	// PlannerModel and AssignerModel are what the agents `planner` and `assigner` use, which make the plans of goals and say who does their
	// tasks, where they have no model of their own. Default: model.
	PlannerModel  string `yaml:"planner_model"`
	AssignerModel string `yaml:"assigner_model"`
	// API is how models are asked, chat or responses, where an agent does not say. Default: what the model needs.
	API string `yaml:"api"`
	// BaseURL is that of an OpenAI-compatible server; OPENAI_BASE_URL wins over it.
	BaseURL string `yaml:"base_url"`
	// Timeout bounds one call to a model. Default 2m.
	Timeout time.Duration `yaml:"timeout"`
	// Prices is a price table in LiteLLM's format. It holds before the built-in one, whoever answers.
	Prices string `yaml:"prices"`
	// Analysts are how often each looks, by name; 0s is never. Default: workflow and feedback 6h, performance 2h, errors and cost 1h.
	Analysts map[string]time.Duration `yaml:"analysts"`
	// Roles are models that word, draft and suggest for the program itself, by the roles that they have. Default: none.
	Roles map[string]roleConfig `yaml:"roles"`
	// Lease is how long one that drives the store may be silent before another process takes over. Default 5s.
	Lease *time.Duration `yaml:"lease"`
	// Turns is how many calls to models are under way at a time. Default 64.
	Turns int `yaml:"turns"`
	// ModelCalls is how many calls of a model are under way at a time, by its name. Default as many as turns.
	ModelCalls map[string]int `yaml:"model_calls"`
	// StallAfter is how long a model or a tool may be silent before its run is failed. Default 30m.
	StallAfter time.Duration `yaml:"stall_after"`
	// RestAfter is how long nobody has asked or changed an agent before it is laid to rest, until it is asked again. Default 24h.
	RestAfter time.Duration `yaml:"rest_after"`
	// LiveAgents is how many agents' configurations are kept in memory. Default 50.
	LiveAgents int `yaml:"live_agents"`
	// ConversationTokens is about how much of the earlier runs of its conversation a run sees. Default 8192.
	ConversationTokens int `yaml:"conversation_tokens"`
	// Drain is how long calls under way may go on when the program is told to stop. Default 30s.
	Drain time.Duration `yaml:"drain"`
	// Unpriced is what becomes of a call whose cost nobody can tell, where a budget is set: refuse or allow. Default refuse.
	Unpriced string `yaml:"unpriced"`
	// SnapshotEvery is how many events lie between two snapshots of the read models. Default 32768.
	SnapshotEvery int          `yaml:"snapshot_every"`
	Policy        policyConfig `yaml:"policy"`
	Slack         slackConfig  `yaml:"slack"`
	// Phrasing and Writer are refused: they are among Roles.
	Phrasing any `yaml:"phrasing"`
	Writer   any `yaml:"writer"`
	// Targets are what is wanted of the figures in reports.
	Targets targetsConfig `yaml:"targets"`
	// Triggers start runs by a clock or by deliveries, by name.
	Triggers map[string]triggerConfig `yaml:"triggers"`
	// MCP are the MCP servers whose tools agents can be granted, by the names that those tools begin with.
	MCP map[string]mcpConfig `yaml:"mcp"`
}

// policyConfig is what people allow. See aggregates.Policy.
type policyConfig struct {
	Models         []string `yaml:"models"`
	MinTemperature float64  `yaml:"min_temperature"`
	MaxTemperature float64  `yaml:"max_temperature"`
	MaxTokens      int      `yaml:"max_tokens"`
	Tools          []string `yaml:"tools"`
	AskTools       []string `yaml:"ask_tools"`
	NeverTools     []string `yaml:"never_tools"`
	// FetchHosts are the hosts that the tool fetch may reach, and FetchNetworks the private networks that it may reach them in.
	FetchHosts    []string `yaml:"fetch_hosts"`
	FetchNetworks []string `yaml:"fetch_networks"`
	// ApproveWithin is how long a call of a tool waits for a person's approval before it is refused. Default 24h.
	ApproveWithin    time.Duration       `yaml:"approve_within"`
	SelfApproved     []events.ChangeKind `yaml:"self_approved"`
	Canary           []events.ChangeKind `yaml:"canary"`
	MaxSharePermille int                 `yaml:"max_share_permille"`
	// Changes say more closely, of agents and kinds of change, how far one goes without a person and who approves.
	Changes []changeRuleConfig `yaml:"changes"`
	// Approvers are those who may approve changes, such as user:anna. Default: every person.
	Approvers []string `yaml:"approvers"`
	// ExperimentLimit is what runs with what is tried may cost in a month, in dollars. Default: no bound.
	ExperimentLimit string `yaml:"experiment_limit"`
	// Specialists is how many agents may be there that were spawned by themselves for runs that no agent fit, default 0, and
	// SpecialistLimit what each may spend in a month, in dollars. Default: no bound of its own.
	Specialists     int    `yaml:"specialists"`
	SpecialistLimit string `yaml:"specialist_limit"`
	// ApproveGoalsAbove is what a goal's plan may cost, in dollars, without a person's approval: at 0 none that costs anything. Default: any.
	ApproveGoalsAbove string `yaml:"approve_goals_above"`
	// HeldOutPermille is the share of an agent's conversations that are told no known fix of an error. Default: 100 (10%); 0 tells all,
	// and then nobody knows what fixes prevent.
	HeldOutPermille *int `yaml:"held_out_permille"`
	// HoldbackPermille is the share of the runs that stay on an agent as a person made it, where improvements have changed it
	// since. Default 50; 0 is none.
	HoldbackPermille *int `yaml:"holdback_permille"`
	// JudgedWithin is how long runs of an experiment that have ended wait for a verdict before they count by how they ended.
	// Default: they don't wait, or an hour where slack.reviews puts runs before people.
	JudgedWithin time.Duration `yaml:"judged_within"`
}

// changeRuleConfig is one of policy.changes. See events.ChangeRule.
type changeRuleConfig struct {
	Agents    []string            `yaml:"agents"`
	Kinds     []events.ChangeKind `yaml:"kinds"`
	May       events.Autonomy     `yaml:"may"`
	Approvers []string            `yaml:"approvers"`
}

// shareOr is a share as the orchestrator wants it: 0 for its default, less for none.
func shareOr(permille *int) int {
	switch {
	case permille == nil:
		return 0
	case *permille == 0:
		return -1
	}
	return *permille
}

func (p policyConfig) policy() aggregates.Policy {
	limit, _ := events.ParseUSD(cmp.Or(p.SpecialistLimit, "0")) // mistake has looked at both
	experiments, _ := events.ParseUSD(cmp.Or(p.ExperimentLimit, "0"))
	var changes []events.ChangeRule
	for _, c := range p.Changes {
		changes = append(changes, events.ChangeRule(c))
	}
	var above *events.Nanos
	if n, err := events.ParseUSD(p.ApproveGoalsAbove); err == nil && p.ApproveGoalsAbove != "" {
		above = &n
	}
	return aggregates.Policy{
		GoalNanos: above, Changes: changes, Approvers: p.Approvers, ExperimentNanos: experiments,
		Models: p.Models, MinTemperature: p.MinTemperature, MaxTemperature: p.MaxTemperature, MaxTokens: p.MaxTokens,
		JudgedWithin: int64(p.JudgedWithin.Seconds()), Specialists: p.Specialists, SpecialistNanos: limit,
		Tools: p.Tools, AskTools: p.AskTools, NeverTools: p.NeverTools, FetchHosts: p.FetchHosts, FetchNetworks: p.FetchNetworks, SelfApproved: p.SelfApproved, Canary: p.Canary, MaxShare: p.MaxSharePermille,
	}
}

func (c config) user() string {
	if c.User != "" {
		return c.User
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return cmp.Or(os.Getenv("USER"), "unknown")
}

// configure reads the configuration file. One that was named must be there; one that does not parse stops the start
// with its line and key.
func (a *app) configure() error {
	path, named := a.flags.Config, a.flags.Config != ""
	if !named {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil // no home, no file
		}
		path = filepath.Join(dir, "virtuous6", "config.yaml")
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil
	}
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	key, says := "", "it should be "+valueOf(reflect.TypeFor[time.Duration]())
	if err := yaml.UnmarshalWithOptions(data, &a.config, yaml.Strict()); err != nil {
		if key = notDuration(data); key == "" {
			return fmt.Errorf("configuration %s%s", path, misconfigured(data, err))
		}
	} else {
		key, says = a.config.mistake()
	}
	if key != "" {
		return fmt.Errorf("configuration %s: %s: %s", at(path, data, key), key, says)
	}
	if p := &a.config.Policy; a.config.Slack.Reviews != "" && p.JudgedWithin == 0 {
		p.JudgedWithin = reviewedWithin
	}
	return a.config.from(filepath.Dir(path))
}

// reviewedWithin is how long runs wait for what reviewers say, which would come too late to decide an experiment else.
const reviewedWithin = time.Hour

// from makes what is told relative to the configuration file's folder absolute: where the program is started must not matter.
func (c *config) from(folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	for _, address := range []*string{&c.Store, &c.ReadModels, &c.Keys} {
		if path, file := strings.CutPrefix(*address, "sqlite:"); file && path != "" && !filepath.IsAbs(path) {
			*address = "sqlite:" + filepath.Join(folder, path)
		}
	}
	if c.Prices != "" && !filepath.IsAbs(c.Prices) {
		c.Prices = filepath.Join(folder, c.Prices)
	}
	return nil
}

// misconfigured tells the line and the key of a mistake in the configuration, and no value: one may hold a password.
func misconfigured(data []byte, err error) string {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return ": " + yaml.FormatError(err, false, false)
	}
	line := at.GetToken().Position.Line
	says := at.GetMessage()
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		says = "it should be " + valueOf(wrong.DstType)
	}
	key := ""
	if lines := bytes.Split(data, []byte("\n")); line >= 1 && line <= len(lines) {
		if found := keyOf.FindSubmatch(lines[line-1]); found != nil {
			key = string(found[1]) + ": "
		}
	}
	return fmt.Sprintf(":%d: %s%s", line, key, says)
}

// keyOf finds the key that a line of YAML begins with.
var keyOf = regexp.MustCompile(`^\s*([a-z_]+)\s*:`)

// valueOf names the values of a type as they are written.
func valueOf(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration, such as 30s or 6h"
	case t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		return "keys with values, indented below it"
	}
	return "a number"
}
