package managers

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
)

// SlackProposal is the work of showing a proposal in Slack, as it is now.
type SlackProposal struct {
	Workspace   string
	Improvement string
	ProposedAt  time.Time
	// As is what it is shown as: "proposed" first of all, then what became of it.
	As string
	// Channel and TS name the message that shows it, once there is one.
	Channel, TS string
}

// Kind implements Work.
func (SlackProposal) Kind() string { return "slack.proposal" }

// Share implements Work: proposals stand in a line of their own.
func (p SlackProposal) Share() string { return p.Workspace + "\x00proposals" }

// Post names what was posted or changed: the improvement, and behind a slash what became of it.
func (p SlackProposal) Post() string {
	if p.As == asProposed {
		return p.Improvement
	}
	return p.Improvement + "/" + p.As
}

// asProposed is what a proposal is shown as at first.
const asProposed = "proposed"

// Expired is what a proposal is shown as which waits no longer here.
const Expired = "expired"

// ProposalFor is how long a proposal waits in Slack for a decision. Elsewhere it goes on waiting.
const ProposalFor = 7 * 24 * time.Hour

type slackProposalState struct {
	Workspace   string    `json:"workspace,omitempty"`
	Improvement string    `json:"improvement,omitempty"`
	At          time.Time `json:"at"`
	// Cause is the fact that made it what it is, Seen counts how often its evidence changed.
	Cause uuid.UUID `json:"cause"`
	As    string    `json:"as,omitempty"`
	Seen  int       `json:"seen,omitempty"`
	// Shown is what the message shows, empty before there is one; None tells that there will be none.
	Shown   string `json:"shown,omitempty"`
	Channel string `json:"channel,omitempty"`
	TS      string `json:"ts,omitempty"`
	None    bool   `json:"none,omitempty"`
}

// The want ids among what derives from the fact behind them.
const (
	slackProposalSlot = 0x5110 + iota
	slackExpirySlot
)

// slackProposal has proposals posted into a channel, and each message changed when something comes of it.
func slackProposal() Manager[slackProposalState] {
	return Manager[slackProposalState]{
		Name: "slack_proposal", Version: 1, Opens: []string{"improvement.proposed"},
		Follows: []string{
			"improvement.evidence_changed", "improvement.approved", "improvement.rejected", "improvement.applied", "improvement.rolled_back", "slack.posted",
		},
		Key: func(e *events.Envelope) string {
			id, _, _ := strings.Cut(events.Identity(e.Stream), "/")
			return events.StreamName("improvement", e.Workspace, id)
		},
		Evolve: func(s slackProposalState, e *events.Envelope, fact events.Event) slackProposalState {
			become := func(as string) { s.As, s.Cause = as, e.ID }
			switch f := fact.(type) {
			case events.ImprovementProposed:
				s = slackProposalState{Workspace: e.Workspace, Improvement: f.Improvement, At: e.OccurredAt}
				become(asProposed)
			case events.ImprovementEvidenceChanged:
				if s.Seen++; f.Strength.Withdraws() {
					become("withdrawn")
				} else if s.As == asProposed || strings.HasPrefix(s.As, "evidence") {
					become(fmt.Sprintf("evidence %d", s.Seen))
				}
			case events.ImprovementApproved:
				become("approved")
			case events.ImprovementRejected:
				become("rejected")
			case events.ImprovementApplied:
				become("applied")
			case events.ImprovementRolledBack:
				become("rolled_back")
			case events.SlackPosted:
				_, as, changed := strings.Cut(f.Post, "/")
				if !changed {
					s.Channel, s.TS, s.None, as = f.Channel, f.TS, f.TS == "", asProposed
				}
				s.Shown = as
			}
			return s
		},
		Wants: func(s slackProposalState) []Want {
			show := SlackProposal{Workspace: s.Workspace, Improvement: s.Improvement, ProposedAt: s.At, As: s.As, Channel: s.Channel, TS: s.TS}
			open := s.As == asProposed || strings.HasPrefix(s.As, "evidence")
			switch {
			case s.Shown == "":
				show.As = asProposed
				return []Want{{ID: events.DeriveID(s.Cause, slackProposalSlot), Work: show}}
			case s.Shown != s.As && !(open && s.Shown == Expired):
				return []Want{{ID: events.DeriveID(s.Cause, slackProposalSlot), Work: show}}
			case open && s.Shown != Expired:
				show.As = Expired
				return []Want{{ID: events.DeriveID(s.Cause, slackExpirySlot), Work: show, At: s.At.Add(ProposalFor)}}
			}
			return nil
		},
		Over: func(s slackProposalState) bool {
			switch s.As {
			case "withdrawn", "rejected", "rolled_back":
				return s.None || s.Shown == s.As
			}
			return s.None
		},
	}
}
