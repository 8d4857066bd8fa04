package events

import (
	"encoding/json"
	"time"
)

// MetaRun is by what a call of a tool of an MCP server tells the run that it is made for.
const MetaRun = "virtuous6/run"

// Outcome is how a run or a step ended.
type Outcome string

// The closed vocabulary of outcomes. Unrated is an end that its source gave no verdict on: it counts as a run, and
// as neither a success nor a failure.
const (
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"
	Cancelled Outcome = "cancelled"
	Unrated   Outcome = "unrated"
)

// RunStarted opens a workflow run. It occurs when the run started.
type RunStarted struct {
	Run       string `json:"run"`
	Workflow  string `json:"workflow"`
	Task      string `json:"task,omitempty"`
	Requester string `json:"requester,omitempty"`
	Prompt    string `json:"prompt,omitempty"`
	// Of are the people beside Requester whose words Prompt holds: with any of them what is said in the run is forgotten.
	Of []string `json:"of,omitempty"`
	// Conversation names the session, or the thread, that the run is a part of: a later run of it sees what was said in
	// those before. It is the id of its first run, or what the source calls the session.
	Conversation string `json:"conversation,omitempty"`
	// Goal is the goal that a live run is for.
	Goal string `json:"goal,omitempty"`
	// ShareNanos is what it may cost before it has to wait for a greater share of its goal's money, 0 for no bound of its own.
	ShareNanos Nanos `json:"share_nanos,omitempty"`
	// Tool is what a live run that asks no model calls, with Params, a JSON object.
	Tool   string `json:"tool,omitempty"`
	Params string `json:"params,omitempty"`
	// Summarises is the summary that a live run is to make the text of.
	Summarises *ConversationSummarised `json:"summarises,omitempty"`
	// Phrases is what the record says to the prompt and a live run is to find words for.
	Phrases *Phrasing `json:"phrases,omitempty"`
	// Schema is the JSON Schema that the answer of a live run is to satisfy, in place of its agent's.
	Schema json.RawMessage `json:"schema,omitempty"`
	// Agent is who a live run was asked of, empty where it goes to whoever fits best.
	Agent string `json:"agent,omitempty"`
	// AskedBy is the live run whose agent asked for it, empty where a person or a program did.
	AskedBy string            `json:"asked_by,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	// Source is set on imported history. A run with a source is never acted on: nothing is sent, nothing is spent.
	Source *Source `json:"source,omitempty"`
	// Undated tells that the source gave no time: occurred-at is then the time of the import.
	Undated bool `json:"undated,omitempty"`
}

// Phrasing is what the record says to a question, for a model to find words for. It quotes nobody.
type Phrasing struct {
	// Asked is when that was, Since from when on it is about, where that was given beside the question.
	Asked time.Time      `json:"asked_at"`
	Since time.Time      `json:"since,omitzero"`
	Title string         `json:"title"`
	Lines []PhrasingLine `json:"lines"`
}

// PhrasingLine is one thing that the record says, with what it rests on.
type PhrasingLine struct {
	Text        string   `json:"text"`
	Positions   []uint64 `json:"positions,omitempty"`
	Runs        []string `json:"runs,omitempty"`
	Improvement string   `json:"improvement,omitempty"`
}

// Source tells where an imported record came from.
type Source struct {
	Format string `json:"format"`
	Record string `json:"record"`
	// Digest is the SHA-256 of the record's content in hex: the same record again is a repeat, other content under
	// the same name is a conflict.
	Digest string `json:"digest"`
}

// RunAssigned says once, and before anything is asked, who answers a live run: a revision of the agent that the run keeps
// to its end.
type RunAssigned struct {
	Agent string `json:"agent"`
	// Revision is that of the last fact of the agent's stream that counts for the run.
	Revision uint64 `json:"revision"`
	// Model is what answers, where the agent's configuration names none.
	Model string `json:"model,omitempty"`
	// Arms are the experiments that the run is part of.
	Arms []Arm `json:"arms,omitempty"`
	// Earlier are the runs of its conversation whose messages it sees, the oldest first. They are not stored again.
	Earlier []string `json:"earlier,omitempty"`
	// Summaries counts those of its conversation that it sees besides.
	Summaries uint64 `json:"summaries,omitempty"`
	// Choice is why that agent, where the run named none.
	Choice *Choice `json:"choice,omitempty"`
}

// Choice is why a run that named no agent went to one.
type Choice struct {
	// Reason is that in a sentence.
	Reason string `json:"reason"`
	// Score is how well the words of the task fit the agent's, by BM25 in thousandths, 0 where they do not.
	Score int `json:"score,omitempty"`
	// Rated counts the agent's runs of like tasks that tell something, and Succeeded those of them that succeeded.
	Rated     int64 `json:"rated,omitempty"`
	Succeeded int64 `json:"succeeded,omitempty"`
}

// Arm is the part of an experiment that a run was given.
type Arm struct {
	Experiment string `json:"experiment"`
	Arm        string `json:"arm"`
	// Permille is the chance, in thousandths, that it was given this one.
	Permille int `json:"permille"`
	// Unit is the conversation or the requester that was drawn for, and that keeps its arm.
	Unit string `json:"unit,omitempty"`
	// Shares are the chances of all arms, the control's first, where there are more than two.
	Shares []int `json:"shares_permille,omitempty"`
}

// Tried tells of an arm that its runs get a change that is tried.
func (a Arm) Tried() bool { _, tried := CandidateOf(a.Arm); return tried }

// StepKind is what a step is, in OpenTelemetry's words where it has them.
type StepKind string

// The closed vocabulary of step kinds.
const (
	ChatStep      StepKind = "chat"
	ToolStep      StepKind = "tool"
	AgentStep     StepKind = "agent"
	WorkflowStep  StepKind = "workflow"
	RetrievalStep StepKind = "retrieval"
	ActivityStep  StepKind = "activity"
)

// RunStepStarted opens a step of a run. It occurs when the step started.
type RunStepStarted struct {
	// Step numbers the run's steps from 0 in the order of their starts.
	Step  int      `json:"step"`
	Name  string   `json:"name"`
	Type  StepKind `json:"type"`
	Agent string   `json:"agent,omitempty"`
	Tool  string   `json:"tool,omitempty"`
	Model string   `json:"model,omitempty"`
	// Parent is the number of the enclosing step, nil at the top.
	Parent *int `json:"parent,omitempty"`
	// Call is the place, from 0, of the call in the last answer that a live run's tool step is for.
	Call *int `json:"call,omitempty"`
	// DependsOn lists the numbers of the steps whose results this one needed.
	DependsOn []int             `json:"depends_on,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	// Undated tells that the source gave no start time.
	Undated bool `json:"undated,omitempty"`
}

// RunStepFinished closes a step. It occurs when the step ended.
type RunStepFinished struct {
	Step    int     `json:"step"`
	Outcome Outcome `json:"outcome"`
	Error   string  `json:"error,omitempty"`
	// Model is what answered, where it differs from what the start named.
	Model        string `json:"model,omitempty"`
	InputTokens  int64  `json:"input_tokens,omitempty"`
	OutputTokens int64  `json:"output_tokens,omitempty"`
	// CachedTokens is the part of InputTokens that the provider read from its cache.
	CachedTokens int64 `json:"cached_tokens,omitempty"`
	CostNanos    Nanos `json:"cost_nanos,omitempty"`
	// Unpriced tells that it cost something that nobody knows: the price table lacks the model, or the provider did not
	// report its tokens.
	Unpriced bool `json:"unpriced,omitempty"`
	// Undated tells that the source gave no end time.
	Undated bool `json:"undated,omitempty"`
}

// Message is one message of a conversation, in OpenAI's chat shape.
type Message struct {
	Role    string `json:"role"`
	Name    string `json:"name,omitempty"`
	Content string `json:"content,omitempty"`
	// Thinking is what the model wrote to itself before it answered: no part of the answer.
	Thinking string `json:"thinking,omitempty"`
	// Extra is what the provider wants back with the message, as it came: signatures, encrypted thoughts.
	Extra      json.RawMessage `json:"extra,omitempty"`
	ToolCalls  []ToolCall      `json:"tool_calls,omitempty"`
	ToolCallID string          `json:"tool_call_id,omitempty"`
}

// ToolCall is a model's wish to call a tool.
type ToolCall struct {
	ID        string `json:"id,omitempty"`
	Name      string `json:"name"`
	Arguments string `json:"arguments,omitempty"`
}

// ScriptedModel is the name of the built-in model that needs no key. A step that it answered makes its run a scripted one.
const ScriptedModel = "scripted-1"

// RunLLMCalled is what one call to a model asked and answered. A message is stored once: Asked holds only those that
// no earlier fact of the run holds already.
type RunLLMCalled struct {
	// Step is the number of the step that made the call, nil where the source does not tell.
	Step     *int      `json:"step,omitempty"`
	Model    string    `json:"model,omitempty"`
	Provider string    `json:"provider,omitempty"`
	Asked    []Message `json:"asked,omitempty"`
	Answered []Message `json:"answered,omitempty"`
	// Params are the request's settings (temperature, top_p, max_tokens, seed).
	Params       json.RawMessage `json:"params,omitempty"`
	FinishReason string          `json:"finish_reason,omitempty"`
	// Scripted labels an answer of the built-in model that needs no key.
	Scripted bool `json:"scripted,omitempty"`
	// Invalid is why the answer is not what the agent's schema asks for. It is asked for once more.
	Invalid string `json:"invalid,omitempty"`
	// Failed are the agent's models that were asked before Model answered, in their order.
	Failed []ModelFailed `json:"failed,omitempty"`
}

// ModelFailed is a model that gave no answer, and why.
type ModelFailed struct {
	Model string `json:"model"`
	Error string `json:"error"`
}

// RunToolCalled is what a tool of a live run gave back. It stands before the model is asked again, so that a tool whose
// result is known is never called again. The result is a message of the conversation, and stored nowhere else.
type RunToolCalled struct {
	// Step is the number of the step that the call was made in.
	Step int `json:"step"`
	// Call is the place of the call in the last answer, from 0.
	Call   int     `json:"call"`
	Result Message `json:"result"`
	// Unknown tells that the call may have been made and what came of it is not known: whoever made it died.
	Unknown bool `json:"unknown,omitempty"`
}

// RunFixKnown tells that a tool of a live run gave an error that a fix is known for.
type RunFixKnown struct {
	// Step is the number of the step that the call was made in.
	Step int `json:"step"`
	// Fix is its name, as Fix.Name has it.
	Fix string `json:"fix"`
	// Told tells that the agent was told it. A run that was held out is told nothing.
	Told bool `json:"told,omitempty"`
}

// RunSpecialistDrafted is what a model wrote for the specialist that a run lacks, before the run is given to anybody. It is asked once:
// what it wrote, or why that was not taken, holds for the run.
type RunSpecialistDrafted struct {
	// Step is the number of the step that asked it.
	Step int `json:"step"`
	// Template is what it was given to begin with: "template:translator", or "runbook:refund".
	Template string `json:"template"`
	Model    string `json:"model,omitempty"`
	Provider string `json:"provider,omitempty"`
	// Answer is what it said, as it came. What it was asked is made of the template and of what the run was asked.
	Answer string `json:"answer,omitempty"`
	// Prompt and Tools are what was taken of it, and Invalid why nothing was.
	Prompt  string   `json:"prompt,omitempty"`
	Tools   []string `json:"tools,omitempty"`
	Invalid string   `json:"invalid,omitempty"`
}

// RunFinished ends a run that did not fail. It occurs when the run ended.
type RunFinished struct {
	Outcome Outcome `json:"outcome"`
	Answer  string  `json:"answer,omitempty"`
	// FinishReason is why the model ended its last answer, in the provider's word.
	FinishReason string `json:"finish_reason,omitempty"`
	// CostNanos is what the source gave for the whole run, where it is more than its steps hold.
	CostNanos Nanos `json:"cost_nanos,omitempty"`
	// UnpricedCalls counts the calls of a model that are in no step, and of which nobody knows what they cost.
	UnpricedCalls int64 `json:"unpriced_calls,omitempty"`
	// Undated tells that the source gave no end time.
	Undated bool `json:"undated,omitempty"`
}

// Failure is why a live run failed, where that says what to do.
type Failure string

// The closed vocabulary of failures.
const (
	// NoMoney tells that a budget did not let a call through.
	NoMoney Failure = "budget"
)

// RunFailed ends a run that failed. It occurs when the run ended.
type RunFailed struct {
	Error        string  `json:"error,omitempty"`
	Failure      Failure `json:"failure,omitempty"`
	FinishReason string  `json:"finish_reason,omitempty"`
	CostNanos    Nanos   `json:"cost_nanos,omitempty"`
	// UnpricedCalls are as in RunFinished.
	UnpricedCalls int64 `json:"unpriced_calls,omitempty"`
	Undated       bool  `json:"undated,omitempty"`
}

// RunCancelled ends a run that someone stopped. It occurs when the run ended.
type RunCancelled struct {
	Reason    string `json:"reason,omitempty"`
	CostNanos Nanos  `json:"cost_nanos,omitempty"`
	// UnpricedCalls are as in RunFinished.
	UnpricedCalls int64 `json:"unpriced_calls,omitempty"`
	Undated       bool  `json:"undated,omitempty"`
}

func (RunStarted) Kind() string           { return "run.started" }
func (RunAssigned) Kind() string          { return "run.assigned" }
func (RunToolCalled) Kind() string        { return "run.tool_called" }
func (RunStepStarted) Kind() string       { return "run.step_started" }
func (RunStepFinished) Kind() string      { return "run.step_finished" }
func (RunLLMCalled) Kind() string         { return "run.llm_called" }
func (RunSpecialistDrafted) Kind() string { return "run.specialist_drafted" }
func (RunFinished) Kind() string          { return "run.finished" }
func (RunFailed) Kind() string            { return "run.failed" }
func (RunCancelled) Kind() string         { return "run.cancelled" }

func (RunStarted) run()           {}
func (RunAssigned) run()          {}
func (RunToolCalled) run()        {}
func (RunStepStarted) run()       {}
func (RunStepFinished) run()      {}
func (RunLLMCalled) run()         {}
func (RunSpecialistDrafted) run() {}
func (RunFinished) run()          {}
func (RunFailed) run()            {}
func (RunCancelled) run()         {}
func (RunFixKnown) Kind() string  { return "run.fix_known" }
func (RunFixKnown) run()          {}
