package redact_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/redact"
)

// A new text in a fact is a name until someone says otherwise: this test asks.
func TestEveryTextOfEveryFactIsToldFromNames(t *testing.T) {
	t.Parallel()
	// One a line, so that two who add one do not meet.
	names := strings.Fields(`
		id
		fix
		configured
		cron
		dataset
		edits
		eval
		evals
		judge
		prompt_hash
		gained
		lost
		agent
		agents
		analyst
		api
		approval
		arm
		as
		asked_by
		assigned_by
		asker
		approvers
		ask_tools
		kinds
		may
		assignee
		author
		budget
		by
		canary
		change
		channel
		conversation
		day
		depends_on
		digest
		file
		earlier
		escalate
		dropped
		drafted_by
		experiment
		fallbacks
		fetch_hosts
		fetch_networks
		failure
		feedback
		finish_reason
		format
		from
		goal
		guardrail
		holder
		improvement
		interaction
		judgement
		kind
		label
		last
		level
		maker
		metric
		missed
		model
		models
		move
		name
		never_tools
		next
		of
		on_failure
		outcome
		parent
		period
		person
		plan_source
		post
		previous
		prints
		provider
		path
		record
		remote
		requester
		reservation
		role
		rolls_back
		rule
		skill
		reasoning_effort
		run
		runbook
		runs
		scopes
		secret_env
		self_approved
		server
		severity
		since
		starting
		statistic
		status
		step_kind
		steps
		stream
		strength
		subject
		task
		tasks
		team
		template
		thread
		tick
		token
		to
		tool
		tools
		trigger
		ts
		type
		unit
		user
		verdict
		webhook
		workflow
		zone
	`)
	texts := []string{"answer", "answered", "arguments", "asked", "better", "criterion", "description", "error", "ground", "instruction", "invalid", "note", "notes", "params", "prompt", "question", "reason", "result", "schema", "text", "title", "undrafted", "wish"}
	key := "ghp_" + mixed[:36]
	for _, kind := range events.Known.Kinds() {
		fact, err := events.Known.Decode(kind, 1, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range stringMembers(reflect.TypeOf(fact), nil) {
			isName, isText := slices.Contains(names, member), slices.Contains(texts, member)
			if isName == isText {
				t.Errorf("%s.%s: say in redact.go's texts that it is text, or here that it is a name", kind, member)
			}
			data := fmt.Sprintf(`{%q:%q}`, member, key)
			e, err := redact.Envelope(events.Envelope{Kind: kind, Data: []byte(data)})
			if isText && (err != nil || string(e.Data) != fmt.Sprintf(`{%q:"[redacted]"}`, member)) || isName && !errors.Is(err, redact.ErrName) {
				t.Errorf("%s.%s: got %s, %v", kind, member, e.Data, err)
			}
		}
	}
}

// stringMembers lists the JSON names of a type's members that hold texts.
func stringMembers(typ reflect.Type, out []string) []string {
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		inner := field.Type
		if inner == reflect.TypeFor[json.RawMessage]() || inner == reflect.TypeFor[[]events.Message]() || inner == reflect.TypeFor[events.Message]() {
			out = append(out, name)
			continue
		}
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		switch {
		case inner.Kind() == reflect.String:
			out = append(out, name)
		case inner.Kind() == reflect.Struct && strings.HasPrefix(inner.PkgPath(), "github.com/virtuous6"):
			out = stringMembers(inner, out)
		}
	}
	return out
}
