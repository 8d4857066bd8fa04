package aggregates

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Policy is what people allow. It is checked in the deciders, so that no analyst, model or door can go around it.
// The zero value allows every model, temperatures from 0 to 2, and no change without a person's approval.
type Policy struct {
	// Models are the only models an agent may be configured with, empty for all.
	Models []string
	// MinTemperature and MaxTemperature bound the sampling temperature. Default 0 and 2.
	MinTemperature float64
	MaxTemperature float64
	// MaxTokens bounds an agent's answer in tokens, 0 for no bound.
	MaxTokens int
	// Tools are those that an agent may be granted. Default: DefaultTools. AskTools are those of them of which each call
	// needs a person's approval. A name that ends in * is all that begin so.
	Tools    []string
	AskTools []string
	// NeverTools are those that nobody calls, whatever Tools says.
	NeverTools []string
	// FetchHosts are the hosts that the tool fetch may reach, and FetchNetworks the private networks that it may reach them in.
	// Default none.
	FetchHosts, FetchNetworks []string
	// SelfApproved are the kinds of change that need no person.
	SelfApproved []events.ChangeKind
	// Canary are the kinds of change that are tried on a part of the runs first where a person approves them. What no person
	// approved always is.
	Canary []events.ChangeKind
	// MaxShare is how far a change may go without a person's approval, in permille of the traffic. Default 0.
	MaxShare int
	// Changes say more closely, of agents and kinds, what needs no person and who may approve: the first that fits holds, where none
	// does SelfApproved, MaxShare and Approvers.
	Changes []events.ChangeRule
	// Approvers may approve changes, have them tried and promote them. Default: every person.
	Approvers []string
	// ExperimentNanos is what runs with what is tried may cost in a month, 0 for no bound.
	ExperimentNanos events.Nanos
	// Specialists is how many agents may be there that were spawned by themselves for runs that no agent fit. Default none.
	// SpecialistNanos is what each may spend in a month, 0 for no bound of its own.
	Specialists     int
	SpecialistNanos events.Nanos
	// GoalNanos is what a goal's plan may be estimated at without a person's approval, nil for any estimate.
	GoalNanos *events.Nanos
	// JudgedWithin is how long in seconds runs of an experiment wait for a verdict where its plan does not say. Default: for none.
	JudgedWithin int64
}

// DefaultTools may be granted where a policy does not say which: they reach nothing.
func DefaultTools() []string { return []string{"calculate", "clock"} }

// Policies gives the policy of a workspace.
type Policies func(workspace string) Policy

// Everywhere is one policy for all workspaces.
func Everywhere(p Policy) Policies { return func(string) Policy { return p } }

// Fact is what the log tells of a policy.
func (p Policy) Fact() events.PolicySet {
	return events.PolicySet{
		Models: p.Models, MinTemperature: p.MinTemperature, MaxTemperature: p.MaxTemperature, MaxTokens: p.MaxTokens,
		Specialists: p.Specialists, SpecialistNanos: p.SpecialistNanos, GoalNanos: p.GoalNanos, Changes: p.Changes, Approvers: p.Approvers, ExperimentNanos: p.ExperimentNanos,
		Tools: p.grantable(), AskTools: p.AskTools, NeverTools: p.NeverTools, FetchHosts: p.FetchHosts, FetchNetworks: p.FetchNetworks, SelfApproved: p.SelfApproved, Canary: p.Canary, MaxShare: p.MaxShare,
	}
}

// ToolRule is what a policy says of calls of a tool.
type ToolRule string

// The rules. A tool that may not be granted is never called, however an agent came by it.
const (
	ToolFree  ToolRule = "free"
	ToolAsks  ToolRule = "asks"
	ToolNever ToolRule = "never"
)

// Tool is what the policy says of calls of a tool.
func (p Policy) Tool(tool string) ToolRule {
	switch {
	// What loads a skill comes with the skills, and reaches nothing else.
	case !named(p.grantable(), tool) && tool != events.LoadSkill || named(p.NeverTools, tool):
		return ToolNever
	case named(p.AskTools, tool):
		return ToolAsks
	}
	return ToolFree
}

// named tells whether a tool is one of those that a policy names.
func named(patterns []string, tool string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		beginning, all := strings.CutSuffix(pattern, "*")
		return pattern == tool || all && strings.HasPrefix(tool, beginning)
	})
}

func (p Policy) grantable() []string {
	if p.Tools == nil {
		return DefaultTools()
	}
	return p.Tools
}

// policy notes which policy the deciders go by.
func policy() Decider[events.PolicySet, commands.Policy, events.Policy] {
	return Decider[events.PolicySet, commands.Policy, events.Policy]{
		Initial: func() events.PolicySet { return events.PolicySet{} },
		Decide: func(c commands.Policy, s events.PolicySet) ([]events.Policy, error) {
			switch c := c.(type) {
			case commands.SetPolicy:
				if !finite(c.Policy.MinTemperature, c.Policy.MaxTemperature) {
					return nil, fmt.Errorf("%w: a temperature is not a number", ErrInvalid)
				}
				if reflect.DeepEqual(c.Policy, s) {
					return nil, nil
				}
				return []events.Policy{c.Policy}, nil
			}
			return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
		},
		Evolve: func(s events.PolicySet, e events.Policy) events.PolicySet {
			switch e := e.(type) {
			case events.PolicySet:
				s = e
			}
			return s
		},
	}
}

func (p Policy) allowsConfig(c events.AgentConfig) error {
	low, high := p.MinTemperature, p.MaxTemperature
	if high == 0 {
		high = 2
	}
	switch {
	case c.Model != "" && len(p.Models) > 0 && !slices.Contains(p.Models, c.Model):
		return fmt.Errorf("%w: model %q is not one of the allowed models %q", ErrPolicy, c.Model, p.Models)
	case c.Temperature != nil && !(*c.Temperature >= low && *c.Temperature <= high): // NaN is refused too
		return fmt.Errorf("%w: temperature %v is outside %v to %v", ErrPolicy, *c.Temperature, low, high)
	case c.API != "" && c.API != "chat" && c.API != "responses":
		return fmt.Errorf("%w: api %q is neither chat nor responses", ErrInvalid, c.API)
	case c.Effort != "" && !slices.Contains(events.Efforts(), c.Effort):
		return fmt.Errorf("%w: reasoning_effort %q is none of %q", ErrInvalid, c.Effort, events.Efforts())
	case len(c.Schema) > 0 && !json.Valid(c.Schema):
		return fmt.Errorf("%w: the schema of the answer is not JSON", ErrInvalid)
	case c.MaxTokens < 0:
		return fmt.Errorf("%w: max_tokens %d is negative", ErrInvalid, c.MaxTokens)
	case p.MaxTokens > 0 && c.MaxTokens > p.MaxTokens:
		return fmt.Errorf("%w: max_tokens %d is above %d", ErrPolicy, c.MaxTokens, p.MaxTokens)
	}
	for _, model := range c.Fallbacks {
		if model == "" || len(p.Models) > 0 && !slices.Contains(p.Models, model) {
			return fmt.Errorf("%w: the fallback %q is not one of the allowed models %q", ErrPolicy, model, p.Models)
		}
	}
	if err := checkSkills(c.Skills); err != nil {
		return err
	}
	if err := checkFixes(c.Fixes); err != nil {
		return err
	}
	if err := checkExamples(c.Examples); err != nil {
		return err
	}
	if err := checkLessons(c.Lessons); err != nil {
		return err
	}
	if err := checkRoutes(c.Routes); err != nil {
		return err
	}
	for _, tool := range c.Tools {
		switch {
		case named(p.NeverTools, tool):
			return fmt.Errorf("%w: the tool %q is one of those that nobody calls: `policy:` in the configuration names them under `never_tools`", ErrPolicy, tool)
		case p.Tool(tool) == ToolNever:
			return fmt.Errorf("%w: the tool %q is not one of those that may be granted, %q: `policy:` in the configuration names them under `tools`",
				ErrPolicy, tool, p.grantable())
		}
	}
	return nil
}

// maxFixes is how many fixes an agent has at most, and maxFixText how many bytes each of their texts.
const (
	maxFixes   = 100
	maxFixText = 2000
)

// maxExamples is how many runs an agent is shown at most: each is paid for with every call.
const maxExamples = 8

func checkExamples(examples []events.Example) error {
	if len(examples) > maxExamples {
		return fmt.Errorf("%w: an agent is shown at most %d examples, not %d", ErrInvalid, maxExamples, len(examples))
	}
	for i, e := range examples {
		if err := checkName("an example's run", e.Run); err != nil {
			return err
		}
		if slices.ContainsFunc(examples[:i], func(o events.Example) bool { return o.Run == e.Run }) {
			return fmt.Errorf("%w: run %s is an example twice", ErrInvalid, e.Run)
		}
	}
	return nil
}

// maxLessons is how many lessons an agent is told at most, and maxSaid how much is quoted in each of them, and in a fix.
const (
	maxLessons = 12
	maxSaid    = 5
)

func checkLessons(lessons []events.Lesson) error {
	if len(lessons) > maxLessons {
		return fmt.Errorf("%w: an agent is told at most %d lessons, not %d", ErrInvalid, maxLessons, len(lessons))
	}
	for i, l := range lessons {
		if err := checkName("a lesson's subject", l.Subject); err != nil {
			return err
		}
		if len(l.Said) == 0 {
			return fmt.Errorf("%w: a lesson names one to %d pieces of feedback, not 0", ErrInvalid, maxSaid)
		}
		if err := checkSaid("a lesson", l.Said); err != nil {
			return err
		}
		if slices.ContainsFunc(lessons[:i], func(o events.Lesson) bool { return o.Subject == l.Subject }) {
			return fmt.Errorf("%w: there are two lessons on %s", ErrInvalid, l.Subject)
		}
	}
	return nil
}

func checkSaid(of string, said []events.Saying) error {
	if n := len(said); n > maxSaid {
		return fmt.Errorf("%w: %s names one to %d pieces of feedback, not %d", ErrInvalid, of, maxSaid, n)
	}
	for _, s := range said {
		if err := checkName(of+"'s feedback", s.Feedback); err != nil {
			return err
		}
	}
	return nil
}

func checkFixes(fixes []events.Fix) error {
	if len(fixes) > maxFixes {
		return fmt.Errorf("%w: an agent has at most %d fixes, not %d", ErrInvalid, maxFixes, len(fixes))
	}
	for _, f := range fixes {
		if strings.TrimSpace(f.Error) == "" || strings.TrimSpace(f.Do) == "" && len(f.Said) == 0 || len(f.Error) > maxFixText || len(f.Do) > maxFixText {
			return fmt.Errorf("%w: a fix says with `error` what the error says and with `do` what to do, each in at most %d bytes, or with `said` where people wrote that", ErrInvalid, maxFixText)
		}
		if err := checkSaid("a fix", f.Said); err != nil {
			return err
		}
		if strings.ContainsFunc(f.ID, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) }) || len(f.ID) > 64 {
			return fmt.Errorf("%w: %q is no error's fingerprint: `virtuous6 errors` tells them", ErrInvalid, f.ID)
		}
	}
	return nil
}
