package web_test

import (
	"context"
	"errors"
	"strings"
	"testing"

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
		"caught up":        {reader{position: 100}, 100, nil, 200, `{"ready":true,"head":100,"position":100,"lag":0}`},
		"a little behind":  {reader{position: 95}, 100, nil, 200, `{"ready":true,"head":100,"position":95,"lag":5}`},
		"head read before": {reader{position: 101}, 100, nil, 200, `{"ready":true,"head":100,"position":101,"lag":0}`},
		"far behind":       {reader{position: 1}, 20_000, nil, 503, `{"ready":false,"head":20000,"position":1,"lag":19999,"reason":"the read models are too far behind the log"}`},
		"no store":         {reader{position: 1}, 0, errors.New("locked"), 503, `{"ready":false,"head":null,"position":1,"lag":null,"reason":"the store does not answer: the server's log has the details"}`},
		"no read models":   {reader{err: errors.New("gone")}, 0, nil, 503, `{"ready":false,"head":null,"position":null,"lag":null,"reason":"the read models do not answer: the server's log has the details"}`},
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
