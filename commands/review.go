package commands

import "github.com/virtuous6/virtuous6/events"

// ReviewStream is the stream of a run's review.
func ReviewStream(workspace, run string) string { return events.StreamName("review", workspace, run) }

// AskReview puts a run before reviewers. See events.ReviewAsked.
type AskReview struct {
	Meta
	Run         string
	Experiment  string
	Arm         string
	Improvement string
	Reason      string
	Reviewers   int
}

// JudgeReview is what a reviewer says.
type JudgeReview struct {
	Meta
	Run       string
	User      string
	Judgement events.Judgement
	Reason    string
}

// CloseReview ends a review that not all have come to.
type CloseReview struct {
	Meta
	Run    string
	Reason string
}

func (c AskReview) Stream() string   { return ReviewStream(c.Workspace, c.Run) }
func (c JudgeReview) Stream() string { return ReviewStream(c.Workspace, c.Run) }
func (c CloseReview) Stream() string { return ReviewStream(c.Workspace, c.Run) }

func (AskReview) review()   {}
func (JudgeReview) review() {}
func (CloseReview) review() {}
