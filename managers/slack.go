package managers

import (
	"time"

	"github.com/google/uuid"

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
	// Thread is the time stamp of the thread that was begun for it, Stream that of the message that it streamed into last.
	Thread string `json:"thread,omitempty"`
	Stream string `json:"stream,omitempty"`
}

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
	Begun  bool `json:"begun,omitempty"`
	Ended  bool `json:"ended,omitempty"`
	Posted bool `json:"posted,omitempty"`
}

// The want ids of the two kinds of work, among what derives from the fact that started the run.
const (
	slackFollowSlot = 0x5100 + iota
	slackAnswerSlot
)

// slack brings the answers of runs that were asked for in Slack there. One thread is begun for what came without one, and
// one answer is posted, however often the process dies.
func slack() Manager[slackState] {
	return Manager[slackState]{
		Name: "slack", Version: 2, Key: ofRun, Opens: []string{"run.started"},
		Follows: []string{"run.finished", "run.failed", "run.cancelled", "slack.thread_opened", "slack.stream_started", "slack.posted"},
		Evolve: func(s slackState, e *events.Envelope, fact events.Event) slackState {
			switch f := fact.(type) {
			case events.RunStarted:
				thread, err := events.ParseSlackThread(f.Conversation)
				if err != nil || f.Source != nil {
					return slackState{Posted: true}
				}
				s = slackState{Cause: e.ID, SlackRun: SlackRun{
					Workspace: e.Workspace, Run: f.Run, Conversation: f.Conversation, Requester: f.Requester, StartedAt: e.OccurredAt, Thread: thread.TS,
				}}
				// A later run of the conversation finds the thread that the first one began.
				s.Begun = thread.TS != "" || thread.Ask != f.Run
			case events.SlackThreadOpened:
				s.Begun, s.Thread = true, f.Thread
			case events.SlackStreamStarted:
				s.Stream = f.TS
			case events.SlackPosted:
				// What else is posted of a run goes by another name.
				s.Posted = s.Posted || f.Post == s.Run
			case events.RunFinished, events.RunFailed, events.RunCancelled:
				s.Ended = true
			}
			return s
		},
		Wants: func(s slackState) []Want {
			if !s.Begun || !s.Ended {
				return []Want{{ID: events.DeriveID(s.Cause, slackFollowSlot), Work: SlackFollow{s.SlackRun}}}
			}
			return []Want{{ID: events.DeriveID(s.Cause, slackAnswerSlot), Work: SlackAnswer{s.SlackRun}}}
		},
		Over: func(s slackState) bool { return s.Posted },
	}
}
