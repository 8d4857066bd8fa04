package aggregates_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func triggerWish(t *rapid.T) commands.Command {
	if rapid.Bool().Draw(t, "remove") {
		return commands.RemoveTrigger{Trigger: "t"}
	}
	return commands.SetTrigger{Replace: rapid.Bool().Draw(t, "replace"), Set: events.TriggerSet{
		Trigger: "t", Prompt: pick(t, "prompt", "hi", ""), Cron: pick(t, "cron", "@daily", "0 7 * * 1-5", "", "nonsense", "0 0 31 2 *", "TZ=0"), Zone: pick(t, "zone", "", "Europe/Berlin", "Nowhere"),
		Webhook: pick[events.Signature](t, "webhook", "", events.GitHubWebhooks, "none"), Secret: pick(t, "secret", "", "S", "a b"),
	}}
}

func timerWish(t *rapid.T) commands.Command {
	return commands.FireTimer{Fired: events.TimerFired{Trigger: "t", Tick: time.Unix(rapid.Int64Range(0, 5).Draw(t, "tick"), 0).UTC()}}
}

func TestTriggers(t *testing.T) {
	t.Parallel()
	daily := events.TriggerSet{Trigger: "nightly", Cron: "@daily", Prompt: "Sum up."}
	hook := events.TriggerSet{Trigger: "issues", Webhook: events.GitHubWebhooks, Secret: "ISSUES_SECRET", Prompt: "{{title}}"}
	with := func(set events.TriggerSet, change func(*events.TriggerSet)) commands.SetTrigger {
		change(&set)
		return commands.SetTrigger{Set: set}
	}
	scenarios{
		"a clock":                {when: commands.SetTrigger{Set: daily}, then: []events.Event{daily}},
		"deliveries":             {when: commands.SetTrigger{Set: hook}, then: []events.Event{hook}},
		"the same again":         {given: []events.Event{daily}, when: commands.SetTrigger{Set: daily}},
		"another of its name":    {given: []events.Event{daily}, when: with(daily, func(s *events.TriggerSet) { s.Prompt = "x" }), err: aggregates.ErrExists},
		"removed":                {given: []events.Event{daily}, when: commands.RemoveTrigger{Trigger: "nightly", Reason: "r"}, then: []events.Event{events.TriggerRemoved{Reason: "r"}}},
		"removed twice":          {given: []events.Event{daily, events.TriggerRemoved{}}, when: commands.RemoveTrigger{Trigger: "nightly"}, err: aggregates.ErrMissing},
		"set anew":               {given: []events.Event{daily, events.TriggerRemoved{}}, when: commands.SetTrigger{Set: daily}, then: []events.Event{daily}},
		"by a machine":           {when: commands.SetTrigger{Meta: commands.Meta{Actor: "agent:clerk"}, Set: daily}, err: aggregates.ErrInvalid},
		"by a trigger":           {when: commands.SetTrigger{Meta: commands.Meta{Actor: "trigger:nightly"}, Set: daily}, err: aggregates.ErrInvalid},
		"neither":                {when: with(daily, func(s *events.TriggerSet) { s.Cron = "" }), err: aggregates.ErrInvalid},
		"both":                   {when: with(daily, func(s *events.TriggerSet) { s.Webhook, s.Secret = "github", "S" }), err: aggregates.ErrInvalid},
		"no prompt":              {when: with(daily, func(s *events.TriggerSet) { s.Prompt = " " }), err: aggregates.ErrInvalid},
		"a name for no address":  {when: with(daily, func(s *events.TriggerSet) { s.Trigger = "a/b" }), err: aggregates.ErrInvalid},
		"no schedule":            {when: with(daily, func(s *events.TriggerSet) { s.Cron = "every day" }), err: commands.ErrSchedule},
		"a zone inside":          {when: with(daily, func(s *events.TriggerSet) { s.Cron = "TZ=0 * * * *" }), err: commands.ErrSchedule},
		"a day that never comes": {when: with(daily, func(s *events.TriggerSet) { s.Cron = "0 0 31 2 *" }), err: commands.ErrSchedule},
		"too often":              {when: with(daily, func(s *events.TriggerSet) { s.Cron = "@every 1s" }), err: commands.ErrSchedule},
		"no such zone":           {when: with(daily, func(s *events.TriggerSet) { s.Zone = "Europe/Nowhere" }), err: commands.ErrSchedule},
		"no secret":              {when: with(hook, func(s *events.TriggerSet) { s.Secret = "" }), err: aggregates.ErrInvalid},
		"a secret itself":        {when: with(hook, func(s *events.TriggerSet) { s.Secret = "s3cr3t-s3cr3t" }), err: aggregates.ErrInvalid},
		"an unknown signature":   {when: with(hook, func(s *events.TriggerSet) { s.Webhook = "none" }), err: aggregates.ErrInvalid},
		"a goal of an agent":     {when: with(hook, func(s *events.TriggerSet) { s.Goal, s.Agent = true, "clerk" }), err: aggregates.ErrInvalid},
	}.run(t)
	at := func(hour int) events.TimerFired {
		return events.TimerFired{Trigger: "nightly", Tick: time.Date(2026, 11, 22, hour, 0, 0, 0, time.UTC)}
	}
	scenarios{
		"a tick":             {when: commands.FireTimer{Fired: at(2)}, then: []events.Event{at(2)}},
		"the next tick":      {given: []events.Event{at(2)}, when: commands.FireTimer{Fired: at(3)}, then: []events.Event{at(3)}},
		"a tick that was":    {given: []events.Event{at(2)}, when: commands.FireTimer{Fired: at(2)}, err: aggregates.ErrExists},
		"a tick before that": {given: []events.Event{at(2)}, when: commands.FireTimer{Fired: at(1)}, err: aggregates.ErrExists},
	}.run(t)
}
