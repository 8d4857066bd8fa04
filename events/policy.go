package events

// PolicySet is what people allow in a workspace from then on. The deciders go by the one that was configured when they
// decided, and this fact tells which that was.
type PolicySet struct {
	// Models are the only models that an agent may have, empty for all.
	Models         []string `json:"models,omitempty"`
	MinTemperature float64  `json:"min_temperature,omitempty"`
	MaxTemperature float64  `json:"max_temperature,omitempty"`
	// MaxTokens bounds an agent's answer in tokens, 0 for no bound.
	MaxTokens int `json:"max_tokens,omitempty"`
	// Tools are those that an agent may be granted.
	Tools []string `json:"tools,omitempty"`
	// AskTools are those of them of which each call needs a person's approval.
	AskTools []string `json:"ask_tools,omitempty"`
	// NeverTools are those that nobody calls, whatever Tools says.
	NeverTools []string `json:"never_tools,omitempty"`
	// FetchHosts are the hosts that the tool fetch may reach, and FetchNetworks the private networks that it may reach them in.
	FetchHosts    []string `json:"fetch_hosts,omitempty"`
	FetchNetworks []string `json:"fetch_networks,omitempty"`
	// SelfApproved are the kinds of change that need no person, and MaxShare how far such a change may go, in permille.
	SelfApproved []ChangeKind `json:"self_approved,omitempty"`
	MaxShare     int          `json:"max_share,omitempty"`
	// Specialists is how many agents may be there that were spawned by themselves, and SpecialistNanos what each may spend in a
	// month, 0 for no bound of its own.
	Specialists     int   `json:"specialists,omitempty"`
	SpecialistNanos Nanos `json:"specialist_nanos,omitempty"`
	// GoalNanos is what a goal's plan may be estimated at without a person's approval, nil for any estimate.
	GoalNanos *Nanos `json:"goal_nanos,omitempty"`
	// Canary are the kinds of change that are tried on a part of the runs first, also where a person approves them.
	Canary []ChangeKind `json:"canary,omitempty"`
	// Changes say more closely, of agents and kinds of change, what needs no person and who else may approve. The first that fits holds.
	Changes []ChangeRule `json:"changes,omitempty"`
	// Approvers are those who may approve changes, empty for every person.
	Approvers []string `json:"approvers,omitempty"`
	// ExperimentNanos is what runs with what is tried may cost in a month, 0 for no bound.
	ExperimentNanos Nanos `json:"experiment_nanos,omitempty"`
}

// Autonomy is how far a change goes without a person.
type Autonomy string

// The degrees. What may be tried waits for a person once it is proved to be better.
const (
	MayPropose Autonomy = "propose"
	MayTry     Autonomy = "canary"
	MayPromote Autonomy = "promote"
)

// ChangeRule is what a policy says of changes of some kinds, of some agents. A name that ends in * is all that begin so; no agents are
// all, no kinds are all.
type ChangeRule struct {
	Agents    []string     `json:"agents,omitempty"`
	Kinds     []ChangeKind `json:"kinds,omitempty"`
	May       Autonomy     `json:"may"`
	Approvers []string     `json:"approvers,omitempty"`
}

func (PolicySet) Kind() string { return "policy.set" }

func (PolicySet) policy() {}
