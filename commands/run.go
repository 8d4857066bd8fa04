package commands

import (
	"encoding/json"

	"github.com/virtuous6/virtuous6/events"
)

// RunStream is the stream of a run.
func RunStream(workspace, run string) string { return events.StreamName("run", workspace, run) }

// StartRun opens a run.
type StartRun struct {
	Meta
	Run       string
	Workflow  string
	Task      string
	Requester string
	Prompt    string
	// Of are the people beside Requester whose words Prompt holds.
	Of []string
	// Goal is the goal that it is for.
	Goal string
	// ShareNanos is what it may cost before it has to wait, 0 for no bound of its own.
	ShareNanos events.Nanos
	// Tool and Params are the call of one that asks no model.
	Tool   string
	Params string
	Agent  string
	// AskedBy is the run whose agent asks for it, empty for none.
	AskedBy string
	// Conversation names the session, or the thread, that the run is a part of; empty where it stands alone.
	Conversation string
	Labels       map[string]string
	Source       *events.Source
	Undated      bool
	// Summarises is the summary that it is to make the text of.
	Summarises *events.ConversationSummarised
	// Phrases is what the record says to the prompt and it is to find words for.
	Phrases *events.Phrasing
	// Schema is what its answer is to satisfy, empty for what its agent's configuration says.
	Schema json.RawMessage
	// Limits bound it by a budget of its own, which is set before it starts. Nil for none.
	Limits *RunLimits
}

// RunLimits are what one run may take, as in SetBudget.
type RunLimits struct {
	LimitNanos events.Nanos
	AnyCost    bool
	Limits     events.Resources
	// Fails has it fail instead of waiting for a person.
	Fails bool
}

// AssignRun says who answers a live run, before anything is asked.
type AssignRun struct {
	Meta
	Run      string
	Agent    string
	Revision uint64
	Model    string
	Arms     []events.Arm
	Earlier  []string
	// Summaries counts those of its conversation that it sees.
	Summaries uint64
	// Choice is why that agent, where the run named none.
	Choice *events.Choice
}

// StartStep opens a step of a run. Steps are numbered from 0 in the order of their starts.
type StartStep struct {
	Meta
	Run       string
	Step      int
	Name      string
	Type      events.StepKind
	Agent     string
	Tool      string
	Model     string
	Parent    *int
	Call      *int
	DependsOn []int
	Labels    map[string]string
	Undated   bool
}

// FinishStep closes a step.
type FinishStep struct {
	Meta
	Run          string
	Step         int
	Outcome      events.Outcome
	Error        string
	Model        string
	InputTokens  int64
	OutputTokens int64
	CachedTokens int64
	CostNanos    events.Nanos
	Unpriced     bool
	Undated      bool
}

// RecordLLMCall keeps what a call to a model asked and answered.
type RecordLLMCall struct {
	Meta
	Run          string
	Step         *int
	Model        string
	Provider     string
	Asked        []events.Message
	Answered     []events.Message
	Params       json.RawMessage
	FinishReason string
	Scripted     bool
	Invalid      string
	Failed       []events.ModelFailed
}

// RecordToolCall keeps what a tool gave back, in a step that is still open.
type RecordToolCall struct {
	Meta
	Run     string
	Step    int
	Call    int
	Result  events.Message
	Unknown bool
	// Loaded is the skill whose text it gave, nil for other calls.
	Loaded *events.RunSkillLoaded
	// Fix is the one that is known for the error that it gave, nil where none is.
	Fix *events.RunFixKnown
}

// RecordDraft keeps what a model wrote for a specialist, in a step that is still open.
type RecordDraft struct {
	Meta
	Run  string
	Fact events.RunSpecialistDrafted
}

// FinishRun ends a run that did not fail. Outcome is Succeeded or Unrated.
type FinishRun struct {
	Meta
	Run     string
	Outcome events.Outcome
	Answer  string
	// FinishReason is why the model ended its last answer.
	FinishReason string
	CostNanos    events.Nanos
	// UnpricedCalls counts the calls that are in no step, and of which nobody knows what they cost.
	UnpricedCalls int64
	Undated       bool
}

// FailRun ends a run that failed.
type FailRun struct {
	Meta
	Run           string
	Error         string
	Failure       events.Failure
	FinishReason  string
	CostNanos     events.Nanos
	UnpricedCalls int64
	Undated       bool
}

// CancelRun ends a run that someone stopped.
type CancelRun struct {
	Meta
	Run           string
	Reason        string
	CostNanos     events.Nanos
	UnpricedCalls int64
	Undated       bool
}

func (c StartRun) Stream() string       { return RunStream(c.Workspace, c.Run) }
func (c AssignRun) Stream() string      { return RunStream(c.Workspace, c.Run) }
func (c RecordToolCall) Stream() string { return RunStream(c.Workspace, c.Run) }
func (c StartStep) Stream() string      { return RunStream(c.Workspace, c.Run) }
func (c FinishStep) Stream() string     { return RunStream(c.Workspace, c.Run) }
func (c RecordLLMCall) Stream() string  { return RunStream(c.Workspace, c.Run) }
func (c RecordDraft) Stream() string    { return RunStream(c.Workspace, c.Run) }
func (c FinishRun) Stream() string      { return RunStream(c.Workspace, c.Run) }
func (c FailRun) Stream() string        { return RunStream(c.Workspace, c.Run) }
func (c CancelRun) Stream() string      { return RunStream(c.Workspace, c.Run) }

func (StartRun) run()       {}
func (AssignRun) run()      {}
func (RecordToolCall) run() {}
func (StartStep) run()      {}
func (FinishStep) run()     {}
func (RecordLLMCall) run()  {}
func (RecordDraft) run()    {}
func (FinishRun) run()      {}
func (FailRun) run()        {}
func (CancelRun) run()      {}
