package managers

import (
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// SlackApproval is the work of showing in Slack that an agent wants to make a call which a person has to let through, and
// what was decided.
type SlackApproval struct{ SlackCard }

// Kind implements Work.
func (SlackApproval) Kind() string { return "slack.approval" }

// asAsked is what an approval is shown as first. What it becomes are the answers.
const asAsked = "asked"

type slackApprovalState struct {
	Cards []slackCard `json:"cards,omitempty"`
}

// slackApproval has what a run's calls wait for posted, and each message changed once it is decided.
func slackApproval() Manager[slackApprovalState] {
	return Manager[slackApprovalState]{
		Name: "slack_approval", Version: 1, Key: ofRun, Opens: []string{"run.approval_asked"}, Follows: []string{"run.approval_answered", "slack.posted"},
		Evolve: func(s slackApprovalState, e *events.Envelope, fact events.Event) slackApprovalState {
			s.Cards = slices.Clone(s.Cards)
			switch f := fact.(type) {
			case events.RunApprovalAsked:
				card := slackCard{SlackCard: SlackCard{Workspace: e.Workspace, Of: f.Approval, Run: e.Correlation, Since: e.OccurredAt}}
				card.become(asAsked, e)
				s.Cards = append(s.Cards, card)
			case events.RunApprovalAnswered:
				for i := range s.Cards {
					if s.Cards[i].Of == f.Approval {
						s.Cards[i].become(string(f.Answer), e)
					}
				}
			case events.SlackPosted:
				for i := range s.Cards {
					s.Cards[i].posted(f)
				}
			}
			s.Cards = slices.DeleteFunc(s.Cards, func(c slackCard) bool { return c.done() && c.As != asAsked })
			return s
		},
		Wants: func(s slackApprovalState) (wants []Want) {
			for _, c := range s.Cards {
				if !c.done() {
					wants = append(wants, Want{ID: c.wantID(), Work: SlackApproval{c.SlackCard}})
				}
			}
			return wants
		},
		Over: func(s slackApprovalState) bool { return len(s.Cards) == 0 },
	}
}
