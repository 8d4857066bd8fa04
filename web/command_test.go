package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/web"
)

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	l := &log{}
	c := config(reader{runs: threeRuns()}, l)
	door := web.New(c)
	later := c
	later.Now = func() time.Time { return noon.Add(time.Hour) }
	another := c
	another.Workspace = "x"
	post := func(h http.Handler, path, body, key string) (int, map[string]any) {
		w := request(h, "POST", path, body, "Idempotency-Key", key)
		return w.Code, decode[map[string]any](t, w)
	}
	_, first := post(door, "/api/runs", `{"prompt":"a"}`, "k1")
	if code, again := post(web.New(later), "/api/runs", ` {"prompt":"a"} `, "k1"); code != 202 || again["run"] != first["run"] || again["repeated"] != true {
		t.Errorf("the same request again: %d %v", code, again)
	}
	if code, other := post(door, "/api/runs", `{"prompt":"b"}`, "k1"); code != 422 || other["detail"] != errRefused.Error() {
		t.Errorf("the same key for another wish: %d %v", code, other)
	}
	if _, other := post(door, "/api/runs", `{"prompt":"a"}`, "k2"); other["run"] == first["run"] || other["repeated"] != false {
		t.Errorf("another key: %v", other)
	}
	if _, other := post(web.New(another), "/api/runs", `{"prompt":"a"}`, "k1"); other["run"] == first["run"] {
		t.Errorf("another workspace: %v", other)
	}
	_, f1 := post(door, "/api/runs/r1/feedback", `{"text":"x"}`, "k1")
	_, again := post(door, "/api/runs/r1/feedback", `{"text":"x"}`, "k1")
	_, f2 := post(door, "/api/runs/r2/feedback", `{"text":"x"}`, "k1")
	if again["repeated"] != true || again["feedback"] != f1["feedback"] || f2["feedback"] == f1["feedback"] || f2["repeated"] != false {
		t.Errorf("feedback: %v, %v, %v", f1, again, f2)
	}
	if len(l.commands) != 5 {
		t.Errorf("%d commands", len(l.commands))
	}
}
