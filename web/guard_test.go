package web_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/web"
)

func TestAHangingStoreHoldsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := config(hangs{}, &log{})
		cfg.Timeout = 10 * time.Second
		door, start := web.New(cfg), time.Now()
		if w := request(door, "GET", "/readyz", ""); w.Code != 503 || time.Since(start) != 2*time.Second {
			t.Errorf("%d after %s", w.Code, time.Since(start))
		}
		start = time.Now()
		if w := request(door, "GET", "/api/metrics", ""); w.Code != 504 || time.Since(start) != 10*time.Second {
			t.Errorf("%d after %s", w.Code, time.Since(start))
		}
		if w := request(door, "GET", "/api/agents", ""); w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("a panic: %d %s", w.Code, w.Body)
		}
	})
}

func TestWhoMayCome(t *testing.T) {
	t.Parallel()
	cfg := config(reader{}, &log{})
	cfg.Hosts = []string{"v6.example"}
	door := web.New(cfg)
	for host, status := range map[string]int{
		"localhost": 200, "localhost:8686": 200, "LOCALHOST.": 200, "app.localhost:1": 200, "127.0.0.1:8686": 200, "[::1]:8686": 200, "[::1]": 200,
		"10.1.2.3": 200, "v6.example": 200, "V6.example:443": 200, "evil.test": 421, "localhost.evil.test": 421, "127.0.0.1.evil.test": 421, "": 421,
	} {
		if w := request(door, "GET", "/healthz", "", "Host", host); w.Code != status {
			t.Errorf("Host %q: %d, want %d", host, w.Code, status)
		}
	}
	if w := request(door, "HEAD", "/healthz", ""); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
}

// A page in somebody's browser reaches no tool: not by a name that it had point here, and not from its own origin.
func TestAWebPageReachesNoMCP(t *testing.T) {
	t.Parallel()
	cfg, reached := config(reader{}, &log{}), 0
	cfg.MCP = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ })
	door := web.New(cfg)
	const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"prompt":"pay"}}}`
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"a name that was rebound":          {[]string{"Host", "evil.test:8686", "Origin", "http://evil.test:8686", "Sec-Fetch-Site", "same-origin"}, 421},
		"a name that was rebound, unsaid":  {[]string{"Host", "evil.test"}, 421},
		"another origin":                   {[]string{"Origin", "http://evil.test"}, 403},
		"another origin of an old browser": {[]string{"Host", "127.0.0.1:8686", "Origin", "http://127.0.0.1:9999"}, 403},
		"another site":                     {[]string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, 403},
		"a body that needs no leave":       {[]string{"Content-Type", "text/plain"}, 415},
		"an MCP client":                    {nil, 200},
		"an MCP client by an address":      {[]string{"Host", "127.0.0.1:8686"}, 200},
		"a page of ours":                   {[]string{"Host", "localhost:8686", "Origin", "http://localhost:8686"}, 200},
	} {
		before := reached
		if w := request(door, "POST", "/mcp", call, c.headers...); w.Code != c.status || (reached > before) != (c.status == 200) {
			t.Errorf("%s: %d, want %d; reached %t", name, w.Code, c.status, reached > before)
		}
	}
}
