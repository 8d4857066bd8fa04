package commands

import (
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// TriggerStream is the stream of a trigger.
func TriggerStream(workspace, trigger string) string {
	return events.StreamName("trigger", workspace, trigger)
}

// TimerStream is the stream of a trigger's ticks: only the last one counts there.
func TimerStream(workspace, trigger string) string {
	return events.StreamName("timer", workspace, trigger)
}

// SetTrigger has runs started by a clock, or by what somebody delivers.
type SetTrigger struct {
	Meta
	Set events.TriggerSet
	// Replace lets it take the place of one that is there.
	Replace bool
}

// RemoveTrigger ends a trigger.
type RemoveTrigger struct {
	Meta
	Trigger string
	Reason  string
}

// FireTimer notes what came of a tick.
type FireTimer struct {
	Meta
	Fired events.TimerFired
}

func (c SetTrigger) Stream() string    { return TriggerStream(c.Workspace, c.Set.Trigger) }
func (c RemoveTrigger) Stream() string { return TriggerStream(c.Workspace, c.Trigger) }
func (c FireTimer) Stream() string     { return TimerStream(c.Workspace, c.Fired.Trigger) }

func (SetTrigger) trigger()    {}
func (RemoveTrigger) trigger() {}
func (FireTimer) timer()       {}

// TickID is that of what a tick starts, whoever starts it.
func TickID(workspace, trigger string, tick time.Time) string {
	tick = tick.UTC()
	return events.NameID(tick, "tick\x00"+workspace+"\x00"+trigger+"\x00"+tick.Format(time.RFC3339)).String()
}

// DeliveryID is that of what a delivery starts, however often it comes. It carries no time: a repeat comes later.
func DeliveryID(workspace, trigger, delivery string) string {
	return events.NameID(time.UnixMilli(0), "delivery\x00"+workspace+"\x00"+trigger+"\x00"+delivery).String()
}
