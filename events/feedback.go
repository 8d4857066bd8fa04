package events

// FeedbackGiven is a judgement on a run or on an agent, by a person or by an evaluator. It is data, never a command.
type FeedbackGiven struct {
	Feedback string `json:"feedback"`
	// Run or Agent is what it is about: exactly one is set. Step narrows it to a step of the run.
	Run   string `json:"run,omitempty"`
	Step  *int   `json:"step,omitempty"`
	Agent string `json:"agent,omitempty"`
	User  string `json:"user,omitempty"`
	// Name is what was judged ("toxicity", "helpfulness"), empty for the whole.
	Name string `json:"name,omitempty"`
	// Score as the source gave it, nil where there is only a text.
	Score *float64 `json:"score,omitempty"`
	// Label is a categorical score ("correct"), as the source gave it.
	Label string `json:"label,omitempty"`
	Text  string `json:"text,omitempty"`
	// Better is the answer that the person would rather have had.
	Better string `json:"better,omitempty"`
	// Wish is what the person would rather have in an answer ("shorter, with links"), where that is no answer itself.
	Wish string `json:"wish,omitempty"`
}

// Satisfaction is the name of the feedback that tells whether a person liked an answer: score 1 or 0.
const Satisfaction = "satisfaction"

// Liked tells that a person liked the answer.
func (f FeedbackGiven) Liked() bool {
	liked, judged := Judged(f.Name, f.User, f.Score)
	return judged && liked
}

// Judged tells whether a score says how an answer was liked, and whether it was. Any score from 0 to 1 by a person does; a program's scores
// have meanings of their own.
func Judged(name, user string, score *float64) (liked, judged bool) {
	if score == nil || name != Satisfaction && user == "" || *score < 0 || *score > 1 {
		return false, false
	}
	return *score > .5, true
}

func (FeedbackGiven) Kind() string { return "feedback.given" }

func (FeedbackGiven) feedback() {}
