package events

import "time"

// Milestone is what happened for the first time.
type Milestone string

// The milestones.
const (
	FirstProposal    Milestone = "proposal"
	FirstImprovement Milestone = "improvement"
	FirstSaving      Milestone = "saving"
	FirstLiked       Milestone = "liked"
	FirstFaster      Milestone = "faster"
)

// Says is a milestone in words.
func (m Milestone) Says() string {
	return map[Milestone]string{
		FirstProposal: "first pattern that carried a proposal", FirstImprovement: "first improvement", FirstSaving: "30% saved by a change",
		FirstLiked: "first answer that somebody liked", FirstFaster: "improvements began to come faster",
	}[m]
}

// Week is the first moment of the week of a time: its Monday, UTC.
func Week(at time.Time) time.Time { return at.UTC().Truncate(7 * 24 * time.Hour) }

// Pace is how fast improvements come. The zero value has seen none.
type Pace struct {
	// Week is the one of the latest improvement, by its first moment; Made counts those in it, Most the most of a week before it.
	Week time.Time `json:"week,omitzero"`
	Made int       `json:"made,omitempty"`
	Most int       `json:"most,omitempty"`
}

// Take takes in when the next one came. It is faster once there are more in a week than in any before it, of which there was one.
func (p *Pace) Take(at time.Time) (faster bool) {
	if week := Week(at); !week.Equal(p.Week) {
		p.Week, p.Most, p.Made = week, max(p.Most, p.Made), 0
	}
	p.Made++
	return p.Most > 0 && p.Made > p.Most
}
