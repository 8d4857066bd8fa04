package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// mistake finds the first value of the configuration that can't be meant, by its key.
func (c *config) mistake() (key, says string) {
	p := c.Policy
	wrongStore, wrongModels, wrongKeys := "", "", ""
	if c.Store != "" {
		_, wrongStore = readAddress(c.Store)
	}
	if c.ReadModels != "" {
		_, wrongModels = readModelsAddress(c.ReadModels)
	}
	if c.Keys != "" {
		_, wrongKeys = readKeysAddress(c.Keys)
	}
	server, wrongServer := "", ""
	for _, name := range slices.Sorted(maps.Keys(c.MCP)) {
		if err := c.MCP[name].of(name).Check(); err != nil {
			server, wrongServer = name, err.Error()
		}
	}
	_, wrongMorning := c.Slack.morning()
	role, wrongRole := c.wrongRole()
	above, wrongAbove := events.ParseUSD(cmp.Or(p.ApproveGoalsAbove, "0"))
	specialistLimit, wrongLimit := events.ParseUSD(cmp.Or(p.SpecialistLimit, "0"))
	experimentLimit, wrongExperiments := events.ParseUSD(cmp.Or(p.ExperimentLimit, "0"))
	unknown := slices.IndexFunc(p.SelfApproved, func(k events.ChangeKind) bool { return !slices.Contains(events.ChangeKinds(), k) })
	untried := slices.IndexFunc(p.Canary, func(k events.ChangeKind) bool { return !k.Triable() })
	for _, rule := range []struct {
		key    string
		broken bool
		says   string
	}{
		{"store", wrongStore != "", wrongStore},
		{"read_models", wrongModels != "", wrongModels},
		{"keys", wrongKeys != "", wrongKeys},
		{"api", !slices.Contains([]string{"", agents.ChatAPI, agents.ResponsesAPI}, c.API), "it should be chat or responses"},
		{"log_level", !slices.Contains([]string{"", "debug", "info", "warn", "error"}, c.LogLevel), "it should be debug, info, warn or error"},
		{"log_format", !slices.Contains([]string{"", "text", "json"}, c.LogFormat), "it should be text or json"},
		{"slack.reviewers", c.Slack.Reviewers < 0 || c.Slack.Reviewers > 20, "it should be 1 to 20 people for each run"},
		{"slack.teams", slices.ContainsFunc(slices.Collect(maps.Keys(c.Slack.Teams)), func(id string) bool { return !team.MatchString(id) || strings.TrimSpace(c.Slack.Teams[id]) == "" }),
			"it should be ids of teams in Slack with a workspace each, such as T0123ABCD: shop"},
		{"slack", wrongMorning != nil, fmt.Sprint(wrongMorning)},
		{"phrasing", c.Phrasing != nil, "it stands under `roles:`, as roles.phrasing, with the same model, limit and period"},
		{"writer", c.Writer != nil, "it stands under `roles:`, as roles.writer, with the same model, limit, period and every"},
		{"timeout", c.Timeout < 0, "it should be a duration, such as 2m"},
		{"analysts", slices.ContainsFunc(slices.Collect(maps.Keys(c.Analysts)), func(n string) bool { return !slices.Contains(analystNames(), n) || c.Analysts[n] < 0 }),
			fmt.Sprintf("its keys are %s, each with a duration, such as 1h, or 0s for never", strings.Join(analystNames(), ", "))},
		{role, wrongRole != "", wrongRole},
		{"lease", c.Lease != nil && (*c.Lease < shortestLease || *c.Lease > readmodel.MaxLease), fmt.Sprintf("it should be %s to %s", shortestLease, readmodel.MaxLease)},
		{"turns", c.Turns < 0, "it should be a number of calls"},
		{"model_calls", slices.ContainsFunc(slices.Collect(maps.Values(c.ModelCalls)), func(n int) bool { return n < 1 }), "it should be models with a number of calls each, such as gpt-6-luna: 8"},
		{"stall_after", c.StallAfter < 0, "it should be a duration, such as 30m"},
		{"rest_after", c.RestAfter < 0, "it should be a duration, such as 24h"},
		{"conversation_tokens", c.ConversationTokens < 0 || c.ConversationTokens > 1_000_000, "it should be a number of tokens up to 1000000"},
		{"live_agents", c.LiveAgents < 0, "it should be a number of agents"},
		{"drain", c.Drain < 0, "it should be a duration, such as 30s"},
		{"erasable", !slices.Contains([]string{"", "slack", "all"}, c.Erasable), "it should be slack or all"},
		{"unpriced", !slices.Contains([]string{"", "refuse", "allow"}, c.Unpriced), "it should be refuse or allow"},
		{"snapshot_every", c.SnapshotEvery < 0, "it should be a number of events"},
		{"mcp." + server, wrongServer != "", wrongServer},
		{"policy.min_temperature", !(p.MinTemperature >= 0 && p.MinTemperature <= 2), "it should be 0 to 2"},
		{"policy.max_temperature", !(p.MaxTemperature >= 0 && p.MaxTemperature <= 2), "it should be 0 to 2"},
		{"policy.max_temperature", p.MaxTemperature > 0 && p.MaxTemperature < p.MinTemperature, "it should not be below min_temperature"},
		{"policy.max_tokens", p.MaxTokens < 0, "it should be a number of tokens, or 0 for no bound"},
		{"policy.approve_within", p.ApproveWithin < 0, "it should be a duration, such as 24h"},
		{"policy.fetch_hosts", slices.ContainsFunc(p.FetchHosts, func(h string) bool { return !agents.FetchHost(h) }),
			"it should be names of hosts in small letters, such as docs.example.com, *.example.com, wiki.local:8080, or * for all that are public"},
		{"policy.fetch_networks", !networks(p.FetchNetworks), "it should be networks, such as 10.1.0.0/16"},
		{"policy.self_approved", unknown >= 0, fmt.Sprintf("its kinds are %q", events.ChangeKinds())},
		{"policy.canary", untried >= 0, fmt.Sprintf("its kinds are those that can be tried: %q", triable())},
		{"policy.specialists", p.Specialists < 0, "it should be a number of agents, or 0 for none"},
		{"policy.specialist_limit", wrongLimit != nil || specialistLimit < 0, "it should be dollars, such as 2.50"},
		{"policy.changes", slices.ContainsFunc(p.Changes, wrongRule), fmt.Sprintf("each says with `may` propose, canary or promote; its kinds are %q, for canary %q", events.ChangeKinds(), triable())},
		{"policy.experiment_limit", wrongExperiments != nil || p.ExperimentLimit != "" && experimentLimit <= 0, "it should be dollars, such as 20.00; left out it is no bound"},
		{"policy.approve_goals_above", wrongAbove != nil || above < 0, "it should be dollars, such as 2.50"},
		{"policy.judged_within", p.JudgedWithin < 0, "it should be a duration, such as 1h"},
		{"policy.held_out_permille", p.HeldOutPermille != nil && (*p.HeldOutPermille < 0 || *p.HeldOutPermille > 500), "it should be 0 to 500"},
		{"policy.holdback_permille", p.HoldbackPermille != nil && (*p.HoldbackPermille < 0 || *p.HoldbackPermille > 500), "it should be 0 to 500"},
		{"policy.max_share_permille", p.MaxSharePermille < 0 || p.MaxSharePermille > 1000, "it should be 0 to 1000"},
	} {
		if rule.broken {
			return rule.key, rule.says
		}
	}
	return c.Targets.mistake()
}

// team is the id of a team in Slack.
var team = regexp.MustCompile(`^[TE][A-Z0-9]+$`)

// triable are the kinds of change that can be tried on a part of the runs.
func triable() []events.ChangeKind {
	return slices.DeleteFunc(events.ChangeKinds(), func(k events.ChangeKind) bool { return !k.Triable() })
}

// wrongRule tells of a rule for changes that it can't be held.
func wrongRule(r changeRuleConfig) bool {
	return !slices.Contains([]events.Autonomy{events.MayPropose, events.MayTry, events.MayPromote}, r.May) ||
		slices.ContainsFunc(r.Kinds, func(k events.ChangeKind) bool {
			return !slices.Contains(events.ChangeKinds(), k) || r.May == events.MayTry && !k.Triable()
		})
}

// networks tells whether each of a list is one.
func networks(list []string) bool {
	return !slices.ContainsFunc(list, func(network string) bool {
		_, err := netip.ParsePrefix(network)
		return err != nil
	})
}

// analystNames are those of all analysts.
func analystNames() []string {
	var names []string
	for _, r := range analysts.All() {
		names = append(names, r.Name)
	}
	return names
}

// scheduled are the analysts with their pace: all at one where it is given, else each at its own.
func (c *config) scheduled(all *time.Duration) []analysts.Runner {
	runners := analysts.All()
	for i := range runners {
		r := &runners[i]
		if every, ok := c.Analysts[r.Name]; ok {
			r.Every = every
		}
		if all != nil {
			r.Every = *all
		}
	}
	return runners
}

// notDuration finds the first key whose value is no duration: what is told of those by the decoder has no place.
func notDuration(data []byte) (key string) {
	var raw struct {
		Timeout    string            `yaml:"timeout"`
		Lease      string            `yaml:"lease"`
		StallAfter string            `yaml:"stall_after"`
		RestAfter  string            `yaml:"rest_after"`
		Drain      string            `yaml:"drain"`
		Analysts   map[string]string `yaml:"analysts"`
		Roles      map[string]struct {
			Every string `yaml:"every"`
		} `yaml:"roles"`
		Policy struct {
			ApproveWithin string `yaml:"approve_within"`
			JudgedWithin  string `yaml:"judged_within"`
		} `yaml:"policy"`
		MCP map[string]struct {
			Timeout string `yaml:"timeout"`
		} `yaml:"mcp"`
	}
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return ""
	}
	durations := [][2]string{{"timeout", raw.Timeout}, {"lease", raw.Lease}, {"stall_after", raw.StallAfter}, {"rest_after", raw.RestAfter}, {"drain", raw.Drain}, {"policy.approve_within", raw.Policy.ApproveWithin}, {"policy.judged_within", raw.Policy.JudgedWithin}}
	for _, name := range slices.Sorted(maps.Keys(raw.MCP)) {
		durations = append(durations, [2]string{"mcp." + name + ".timeout", raw.MCP[name].Timeout})
	}
	for _, name := range slices.Sorted(maps.Keys(raw.Analysts)) {
		durations = append(durations, [2]string{"analysts." + name, raw.Analysts[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(raw.Roles)) {
		durations = append(durations, [2]string{"roles." + name + ".every", raw.Roles[name].Every})
	}
	for _, d := range durations {
		if _, err := time.ParseDuration(d[1]); d[1] != "" && err != nil {
			return d[0]
		}
	}
	return ""
}

// at tells where in a file a key is, such as policy.max_tokens.
func at(path string, data []byte, key string) string {
	keys, err := yaml.PathString("$." + key)
	if err != nil {
		return path
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return path
	}
	value, err := keys.FilterFile(file)
	if err != nil {
		return path
	}
	return fmt.Sprintf("%s:%d", path, value.GetToken().Position.Line)
}
