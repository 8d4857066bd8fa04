package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/web"
)

// The loop is paused and resumed over HTTP, by a person with a reason.
func TestTheLoopIsPausedOverHTTP(t *testing.T) {
	t.Parallel()
	store := eventstore.NewMemory(time.Now)
	defer store.Close()
	d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	c := config(reader{}, &log{})
	c.Dispatch, c.Refused = d.Dispatch, aggregates.Refused
	door := web.New(c)
	for _, tt := range []struct {
		path, body string
		code       int
		says       string
		paused     bool
	}{
		{"/api/loop/pause", `{"by":"user:anna"}`, http.StatusUnprocessableEntity, "its reason", false},
		{"/api/loop/pause", `{"by":"agent:clerk","reason":"x"}`, http.StatusUnprocessableEntity, "by a person", false},
		{"/api/loop/pause", `{"by":"user:anna","reason":"the prices change"}`, http.StatusOK, `"paused":true`, true},
		{"/api/loop/resume", `{"by":"user:anna"}`, http.StatusOK, `"paused":false`, false},
	} {
		w := request(door, "POST", tt.path, tt.body)
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %s: %d %s", tt.path, tt.body, w.Code, w.Body)
		}
		if loop, err := d.Loop(t.Context(), "w"); err != nil || (loop.Paused != nil) != tt.paused {
			t.Errorf("%s %s: the loop is %+v, %v", tt.path, tt.body, loop, err)
		}
	}
}
