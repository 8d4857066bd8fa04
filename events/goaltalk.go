package events

// GoalAgentAsked tells that an agent of a goal asks another one. The run that asks waits for what that one answers.
type GoalAgentAsked struct {
	// Talk numbers what agents of the goal said to one another, from 1.
	Talk int `json:"talk"`
	// Task is the one that it is about, and Asker the run that waits: for the call at a place of its answer in a turn, both from 0.
	Task  string `json:"task"`
	Asker string `json:"asker"`
	Turn  int    `json:"turn"`
	Call  int    `json:"call"`
	From  string `json:"from"`
	To    string `json:"to"`
	Text  string `json:"text"`
	// Run is the one in which it is answered.
	Run string `json:"run"`
}

// GoalAgentAnswered tells what came of a question to an agent.
type GoalAgentAnswered struct {
	Talk int `json:"talk"`
	// Asker is the run that waited, and Run the one in which it was answered.
	Asker string `json:"asker"`
	Run   string `json:"run"`
	// Answer is what is handed back, and Error why there is none.
	Answer string `json:"answer,omitempty"`
	Error  string `json:"error,omitempty"`
	// Next is the run in which it is asked anew once the goal goes on, where no money was left for the answer: nothing is handed back
	// until then.
	Next          string `json:"next,omitempty"`
	CostNanos     Nanos  `json:"cost_nanos,omitempty"`
	UnpricedCalls int64  `json:"unpriced_calls,omitempty"`
}

// GoalTaskHandedOver tells that an agent gives its task to another one, which goes on from where the first one stood.
type GoalTaskHandedOver struct {
	// Talk is as in GoalAgentAsked.
	Talk int    `json:"talk"`
	Task string `json:"task"`
	// Run is the attempt that ends with it.
	Run  string `json:"run"`
	From string `json:"from"`
	To   string `json:"to"`
	// Text is what the other one has to know.
	Text          string `json:"text"`
	CostNanos     Nanos  `json:"cost_nanos,omitempty"`
	UnpricedCalls int64  `json:"unpriced_calls,omitempty"`
}

func (GoalAgentAsked) Kind() string     { return "goal.agent_asked" }
func (GoalAgentAnswered) Kind() string  { return "goal.agent_answered" }
func (GoalTaskHandedOver) Kind() string { return "goal.task_handed_over" }

func (GoalAgentAsked) goal()     {}
func (GoalAgentAnswered) goal()  {}
func (GoalTaskHandedOver) goal() {}
