package events

// EvalFinished tells what came of asking the runs of a dataset again, of an agent as it was or with a change.
type EvalFinished struct {
	Eval  string `json:"eval"`
	Agent string `json:"agent"`
	// Config is what was asked. Version is the agent's that is just so, 0 where none is.
	Config  AgentConfig `json:"config"`
	Version int         `json:"version,omitempty"`
	// Dataset was asked as it was at the position DatasetAt, which is its version.
	Dataset   string `json:"dataset"`
	DatasetAt uint64 `json:"dataset_at"`
	// Runs were asked, and Passed of them passed: a share between Low and High.
	Runs       int64   `json:"runs"`
	Passed     int64   `json:"passed"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"`
	// Checks counts by what answers were held to.
	Checks []CheckCount `json:"checks,omitempty"`
	// Against is what the same runs came to of another version of the agent, nil where none was asked.
	Against *EvalAgainst `json:"against,omitempty"`
	// Judged is what judges said of answers, one a criterion.
	Judged []EvalJudged `json:"judged,omitempty"`
	// Missed counts calls of tools that were not recorded, and not made.
	Missed int64 `json:"missed,omitempty"`
	// CostNanos is what asking cost. Unpriced tells that nobody knows all of it.
	CostNanos Nanos  `json:"cost_nanos"`
	Unpriced  bool   `json:"unpriced,omitempty"`
	By        string `json:"by"`
}

// CheckCount is how many answers were held to a check, and how many passed it.
type CheckCount struct {
	Kind   CheckKind `json:"kind"`
	Held   int64     `json:"held"`
	Passed int64     `json:"passed"`
}

// EvalAgainst compares with another version on the same runs.
type EvalAgainst struct {
	Version int         `json:"version"`
	Config  AgentConfig `json:"config"`
	Passed  int64       `json:"passed"`
	// Difference is by how much more of the runs pass, between Low and High.
	Difference float64 `json:"difference"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	// Gained and Lost are the runs that pass of one of the two only.
	Gained []string `json:"gained,omitempty"`
	Lost   []string `json:"lost,omitempty"`
}

// EvalJudged is what a judge said of answers.
type EvalJudged struct {
	Judge string `json:"judge"`
	// Decides tells that the judge agreed with people well enough to fail answers.
	Decides bool `json:"decides,omitempty"`
	// Good of Answers it called good. Rate is the share that people would call good by how far it agrees with them, between Low and High: 0 to 1
	// where nobody knows how far.
	Answers int64   `json:"answers"`
	Good    int64   `json:"good"`
	Rate    float64 `json:"rate"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
}

func (EvalFinished) Kind() string { return "eval.finished" }

func (EvalFinished) eval() {}
