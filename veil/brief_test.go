package veil_test

import (
	"context"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/veil"
)

// curt leaves out of a brief read what it may, and has something happen as one begins.
type curt struct {
	eventstore.Store
	begins func()
	briefs int
}

func (c *curt) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		if o.Brief {
			c.briefs++
		}
		if c.begins != nil {
			c.begins()
		}
		for e, err := range c.Store.ReadAll(ctx, o) {
			if o.Brief {
				e.ID, e.Actor = uuid.Nil, ""
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// Texts are bound to the ids of their events, and read models are folded from reads without ids. A person whose key is made
// while such a read is under way is read as any other.
func TestBriefReadsShowTexts(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"known before": false, "known since it began": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &curt{Store: eventstore.NewMemory(time.Now)}
			s := veil.New(c, veil.Config{Keys: &veil.Memory{}})
			ask := func() {
				batch := []events.Envelope{envelope(t, "user:"+anna, events.RunStarted{Run: "r1", Workflow: "slack", Requester: anna, Prompt: "where is it?"})}
				if _, err := s.Append(t.Context(), "run-r1", eventstore.NoStream, batch); err != nil {
					t.Error(err)
				}
			}
			if late {
				c.begins = ask
			} else {
				ask()
			}
			n := 0
			for e, err := range s.ReadAll(t.Context(), eventstore.ReadOptions{Brief: true}) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; !strings.Contains(string(e.Data), "where is it?") || strings.Contains(string(e.Data), "person:") {
					t.Errorf("got %s", e.Data)
				}
			}
			if n != 1 || late != (c.briefs == 1) {
				t.Errorf("%d events, %d of the reads were brief", n, c.briefs)
			}
		})
	}
}
