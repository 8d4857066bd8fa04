package main

import (
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// A rule that can't be held stops the start, with its key.
func TestRulesForChangesAreChecked(t *testing.T) {
	t.Parallel()
	rule := func(may events.Autonomy, kinds ...events.ChangeKind) policyConfig {
		return policyConfig{Changes: []changeRuleConfig{{Kinds: kinds, May: may}}}
	}
	for name, tt := range map[string]struct {
		policy policyConfig
		key    string
	}{
		"of some kinds":               {rule(events.MayTry, events.ChangePrompt), ""},
		"of all kinds":                {rule(events.MayPromote), ""},
		"a kind that is none":         {rule(events.MayPropose, "colour"), "policy.changes"},
		"it says nothing":             {rule("", events.ChangePrompt), "policy.changes"},
		"what can't be tried":         {rule(events.MayTry, events.ChangeWorkflow), "policy.changes"},
		"dollars":                     {policyConfig{ExperimentLimit: "20.00"}, ""},
		"no dollars":                  {policyConfig{ExperimentLimit: "much"}, "policy.experiment_limit"},
		"none, which is not no bound": {policyConfig{ExperimentLimit: "0"}, "policy.experiment_limit"},
	} {
		c := config{Policy: tt.policy}
		if key, says := c.mistake(); key != tt.key {
			t.Errorf("%s: %s: %s, want %q", name, key, says, tt.key)
		}
	}
	for team, want := range map[string]string{"T024BE7LD": "", "shop": "slack.teams"} {
		c := config{Slack: slackConfig{Teams: map[string]string{team: "shop"}}}
		if key, _ := c.mistake(); key != want {
			t.Errorf("%s: %q", team, key)
		}
	}
	if got := (policyConfig{ExperimentLimit: "20.00"}).policy().ExperimentNanos; got != 20e9 {
		t.Errorf("20 dollars are %d nanos", got)
	}
}

// What reviewers say decides experiments: runs wait for it, as long as the configuration says.
func TestRunsWaitForReviewers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"slack:\n  reviews: C1\n": time.Hour, "slack:\n  reviews: C1\npolicy:\n  judged_within: 5m\n": 5 * time.Minute, "slack:\n  proposals: C1\n": 0,
	} {
		a := &app{flags: &verbs{Config: write(t, t.TempDir(), "config.yaml", text)}}
		if err := a.configure(); err != nil || a.config.Policy.policy().JudgedWithin != int64(want.Seconds()) {
			t.Errorf("%q: %s, %v", text, a.config.Policy.JudgedWithin, err)
		}
	}
}
