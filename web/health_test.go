package web_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/web"
)

func TestReadiness(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reader reader
		head   uint64
		err    error
		status int
		body   string
	}{
		"caught up":       {reader{position: 100}, 100, nil, 200, `{"ready":true,"head":100,"position":100,"lag":0}`},
		"a little behind": {reader{position: 95}, 100, nil, 200, `{"ready":true,"head":100,"position":95,"lag":5}`},
		"an older log":    {reader{position: 101}, 100, nil, 503, `{"ready":false,"head":100,"position":101,"lag":0,"reason":"the read models hold what the log does not: an older backup of it was restored; put the right log back, or rebuild them with ` + "`virtuous6 replay`" + `"}`},
		"far behind":      {reader{position: 1}, 20_000, nil, 503, `{"ready":false,"head":20000,"position":1,"lag":19999,"reason":"the read models are too far behind the log"}`},
		"no store":        {reader{position: 1}, 0, errors.New("locked"), 503, `{"ready":false,"head":null,"position":1,"lag":null,"reason":"the store does not answer: the server's log has the details"}`},
		"no read models":  {reader{err: errors.New("gone")}, 0, nil, 503, `{"ready":false,"head":null,"position":null,"lag":null,"reason":"the read models do not answer: the server's log has the details"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(c.reader, &log{})
			cfg.Head = func(context.Context) (uint64, error) { return c.head, c.err }
			w := request(web.New(cfg), "GET", "/readyz", "")
			if w.Code != c.status || strings.TrimSpace(w.Body.String()) != c.body {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.body)
			}
			if w := request(web.New(cfg), "GET", "/healthz", ""); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"status":"ok"}` {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}

// TestReadModelsThatStandStill are ready for a while, and again when they move or the log's end is where they are.
func TestReadModelsThatStandStill(t *testing.T) {
	t.Parallel()
	position, head, now := uint64(90), uint64(90), noon
	cfg := config(moving{position: &position}, &log{})
	cfg.Head = func(context.Context) (uint64, error) { return head, nil }
	cfg.Now = func() time.Time { return now }
	door := web.New(cfg)
	for i, step := range []struct {
		position, head uint64
		after          time.Duration
		status         int
	}{
		{90, 90, time.Hour, 200},         // nothing happens
		{90, 91, time.Hour, 200},         // something was appended
		{90, 95, 20 * time.Second, 200},  // not yet read
		{90, 99, 20 * time.Second, 503},  // it stands
		{92, 99, time.Second, 200},       // it moves
		{92, 120, 31 * time.Second, 503}, // it stands again
		{120, 120, time.Second, 200},
		{120, 120, time.Hour, 200},
	} {
		position, head, now = step.position, step.head, now.Add(step.after)
		if w := request(door, "GET", "/readyz", ""); w.Code != step.status || w.Code == 503 && !strings.Contains(w.Body.String(), "stand still") {
			t.Errorf("step %d: %d %s, want %d", i, w.Code, w.Body, step.status)
		}
	}
}

// moving is a store whose read models move.
type moving struct {
	reader
	position *uint64
}

func (m moving) Position(context.Context) (uint64, error) { return *m.position, nil }
