package events_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
)

func TestASlackThreadIsAConversation(t *testing.T) {
	t.Parallel()
	for _, want := range []events.SlackThread{{Team: "T1", Channel: "C1", TS: "1700000000.000100"}, {Team: "T1", Channel: "D1", Ask: "0192-7"}, {Channel: "C1", TS: "1.2"}} {
		if got, err := events.ParseSlackThread(want.Conversation()); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", want.Conversation(), got, err)
		}
	}
	for _, other := range []string{"", "C1/17", "slack:T1:C1", "slack:T1::1.2", "slack:T1:C1:", "slack:T1:C1:ask:", "slack:T1:C1:see:x", "slack:T1:C1:ask:a:b", "teams:T1:C1:1.2"} {
		if got, err := events.ParseSlackThread(other); err == nil {
			t.Errorf("%q: got %+v", other, got)
		}
	}
}
