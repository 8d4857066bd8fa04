package aggregates

import (
	"fmt"
	"maps"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// maxReviewers bounds how many are asked about one run.
const maxReviewers = 20

// reviewState is a run's review: how many are to judge, 0 where nobody was asked, and what they said.
type reviewState struct {
	reviewers int
	judged    map[string]events.ReviewJudged
	closed    bool
}

func review() Decider[reviewState, commands.Review, events.Review] {
	return Decider[reviewState, commands.Review, events.Review]{
		Initial: func() reviewState { return reviewState{} },
		Decide:  decideReview,
		Evolve: func(s reviewState, e events.Review) reviewState {
			switch e := e.(type) {
			case events.ReviewAsked:
				s.reviewers = e.Reviewers
			case events.ReviewJudged:
				judged := maps.Clone(s.judged)
				if judged == nil {
					judged = map[string]events.ReviewJudged{}
				}
				judged[e.User], s.judged = e, judged
			case events.ReviewClosed:
				s.closed = true
			}
			return s
		},
	}
}

func decideReview(c commands.Review, s reviewState) ([]events.Review, error) {
	switch c := c.(type) {
	case commands.AskReview:
		if err := checkName("run", c.Run); err != nil {
			return nil, err
		}
		switch {
		case s.reviewers > 0:
			return nil, fmt.Errorf("the review of %s: %w", c.Run, ErrExists)
		case c.Reviewers < 1 || c.Reviewers > maxReviewers:
			return nil, fmt.Errorf("%w: 1 to %d people review a run", ErrInvalid, maxReviewers)
		case c.Reason == "":
			return nil, fmt.Errorf("%w: a review says why this run", ErrInvalid)
		}
		return []events.Review{events.ReviewAsked{Run: c.Run, Experiment: c.Experiment, Arm: c.Arm, Improvement: c.Improvement, Reason: c.Reason, Reviewers: c.Reviewers}}, nil
	case commands.JudgeReview:
		if err := s.open(c.Run); err != nil {
			return nil, err
		}
		if err := checkName("reviewer", c.User); err != nil {
			return nil, err
		}
		switch c.Judgement {
		case events.JudgedRight, events.JudgedWrong, events.Unsure:
		default:
			return nil, fmt.Errorf("%w: an answer is right or wrong, or one is unsure, not %q", ErrInvalid, c.Judgement)
		}
		said := events.ReviewJudged{Run: c.Run, User: c.User, Judgement: c.Judgement, Reason: c.Reason}
		if s.judged[c.User] == said {
			return nil, nil // it stands already
		}
		judged := maps.Clone(s.judged)
		if judged == nil {
			judged = map[string]events.ReviewJudged{}
		}
		judged[c.User] = said
		if len(judged) < s.reviewers {
			return []events.Review{said}, nil
		}
		return []events.Review{said, closed(c.Run, judged, "")}, nil
	case commands.CloseReview:
		if err := s.open(c.Run); err != nil {
			return nil, err
		}
		if c.Reason == "" {
			return nil, fmt.Errorf("%w: a review that is closed before all have judged says why", ErrInvalid)
		}
		return []events.Review{closed(c.Run, s.judged, c.Reason)}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

func (s reviewState) open(run string) error {
	switch {
	case s.reviewers == 0:
		return fmt.Errorf("a review of %s: %w", run, ErrMissing)
	case s.closed:
		return fmt.Errorf("the review of %s: %w", run, ErrEnded)
	}
	return nil
}

// closed is what judgements come to.
func closed(run string, judged map[string]events.ReviewJudged, reason string) events.ReviewClosed {
	c := events.ReviewClosed{Run: run, Reason: reason}
	for _, j := range judged {
		switch j.Judgement {
		case events.JudgedRight:
			c.Right++
		case events.JudgedWrong:
			c.Wrong++
		case events.Unsure:
			c.Unsure++
		}
	}
	switch {
	case c.Right > c.Wrong:
		c.Verdict = events.Succeeded
	case c.Wrong > c.Right:
		c.Verdict = events.Failed
	}
	pairs := func(n int) int { return n * (n - 1) / 2 }
	if all := pairs(len(judged)); all > 0 {
		agreement := (1000*(pairs(c.Right)+pairs(c.Wrong)+pairs(c.Unsure)) + all/2) / all
		c.Agreement = &agreement
	}
	return c
}
