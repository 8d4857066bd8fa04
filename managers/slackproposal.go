package managers

import (
	"fmt"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// SlackProposal is the work of showing a proposal in Slack, as it is now.
type SlackProposal struct{ SlackCard }

// Kind implements Work.
func (SlackProposal) Kind() string { return "slack.proposal" }

// asProposed is what a proposal is shown as at first.
const asProposed = "proposed"

// Expired is what a card is shown as on which nobody can decide any more.
const Expired = "expired"

// ProposalFor is how long a proposal waits in Slack for a decision. Elsewhere it goes on waiting.
const ProposalFor = 7 * 24 * time.Hour

type slackProposalState struct {
	slackCard
	// Seen counts how often its evidence changed.
	Seen int `json:"seen,omitempty"`
}

// slackProposal has proposals posted into a channel, and each message changed when something comes of it.
func slackProposal() Manager[slackProposalState] {
	return Manager[slackProposalState]{
		Name: "slack_proposal", Version: 2, Opens: []string{"improvement.proposed"},
		Follows: []string{
			"improvement.evidence_changed", "improvement.approved", "improvement.rejected", "improvement.applied", "improvement.rolled_back", "slack.posted",
		},
		Key: func(e *events.Envelope) string {
			id, _, _ := strings.Cut(events.Identity(e.Stream), "/")
			return events.StreamName("improvement", e.Workspace, id)
		},
		Evolve: func(s slackProposalState, e *events.Envelope, fact events.Event) slackProposalState {
			switch f := fact.(type) {
			case events.ImprovementProposed:
				s = slackProposalState{slackCard: slackCard{SlackCard: SlackCard{Workspace: e.Workspace, Of: f.Improvement, Since: e.OccurredAt}}}
				s.become(asProposed, e)
			case events.ImprovementEvidenceChanged:
				if s.Seen++; f.Strength.Withdraws() {
					s.become("withdrawn", e)
				} else if s.open() {
					s.become(fmt.Sprintf("evidence %d", s.Seen), e)
				}
			case events.ImprovementApproved:
				s.become("approved", e)
			case events.ImprovementRejected:
				s.become("rejected", e)
			case events.ImprovementApplied:
				s.become("applied", e)
			case events.ImprovementRolledBack:
				s.become("rolled_back", e)
			case events.SlackPosted:
				s.posted(f)
			}
			return s
		},
		Wants: func(s slackProposalState) []Want {
			show := s.SlackCard
			switch {
			case s.Shown == "":
				show.As = asProposed
				return []Want{{ID: s.wantID(), Work: SlackProposal{show}}}
			case s.Shown != s.As && !(s.open() && s.Shown == Expired):
				return []Want{{ID: s.wantID(), Work: SlackProposal{show}}}
			case s.open() && s.Shown != Expired:
				show.As = Expired
				return []Want{{ID: events.DeriveID(s.Cause, slackExpirySlot), Work: SlackProposal{show}, At: s.Since.Add(ProposalFor)}}
			}
			return nil
		},
		Over: func(s slackProposalState) bool {
			switch s.As {
			case "withdrawn", "rejected", "rolled_back":
				return s.done()
			}
			return s.None
		},
	}
}

// open tells that the proposal waits for a decision.
func (s slackProposalState) open() bool {
	return s.As == asProposed || strings.HasPrefix(s.As, "evidence")
}
