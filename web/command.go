package web

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// maxBody bounds a request's body in bytes.
const maxBody = 512 << 10

// Idempotency takes the key that makes a repeated request the same wish. Wishes embed it in their input; it is exported
// because huma skips what is not.
type Idempotency struct {
	Key string `header:"Idempotency-Key" maxLength:"255" doc:"The same key and body again is the same wish, not another one."`
}

// ids are those of the thing that a wish makes, and of its command. With a key, the thing follows from the key alone
// and the command from key and body: the same request is a repeat, and another body under a used key asks to make what
// is there already, which its aggregate refuses. They carry no time of their own (1970), since a repeat comes later.
func (d *door) ids(ctx context.Context, key, noun string, body any) (thing, command uuid.UUID, err error) {
	if key == "" {
		thing = d.NewID()
		return thing, events.DeriveID(thing, 0), nil
	}
	content, err := json.Marshal(body)
	if err != nil {
		return uuid.Nil, uuid.Nil, fmt.Errorf("content of the wish: %w", err)
	}
	name := strings.Join([]string{"web", Workspace(ctx, d.Workspace), noun, key}, "\x00")
	return events.NameID(time.UnixMilli(0), name), events.NameID(time.UnixMilli(0), name+"\x00"+string(content)), nil
}

func (d *door) meta(ctx context.Context, id uuid.UUID, run string) commands.Meta {
	return commands.Meta{ID: id, At: d.Now().UTC(), Actor: actor(ctx), Workspace: Workspace(ctx, d.Workspace), Correlation: run}
}

// named is a text of a request's body with its key.
type named struct{ key, text string }

// texts refuses what not every store can hold.
func texts(list ...named) error {
	for _, n := range list {
		if strings.ContainsRune(n.text, 0) {
			return huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{
				Location: "body." + n.key, Message: "a text can't hold the NUL character",
			})
		}
	}
	return nil
}

// needed refuses a text that says nothing.
func needed(key, text string) error {
	if strings.TrimSpace(text) == "" {
		return huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "body." + key, Message: "must not be blank"})
	}
	return nil
}
