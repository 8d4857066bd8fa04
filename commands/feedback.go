package commands

// FeedbackStream is the stream of a feedback.
func FeedbackStream(feedback string) string { return "feedback-" + feedback }

// GiveFeedback judges a run or an agent.
type GiveFeedback struct {
	Meta
	Feedback string
	Run      string
	Step     *int
	Agent    string
	User     string
	Name     string
	Score    *float64
	Label    string
	Text     string
	Better   string
}

func (c GiveFeedback) Stream() string { return FeedbackStream(c.Feedback) }

func (GiveFeedback) feedback() {}
