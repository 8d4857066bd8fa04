package events

// Judgement is what a reviewer says of an answer.
type Judgement string

// The closed vocabulary of judgements.
const (
	JudgedRight Judgement = "right"
	JudgedWrong Judgement = "wrong"
	Unsure      Judgement = "unsure"
)

// ReviewAsked puts a run before people, each of whom says whether its answer is right without knowing what the others say, or
// which side of a comparison it is of. A run is reviewed once.
type ReviewAsked struct {
	Run string `json:"run"`
	// Experiment is the open decision that a verdict would narrow, Arm the side of it that the run is of. Improvement is a proposal that is
	// open and not tried, where that is the decision.
	Experiment  string `json:"experiment,omitempty"`
	Arm         string `json:"arm,omitempty"`
	Improvement string `json:"improvement,omitempty"`
	// Reason says why this run.
	Reason string `json:"reason"`
	// Reviewers is how many are to judge.
	Reviewers int `json:"reviewers"`
}

// ReviewJudged is what one of them says. A later one of the same person takes its place.
type ReviewJudged struct {
	Run       string    `json:"run"`
	User      string    `json:"user"`
	Judgement Judgement `json:"judgement"`
	Reason    string    `json:"reason,omitempty"`
}

// ReviewClosed tells what they came to.
type ReviewClosed struct {
	Run    string `json:"run"`
	Right  int    `json:"right,omitempty"`
	Wrong  int    `json:"wrong,omitempty"`
	Unsure int    `json:"unsure,omitempty"`
	// Verdict is what most of those say who are sure, empty where as many say the one as the other.
	Verdict Outcome `json:"verdict,omitempty"`
	// Agreement is the share of the pairs of reviewers who say the same, nil where there is no pair.
	Agreement *int `json:"agreement_permille,omitempty"`
	// Reason tells why it was closed before all had judged.
	Reason string `json:"reason,omitempty"`
}

func (ReviewAsked) Kind() string  { return "review.asked" }
func (ReviewJudged) Kind() string { return "review.judged" }
func (ReviewClosed) Kind() string { return "review.closed" }

func (ReviewAsked) review()  {}
func (ReviewJudged) review() {}
func (ReviewClosed) review() {}
