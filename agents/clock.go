package agents

import (
	"context"
	"encoding/json"
	"time"
)

// clock tells a model the time, which it can't know by itself.
func clock(now func() time.Time) Tool {
	return Tool{
		Name:        "clock",
		Description: "Tells the current date and time in UTC, with the day of the week.",
		Schema:      json.RawMessage(`{"type":"object","properties":{},"additionalProperties":false}`),
		Repeatable:  true,
		Call: func(context.Context, Call) (string, error) {
			return now().UTC().Format("Monday, 2006-01-02T15:04:05Z"), nil
		},
	}
}
