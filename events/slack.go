package events

import (
	"errors"
	"strings"
)

// SlackInteracted tells what came of something that a person did in Slack: a question, a command, a button, a modal. The
// words themselves are not in it.
type SlackInteracted struct {
	Interaction string `json:"interaction"`
	// User is who did it, "slack:TEAM:USER".
	User    string `json:"user"`
	Channel string `json:"channel,omitempty"`
	Thread  string `json:"thread,omitempty"`
	// Type is the way it came ("mention", "slash", "button"), Name what was asked for ("ask", "metrics", "judge").
	Type string `json:"type"`
	Name string `json:"name"`
	// Run is the run that it started or was about.
	Run     string       `json:"run,omitempty"`
	Outcome SlackOutcome `json:"outcome"`
	// Reason tells why it was refused, or how it failed.
	Reason string `json:"reason,omitempty"`
	// TookNanos is how long it took from its arrival until it was answered. A run that it started goes on after that.
	TookNanos int64 `json:"took_nanos"`
}

// SlackOutcome is what came of an interaction.
type SlackOutcome string

// The closed vocabulary of what comes of an interaction.
const (
	SlackStarted  SlackOutcome = "started"
	SlackRecorded SlackOutcome = "recorded"
	SlackAnswered SlackOutcome = "answered"
	SlackRefused  SlackOutcome = "refused"
	SlackFailed   SlackOutcome = "failed"
)

// SlackThreadOpened tells that a run's thread was begun by a message, since what asked for it came without one.
type SlackThreadOpened struct {
	Post string `json:"post"`
	Run  string `json:"run"`
	// Conversation is the run's, and that of the runs which follow in the thread.
	Conversation string `json:"conversation"`
	Channel      string `json:"channel"`
	// Thread is the time stamp of the message, which names the thread from then on.
	Thread string `json:"thread"`
}

// SlackStreamStarted tells that a run's answer has begun to stream into a message.
type SlackStreamStarted struct {
	Post    string `json:"post"`
	Run     string `json:"run"`
	Channel string `json:"channel"`
	Thread  string `json:"thread"`
	TS      string `json:"ts"`
}

// SlackPosted tells that what a run came to, or what was proposed, was posted. It is posted once.
type SlackPosted struct {
	// Post names what was posted: the run's or the improvement's id.
	Post    string `json:"post"`
	Run     string `json:"run,omitempty"`
	Channel string `json:"channel"`
	Thread  string `json:"thread,omitempty"`
	// TS is the message's time stamp, which names it within its channel. It is empty where Slack would not have it.
	TS string `json:"ts,omitempty"`
	// Reason tells why it was not streamed where it was to be, or why Slack would not have it at all.
	Reason string `json:"reason,omitempty"`
}

func (SlackInteracted) Kind() string    { return "slack.interacted" }
func (SlackThreadOpened) Kind() string  { return "slack.thread_opened" }
func (SlackStreamStarted) Kind() string { return "slack.stream_started" }
func (SlackPosted) Kind() string        { return "slack.posted" }

func (SlackInteracted) slack()    {}
func (SlackThreadOpened) slack()  {}
func (SlackStreamStarted) slack() {}
func (SlackPosted) slack()        {}

// SlackThread is a thread in Slack. A run that came from there has it as its conversation.
type SlackThread struct {
	Team    string `json:"team,omitempty"`
	Channel string `json:"channel"`
	// TS is the time stamp of its first message. It is empty for one that is still to be begun: Ask then tells it from others.
	TS  string `json:"ts,omitempty"`
	Ask string `json:"ask,omitempty"`
}

// Conversation is the thread as a run's conversation.
func (t SlackThread) Conversation() string {
	if t.TS == "" {
		return "slack:" + t.Team + ":" + t.Channel + ":ask:" + t.Ask
	}
	return "slack:" + t.Team + ":" + t.Channel + ":" + t.TS
}

// errNoSlackThread tells of a conversation that is none in Slack.
var errNoSlackThread = errors.New("not a thread in Slack")

// ParseSlackThread reads what Conversation writes.
func ParseSlackThread(conversation string) (SlackThread, error) {
	parts := strings.Split(conversation, ":")
	if len(parts) < 4 || parts[0] != "slack" || parts[2] == "" {
		return SlackThread{}, errNoSlackThread
	}
	t := SlackThread{Team: parts[1], Channel: parts[2]}
	switch {
	case len(parts) == 4 && parts[3] != "":
		t.TS = parts[3]
	case len(parts) == 5 && parts[3] == "ask" && parts[4] != "":
		t.Ask = parts[4]
	default:
		return SlackThread{}, errNoSlackThread
	}
	return t, nil
}

// SlackUser is a person in Slack, as facts name them.
func SlackUser(team, user string) string { return "slack:" + team + ":" + user }
