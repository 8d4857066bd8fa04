package events

// CheckKind is how an answer is looked at.
type CheckKind string

// The closed vocabulary of checks.
const (
	// ExactCheck and ContainsCheck compare the answer with a text, without spaces at its ends. Without a text the answer that
	// the run had is meant.
	ExactCheck    CheckKind = "exact"
	ContainsCheck CheckKind = "contains"
	// RegexpCheck and SchemaCheck hold the answer to a regular expression (RE2) and to a JSON Schema.
	RegexpCheck CheckKind = "regexp"
	SchemaCheck CheckKind = "schema"
	// ToolsCheck names the tools that are called, with commas between, in any order. Without a text those that the run called.
	ToolsCheck CheckKind = "tools"
	// CostCheck and SecondsCheck bound what it may cost, in dollars, and take.
	CostCheck    CheckKind = "cost"
	SecondsCheck CheckKind = "seconds"
	// JudgeCheck asks a judge whether the answer meets a criterion, the text; without a text whether it is good.
	JudgeCheck CheckKind = "judge"
)

// CheckKinds lists the vocabulary.
func CheckKinds() []CheckKind {
	return []CheckKind{ExactCheck, ContainsCheck, RegexpCheck, SchemaCheck, ToolsCheck, CostCheck, SecondsCheck, JudgeCheck}
}

// Check is one of the things that an answer is held to.
type Check struct {
	Kind CheckKind `json:"kind"`
	Text string    `json:"text,omitempty"`
}

// DatasetRunAdded puts a run into a dataset, with what its answer is held to whenever it is asked again. The run itself stays
// where it is: a dataset as of a log position is always the same.
type DatasetRunAdded struct {
	Dataset string  `json:"dataset"`
	Run     string  `json:"run"`
	Checks  []Check `json:"checks"`
	By      string  `json:"by,omitempty"`
	// Of is who asked the run: what its answer is held to may tell of them, and is forgotten with them.
	Of []string `json:"of,omitempty"`
}

func (DatasetRunAdded) Kind() string { return "dataset.run_added" }

func (DatasetRunAdded) dataset() {}
