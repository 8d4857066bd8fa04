package events

// JudgeMeasured tells how far a judge agrees with people, on runs that both judged. A judge is a model with instructions and a criterion: one that
// differs in any of them is another judge, of which nothing is known by this.
type JudgeMeasured struct {
	// Judge is made of all that it goes by.
	Judge string `json:"judge"`
	// Agent is the agent that judges, Model its model, and Prompt the hash of all that it is told beside what it judges.
	Agent     string `json:"agent"`
	Model     string `json:"model"`
	Prompt    string `json:"prompt_hash"`
	Criterion string `json:"criterion,omitempty"`
	// Both were called good by both of them, OnlyJudge and OnlyPeople by one, Neither by none. Unread are those of which the judge said nothing that
	// could be read.
	Both       int64 `json:"both"`
	OnlyJudge  int64 `json:"only_judge"`
	OnlyPeople int64 `json:"only_people"`
	Neither    int64 `json:"neither"`
	Unread     int64 `json:"unread,omitempty"`
	// Kappa is Cohen's, between Low and High. Base is the share that people called good: who always says so agrees as often.
	Kappa      float64 `json:"kappa"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Base       float64 `json:"base"`
	Confidence float64 `json:"confidence"`
	// From and To are the positions of the first and the last of the runs.
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// CostNanos is what it cost. Unpriced tells that nobody knows all of it.
	CostNanos Nanos  `json:"cost_nanos"`
	Unpriced  bool   `json:"unpriced,omitempty"`
	By        string `json:"by"`
}

func (JudgeMeasured) Kind() string { return "judge.measured" }

func (JudgeMeasured) judge() {}
