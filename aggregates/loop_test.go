package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestPauseLoop(t *testing.T) {
	t.Parallel()
	pause := func(by, actor, reason string) commands.PauseLoop {
		return commands.PauseLoop{Meta: commands.Meta{Actor: actor}, By: by, Reason: reason}
	}
	resume := func(by, actor string) commands.ResumeLoop {
		return commands.ResumeLoop{Meta: commands.Meta{Actor: actor}, By: by}
	}
	paused, resumed := events.LoopPaused{By: "user:anna", Reason: "look"}, events.LoopResumed{By: "user:anna"}
	scenarios{
		"paused":                     {when: pause("user:anna", "user:anna", "look"), then: []events.Event{paused}},
		"paused again":               {given: []events.Event{paused}, when: pause("user:bert", "user:bert", "me too")},
		"without a reason":           {when: pause("user:anna", "user:anna", " "), err: aggregates.ErrInvalid},
		"by nobody":                  {when: pause("", "user:anna", "look"), err: aggregates.ErrInvalid},
		"by a machine":               {when: pause("analyst:cost", "user:anna", "look"), err: aggregates.ErrInvalid},
		"resumed":                    {given: []events.Event{paused}, when: resume("user:anna", "user:anna"), then: []events.Event{resumed}},
		"resumed while it goes on":   {when: resume("user:anna", "user:anna")},
		"resumed twice":              {given: []events.Event{paused, resumed}, when: resume("user:anna", "user:anna")},
		"resumed by a machine":       {given: []events.Event{paused}, when: resume("user:anna", "manager:experiment"), err: aggregates.ErrInvalid},
		"paused anew after a resume": {given: []events.Event{paused, resumed}, when: pause("user:anna", "user:anna", "look"), then: []events.Event{paused}},
	}.run(t)
}
