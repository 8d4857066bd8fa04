package managers

import (
	"cmp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
)

// SlackCard is a message in Slack that shows how something stands: it is posted once, and changed when something comes of it.
type SlackCard struct {
	Workspace string `json:"workspace,omitempty"`
	// Of is what it shows, Run the run that this belongs to.
	Of  string `json:"of,omitempty"`
	Run string `json:"run,omitempty"`
	// Since is when there was first something to show.
	Since time.Time `json:"since"`
	// As is what it is shown as.
	As string `json:"as,omitempty"`
	// By and At tell who decided what it is shown as, and when, where that is no row's to tell.
	By string    `json:"by,omitempty"`
	At time.Time `json:"at,omitzero"`
	// Channel and TS name the message, once there is one.
	Channel string `json:"channel,omitempty"`
	TS      string `json:"ts,omitempty"`
}

// Share implements Work: cards stand in a line of their own.
func (c SlackCard) Share() string { return c.Workspace + "\x00cards" }

// Post names what is posted or changed: what the card shows, and behind a slash what it is changed to.
func (c SlackCard) Post() string {
	if c.TS == "" {
		return c.Of
	}
	return c.Of + "/" + c.As
}

// slackCard is a card as its manager remembers it.
type slackCard struct {
	SlackCard
	// Cause is the fact that made it what it is, First what it was at first.
	Cause uuid.UUID `json:"cause"`
	First string    `json:"first,omitempty"`
	// Shown is what the message shows, empty before there is one; None tells that there will be none.
	Shown string `json:"shown,omitempty"`
	None  bool   `json:"none,omitempty"`
}

// become has the card show something else.
func (c *slackCard) become(as string, e *events.Envelope) {
	c.As, c.Cause, c.First = as, e.ID, cmp.Or(c.First, as)
}

// posted takes in that the card was posted, or changed.
func (c *slackCard) posted(f events.SlackPosted) {
	as, changed := strings.CutPrefix(f.Post, c.Of+"/")
	switch {
	case changed:
		c.Shown = as
	case f.Post == c.Of:
		c.Channel, c.TS, c.None, c.Shown = f.Channel, f.TS, f.TS == "", c.First
	}
}

// done tells that the message shows how it stands, or that there is none.
func (c *slackCard) done() bool { return c.None || c.Shown == c.As }

// The want ids among what derives from the fact behind a card.
const (
	slackCardSlot = 0x5110 + iota
	slackExpirySlot
	slackChangeSlot
	slackWaitSlot
)

// wantID is that of showing how it stands. Posting is another wish than changing what was posted: the fact behind both may be
// older than the post.
func (c *slackCard) wantID() uuid.UUID {
	if c.Shown == "" {
		return events.DeriveID(c.Cause, slackCardSlot)
	}
	return events.DeriveID(c.Cause, slackChangeSlot)
}
