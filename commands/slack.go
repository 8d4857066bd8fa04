package commands

import "github.com/virtuous6/virtuous6/events"

// SlackStream is the stream of an interaction or of a post.
func SlackStream(workspace, id string) string { return events.StreamName("slack", workspace, id) }

// RecordInteraction keeps what came of something that a person did in Slack.
type RecordInteraction struct {
	Meta
	Interaction string
	User        string
	Channel     string
	Thread      string
	Type        string
	Name        string
	Run         string
	Outcome     events.SlackOutcome
	Reason      string
	TookNanos   int64
}

// OpenSlackThread records that a run's thread was begun.
type OpenSlackThread struct {
	Meta
	Post         string
	Run          string
	Conversation string
	Channel      string
	Thread       string
}

// StartSlackStream records that a run's answer streams into a message.
type StartSlackStream struct {
	Meta
	Post    string
	Run     string
	Channel string
	Thread  string
	TS      string
}

// RecordSlackPost records that something was posted.
type RecordSlackPost struct {
	Meta
	Post    string
	Run     string
	Channel string
	Thread  string
	TS      string
	Reason  string
}

func (c RecordInteraction) Stream() string { return SlackStream(c.Workspace, c.Interaction) }
func (c OpenSlackThread) Stream() string   { return SlackStream(c.Workspace, c.Post) }
func (c StartSlackStream) Stream() string  { return SlackStream(c.Workspace, c.Post) }
func (c RecordSlackPost) Stream() string   { return SlackStream(c.Workspace, c.Post) }

func (RecordInteraction) slack() {}
func (OpenSlackThread) slack()   {}
func (StartSlackStream) slack()  {}
func (RecordSlackPost) slack()   {}
