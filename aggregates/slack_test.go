package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestSlack(t *testing.T) {
	t.Parallel()
	record := commands.RecordInteraction{
		Interaction: "i", User: "slack:T:U", Channel: "C", Thread: "1.2", Type: "slash", Name: "ask", Run: "r", Outcome: events.SlackRefused, Reason: "no", TookNanos: -1,
	}
	interacted := events.SlackInteracted{Interaction: "i", User: "slack:T:U", Channel: "C", Thread: "1.2", Type: "slash", Name: "ask", Run: "r", Outcome: events.SlackRefused, Reason: "no"}
	open := commands.OpenSlackThread{Post: "r", Run: "r", Conversation: "slack:T:C:ask:r", Channel: "C", Thread: "1.2"}
	opened := events.SlackThreadOpened{Post: "r", Run: "r", Conversation: "slack:T:C:ask:r", Channel: "C", Thread: "1.2"}
	stream := commands.StartSlackStream{Post: "r", Run: "r", Channel: "C", Thread: "1.2", TS: "3.4"}
	streams := events.SlackStreamStarted{Post: "r", Run: "r", Channel: "C", Thread: "1.2", TS: "3.4"}
	post := commands.RecordSlackPost{Post: "r", Run: "r", Channel: "C", Thread: "1.2", TS: "3.4", Reason: "plain"}
	posted := events.SlackPosted{Post: "r", Run: "r", Channel: "C", Thread: "1.2", TS: "3.4", Reason: "plain"}
	scenarios{
		"an interaction":        {when: record, then: []events.Event{interacted}},
		"recorded once":         {given: []events.Event{interacted}, when: record, err: aggregates.ErrExists},
		"of nobody":             {when: commands.RecordInteraction{Interaction: "i", Type: "slash", Name: "ask", Outcome: "started"}, err: aggregates.ErrInvalid},
		"a thread":              {when: open, then: []events.Event{opened}},
		"a thread once":         {given: []events.Event{opened}, when: open, err: aggregates.ErrExists},
		"a thread of no one":    {when: commands.OpenSlackThread{Post: "r", Channel: "C"}, err: aggregates.ErrInvalid},
		"a stream":              {given: []events.Event{opened}, when: stream, then: []events.Event{streams}},
		"a stream after a stop": {given: []events.Event{streams}, when: stream, then: []events.Event{streams}},
		"a stream of nothing":   {when: commands.StartSlackStream{Post: "r", Channel: "C"}, err: aggregates.ErrInvalid},
		"a post":                {given: []events.Event{opened, streams}, when: post, then: []events.Event{posted}},
		"a post once":           {given: []events.Event{posted}, when: post, err: aggregates.ErrExists},
		"no stream after it":    {given: []events.Event{posted}, when: stream, err: aggregates.ErrExists},
		"a post nowhere":        {when: commands.RecordSlackPost{Post: "r", TS: "3.4"}, err: aggregates.ErrInvalid},
		"a post without reason": {when: commands.RecordSlackPost{Post: "r", Channel: "C"}, err: aggregates.ErrInvalid},
		"refused by Slack": {
			when: commands.RecordSlackPost{Post: "r", Channel: "C", Reason: "channel_not_found"},
			then: []events.Event{events.SlackPosted{Post: "r", Channel: "C", Reason: "channel_not_found"}},
		},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return commands.RecordInteraction{Interaction: name, User: "u", Type: "slash", Name: "ask", Outcome: events.SlackStarted}
	})
	refusesBadNames(t, nil, func(name string) commands.Command {
		return commands.RecordSlackPost{Post: name, Channel: "C", TS: "1.2"}
	})
}
