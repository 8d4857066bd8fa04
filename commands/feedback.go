package commands

import "github.com/virtuous6/virtuous6/events"

// FeedbackStream is the stream of a feedback.
func FeedbackStream(workspace, feedback string) string {
	return events.StreamName("feedback", workspace, feedback)
}

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
	Wish     string
}

func (c GiveFeedback) Stream() string { return FeedbackStream(c.Workspace, c.Feedback) }

func (GiveFeedback) feedback() {}
