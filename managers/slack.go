package managers

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// SlackRun is a run that was asked for in Slack, as far as its answer's way there goes.
type SlackRun struct {
	Workspace string `json:"workspace,omitempty"`
	Run       string `json:"run"`
	// Conversation is the run's, Requester who asked.
	Conversation string    `json:"conversation"`
	Requester    string    `json:"requester,omitempty"`
	StartedAt    time.Time `json:"started_at"`
	// Thread is the time stamp of the thread that was begun for it, in Channel; Stream that of the message that it streamed into last.
	Channel string `json:"channel,omitempty"`
	Thread  string `json:"thread,omitempty"`
	Stream  string `json:"stream,omitempty"`
	// Phrases tells that it finds words for what the record says: they are posted once they were looked at, never as they come.
	Phrases bool `json:"phrases,omitempty"`
}

// phraseWithin is how long a model may take for words for what the record says. Then, or where the run has to wait for money, the record
// speaks for itself.
const phraseWithin = 20 * time.Second

// SlackFollow is the work of showing in Slack that a run is under way. It is over at once: what is shown goes on beside it.
type SlackFollow struct{ SlackRun }

// SlackAnswer is the work of posting what a run came to.
type SlackAnswer struct{ SlackRun }

// Kind implements Work.
func (SlackFollow) Kind() string { return "slack.follow" }

// Kind implements Work.
func (SlackAnswer) Kind() string { return "slack.answer" }

// Share implements Work: conversations are served in turn.
func (r SlackRun) Share() string { return r.Workspace + "\x00" + r.Conversation }

type slackState struct {
	SlackRun
	Cause uuid.UUID `json:"cause"`
	// Begun tells that there is a thread to answer in, Ended that the run has come to its end.
	Begun bool `json:"begun,omitempty"`
	Ended bool `json:"ended,omitempty"`
	// Waits is the fact by which it has to wait for money, and Since when that was.
	Waits  uuid.UUID `json:"waits,omitzero"`
	Since  time.Time `json:"since,omitzero"`
	Posted bool      `json:"posted,omitempty"`
}

// The want ids of the two kinds of work, among what derives from the fact that started the run.
const (
	slackFollowSlot = 0x5100 + iota
	slackAnswerSlot
	slackWordsSlot
)

// slack brings the answers of runs that were asked for in Slack there. One thread is begun for what came without one, and
// one answer is posted, however often the process dies.
func slack() Manager[slackState] {
	return Manager[slackState]{
		Name: "slack", Version: 4, Key: ofRun, Opens: []string{"run.started"},
		Follows: []string{"run.finished", "run.failed", "run.cancelled", "run.suspended", "slack.thread_opened", "slack.stream_started", "slack.posted"},
		Evolve: func(s slackState, e *events.Envelope, fact events.Event) slackState {
			switch f := fact.(type) {
			case events.RunStarted:
				thread, err := events.ParseSlackThread(f.Conversation)
				if err != nil || f.Source != nil {
					return slackState{Posted: true}
				}
				s = slackState{Cause: e.ID, SlackRun: SlackRun{
					Workspace: e.Workspace, Run: f.Run, Conversation: f.Conversation, Requester: f.Requester, StartedAt: e.OccurredAt, Thread: thread.TS, Phrases: f.Phrases != nil,
				}}
				// A later run of the conversation finds the thread that the first one began.
				s.Begun = thread.TS != "" || thread.Ask != f.Run
			case events.SlackThreadOpened:
				s.Begun, s.Channel, s.Thread = true, f.Channel, f.Thread
			case events.SlackStreamStarted:
				s.Stream = f.TS
			case events.SlackPosted:
				// What else is posted of a run goes by another name.
				s.Posted = s.Posted || f.Post == s.Run
			case events.RunSuspended:
				s.Waits, s.Since = e.ID, e.OccurredAt
			case events.RunFinished, events.RunFailed, events.RunCancelled:
				s.Ended = true
			}
			return s
		},
		Wants: func(s slackState) []Want {
			if !s.Begun || !s.Ended {
				wants := []Want{{ID: events.DeriveID(s.Cause, slackFollowSlot), Work: SlackFollow{s.SlackRun}}}
				if s.Phrases && !s.Ended {
					wants = append(wants, s.enough())
				}
				return wants
			}
			return []Want{{ID: events.DeriveID(s.Cause, slackAnswerSlot), Work: SlackAnswer{s.SlackRun}}}
		},
		Over: func(s slackState) bool { return s.Posted },
	}
}

// enough ends a run that finds words once that takes too long, or has to wait for money.
func (s slackState) enough() Want {
	c := commands.CancelRun{Meta: meta("slack", s.Cause, slackWordsSlot, s.StartedAt.Add(phraseWithin), s.Workspace, s.Run), Run: s.Run, Reason: fmt.Sprintf("no words came within %s", phraseWithin)}
	if s.Waits != uuid.Nil {
		c.Meta, c.Reason = meta("slack", s.Waits, slackWordsSlot, s.Since, s.Workspace, s.Run), "there is no money for words"
		return Want{ID: c.ID, Command: c}
	}
	return Want{ID: c.ID, Command: c, At: c.At}
}
