package events

import "time"

// Signature is how the deliveries of a webhook are signed.
type Signature string

// The closed vocabulary of signatures.
const (
	// StandardWebhooks is that of standardwebhooks.com: id, time and body, with HMAC-SHA256.
	StandardWebhooks Signature = "standard"
	// GitHubWebhooks is GitHub's: the body alone, with HMAC-SHA256.
	GitHubWebhooks Signature = "github"
)

// Signatures are all there are.
var Signatures = []Signature{StandardWebhooks, GitHubWebhooks}

// TriggerSet is what starts runs by itself from then on: a clock, or what somebody delivers. It takes the place of what the
// trigger was before.
type TriggerSet struct {
	Trigger string `json:"trigger"`
	// Cron is when it ticks: the five fields of cron, or a word such as @daily, in the time zone Zone, which is UTC by default.
	Cron string `json:"cron,omitempty"`
	Zone string `json:"zone,omitempty"`
	// Webhook is how its deliveries are signed, with the secret that the environment variable Secret holds.
	Webhook Signature `json:"webhook,omitempty"`
	Secret  string    `json:"secret_env,omitempty"`
	// Prompt is what is asked. Of a delivery {{member.of.it}} is put in.
	Prompt string `json:"prompt"`
	// Agent is who is asked, empty for whoever fits best. Workflow is that of its runs.
	Agent    string `json:"agent,omitempty"`
	Workflow string `json:"workflow,omitempty"`
	// Goal tells that goals are started in place of runs.
	Goal bool `json:"goal,omitempty"`
	// Configured tells that it stands in the configuration, and goes with it.
	Configured bool `json:"configured,omitempty"`
}

// TriggerRemoved ends a trigger. What it started goes on.
type TriggerRemoved struct {
	Reason string `json:"reason,omitempty"`
}

// TimerFired tells what came of a tick of a trigger's clock. Each tick comes to one such fact at most, whoever drives.
type TimerFired struct {
	Trigger string `json:"trigger"`
	// Tick is the moment that the clock stood for, which the fact may come long after.
	Tick time.Time `json:"tick"`
	// Missed counts the ticks before it for which nobody was there, and for which nothing was started.
	Missed int `json:"missed,omitempty"`
	// Run is what was started: a run, or a goal. Without one, Error tells why nothing was.
	Run   string `json:"run,omitempty"`
	Error string `json:"error,omitempty"`
}

// TriggerRequester is who asks for what a trigger starts.
func TriggerRequester(trigger string) string { return "trigger:" + trigger }

func (TriggerSet) Kind() string     { return "trigger.set" }
func (TriggerRemoved) Kind() string { return "trigger.removed" }
func (TimerFired) Kind() string     { return "timer.fired" }

func (TriggerSet) trigger()     {}
func (TriggerRemoved) trigger() {}
func (TimerFired) timer()       {}
