package web_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/web"
)

func TestRequestsAreLoggedWithoutSecrets(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := config(reader{runs: threeRuns()}, &log{})
	c.Log = slog.New(slog.NewJSONHandler(&out, nil))
	door := web.New(c)
	key := "ghp_" + "Zq7XvB2nLw9TkR4mYc8HsD6fJg3PaE5uWx1C"
	request(door, "GET", "/api/runs/r1?as_of=", "")
	request(door, "GET", "/api/runs/"+key+"?token="+key, "")
	request(door, "GET", "/healthz", "")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || strings.Contains(out.String(), key) || strings.Contains(out.String(), "token") {
		t.Fatalf("logged %s", out.String())
	}
	if !strings.Contains(lines[0], `"msg":"request","method":"GET","path":"/api/runs/r1","status":200,"bytes":`) {
		t.Errorf("logged %s", lines[0])
	}
	if !strings.Contains(lines[1], `"path":"/api/runs/[redacted]","status":4`) {
		t.Errorf("logged %s", lines[1])
	}
}
