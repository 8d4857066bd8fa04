package events

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Assistant is the agent that is there from the start, and answers where no other one is named or fits.
const Assistant = "assistant"

// AgentOfHistory is what an agent of an imported history is called: its name and its source, as in "clerk (langfuse)", so
// that it is never taken for a live one of that name. One that is called so already stays as it is.
func AgentOfHistory(name, source string) string {
	if source == "" || name == "" || strings.HasSuffix(name, " ("+source+")") {
		return name
	}
	return name + " (" + source + ")"
}

// CutSource is the inverse of AgentOfHistory: the name and the source. The source is empty for what has none, and no live agent
// is made under a name that has one.
func CutSource(agent string) (name, source string) {
	if at := strings.LastIndex(agent, " ("); at > 0 && strings.HasSuffix(agent, ")") {
		return agent[:at], agent[at+2 : len(agent)-1]
	}
	return agent, ""
}

// AgentConfig is what an agent is made of. Money, prompts and tools are data: a policy in the aggregate decides what
// is allowed.
type AgentConfig struct {
	Model string `json:"model,omitempty"`
	// Fallbacks are the models that are asked where that one does not answer, in their order.
	Fallbacks []string `json:"fallbacks,omitempty"`
	Prompt    string   `json:"prompt,omitempty"`
	// Temperature is the sampling temperature, nil for the provider's default.
	Temperature *float64 `json:"temperature,omitempty"`
	// Schema is the JSON Schema that an answer has to satisfy, empty for none.
	Schema json.RawMessage `json:"schema,omitempty"`
	// MaxTokens bounds an answer, 0 for the provider's default.
	MaxTokens int `json:"max_tokens,omitempty"`
	// Effort is how much the model thinks before it answers, one of Efforts, empty for the provider's default.
	Effort string `json:"reasoning_effort,omitempty"`
	// API is how the model is asked: "chat" or "responses", empty for what the model needs.
	API   string   `json:"api,omitempty"`
	Tools []string `json:"tools,omitempty"`
	// Skills are told to the model by name and description. Their texts it gets by LoadSkill.
	Skills []SkillRef `json:"skills,omitempty"`
	// Fixes are known for errors that its tools may give. It is told them when it meets one.
	Fixes []Fix `json:"fixes,omitempty"`
	// Examples are runs whose question and answer it is shown before what it is asked.
	Examples []Example `json:"examples,omitempty"`
	// Lessons are what people ask for in its answers, which it is told.
	Lessons []Lesson `json:"lessons,omitempty"`
	// Of are the people whose words it is told, where it was made from a workflow of theirs: with any of them it is forgotten.
	Of []string `json:"of,omitempty"`
	// Routes pass on what it would be asked to others.
	Routes []Route `json:"routes,omitempty"`
}

// Lesson is what people ask for in an agent's answers again and again. Their words stay where they said them, and are read there: with whoever
// said them they go.
type Lesson struct {
	// Subject is the word that their wishes share, or two that follow one another.
	Subject string `json:"subject"`
	// Said is what some of them said.
	Said []Saying `json:"said"`
}

// Saying is a feedback, the run that it is about, and who gave it.
type Saying struct {
	Feedback string `json:"feedback"`
	Run      string `json:"run"`
	User     string `json:"user,omitempty"`
}

// Example is a run that is shown as an example. Its words stay where they are, and are read there: with whoever said them they go.
type Example struct {
	Run string `json:"run"`
	// Requester is whose words it holds.
	Requester string `json:"requester,omitempty"`
}

// Fix is what to do about a known error of a tool.
type Fix struct {
	// ID is the error's fingerprint, as the analyst of errors tells it.
	ID string `json:"id,omitempty"`
	// Error is what it says, with blanks.
	Error string `json:"error"`
	// Tool is the one that gives it, empty for any.
	Tool string `json:"tool,omitempty"`
	// Do is what the agent is told, empty where that is what people wrote alone.
	Do string `json:"instruction"`
	// Said is what some people wrote of what to do. Their words stay where they wrote them, and are read there, as with lessons.
	Said []Saying `json:"said,omitempty"`
	// Of are the people whose words Error holds, where it was met for one or two alone: with any of them it is forgotten.
	Of []string `json:"of,omitempty"`
}

// Name is what counts of the fix go by: the error's fingerprint, or one of its words where a person wrote them.
func (f Fix) Name() string {
	if f.ID != "" {
		return f.ID
	}
	digest := sha256.Sum256([]byte(f.Tool + "\x00" + f.Error))
	return hex.EncodeToString(digest[:6])
}

// With is a configuration with what a change of a kind is about from another one, and all the rest as it is. ok is false for kinds that
// configure nothing.
func (c AgentConfig) With(kind ChangeKind, to AgentConfig) (with AgentConfig, ok bool) {
	switch kind {
	case ChangeModel:
		// How a model is asked goes with the model.
		c.Model, c.API = to.Model, to.API
	case ChangeTemperature:
		c.Temperature = to.Temperature
	case ChangePrompt:
		c.Prompt = to.Prompt
	case ChangeTools:
		c.Tools = to.Tools
	case ChangeTokenLimit:
		c.MaxTokens = to.MaxTokens
	case ChangeSkills:
		c.Skills = to.Skills
	case ChangeEffort:
		c.Effort = to.Effort
	case ChangeFormat:
		c.Schema = to.Schema
	case ChangeExamples:
		c.Examples = to.Examples
	case ChangeLessons:
		// As with fixes.
		for _, l := range to.Lessons {
			c.Lessons = append(slices.DeleteFunc(slices.Clone(c.Lessons), func(o Lesson) bool { return o.Subject == l.Subject }), l)
		}
	case ChangeFallbacks:
		c.Fallbacks = to.Fallbacks
	case ChangeRouting, ChangeSpawn, ChangeSplit, ChangeMerge, ChangeRetire:
		c.Routes = passedOn(c.Routes, to.Routes)
	case ChangeFixes:
		// Each comes by itself, from evidence of its own: what is known already stays.
		for _, fix := range to.Fixes {
			c.Fixes = append(slices.DeleteFunc(slices.Clone(c.Fixes), func(f Fix) bool { return f.Name() == fix.Name() && f.Tool == fix.Tool }), fix)
		}
	default:
		return c, false
	}
	return c, true
}

// Efforts are the words for how much a model thinks, from the least. Which of them a model takes, its provider says.
func Efforts() []string { return []string{"none", "minimal", "low", "medium", "high", "xhigh"} }

// AgentSpawned is the first sight of an agent: someone made it, or history names it.
type AgentSpawned struct {
	Agent  string      `json:"agent"`
	Role   string      `json:"role,omitempty"`
	Config AgentConfig `json:"config"`
	// Imported tells that the agent is only known from history. Its name is that of AgentOfHistory; in logs of before the
	// first release it lacks the source, which the envelope's actor tells.
	Imported bool `json:"imported,omitempty"`
	// Author is who made it, such as "user:anna".
	Author string `json:"author,omitempty"`
	// Specialist is why it was spawned by itself, nil where somebody made it.
	Specialist *Specialist `json:"specialist,omitempty"`
}

// Specialist is why an agent was spawned by itself: a run named nobody, and nobody fit.
type Specialist struct {
	Run string `json:"run"`
	// Template is what it was made from: "template:translator", or "runbook:refund".
	Template string `json:"template"`
	// Number counts the specialists of the workspace that there are with it.
	Number int    `json:"number"`
	Reason string `json:"reason"`
	// By is the agent whose run asked, empty where a person or a program did, and Depth how many were spawned one for another, with it.
	By    string `json:"by,omitempty"`
	Depth int    `json:"depth,omitempty"`
	// DraftedBy is the model that wrote its prompt, empty where that is the template's as it is. Undrafted is why, where a model
	// was asked.
	DraftedBy string `json:"drafted_by,omitempty"`
	Undrafted string `json:"undrafted,omitempty"`
	// Of are the people whose words Reason holds, where it was made from a workflow of theirs.
	Of []string `json:"of,omitempty"`
}

// AgentConfigured is another version of an agent: a configuration in place of the one before. Versions are numbered from 1,
// which is what it was spawned with.
type AgentConfigured struct {
	Config AgentConfig `json:"config"`
	// Role is what it is there for from then on, empty where that stays.
	Role string `json:"role,omitempty"`
	// Author is who made it, such as "user:anna", and Reason why, in the author's words.
	Author string `json:"author,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Of are the people whose words Reason holds, where what asked for it has them.
	Of []string `json:"of,omitempty"`
	// Improvement is the id of what asked for it, if one did.
	Improvement string `json:"improvement,omitempty"`
	// Restores is the earlier version that it takes the agent back to, 0 where it is a new one, and RollsBack the
	// improvements that the agent is without from then on.
	Restores  int      `json:"restores,omitempty"`
	RollsBack []string `json:"rolls_back,omitempty"`
	// Proof is what taking it back rests on, nil where a person did.
	Proof *Proof `json:"proof,omitempty"`
}

// AgentRetired ends an agent: it takes no more runs.
type AgentRetired struct {
	Reason string `json:"reason,omitempty"`
}

// AgentRested lays an agent to rest that nobody has asked for long. It is woken on demand.
type AgentRested struct {
	// Since is when it was asked or changed last.
	Since time.Time `json:"since"`
}

// AgentWoken wakes an agent that rested, since it is asked.
type AgentWoken struct {
	// Run is what it is asked.
	Run string `json:"run"`
}

// AgentAdopted says that an agent known from history is the same as a live one: what is found out about it may be used
// for that one.
type AgentAdopted struct {
	// As is the live agent.
	As string `json:"as"`
}

func (AgentAdopted) Kind() string    { return "agent.adopted" }
func (AgentSpawned) Kind() string    { return "agent.spawned" }
func (AgentConfigured) Kind() string { return "agent.configured" }
func (AgentRetired) Kind() string    { return "agent.retired" }
func (AgentRested) Kind() string     { return "agent.rested" }
func (AgentWoken) Kind() string      { return "agent.woken" }

func (AgentAdopted) agent()    {}
func (AgentSpawned) agent()    {}
func (AgentConfigured) agent() {}
func (AgentRetired) agent()    {}
func (AgentRested) agent()     {}
func (AgentWoken) agent()      {}
