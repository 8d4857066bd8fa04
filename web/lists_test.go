package web_test

import (
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/web"
)

func TestListsRefuseWhatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	door := web.New(config(reader{}, &log{}))
	for target, says := range map[string]string{
		"/api/agents?limit=0":                         "query.limit",
		"/api/agents?limit=10001":                     "query.limit",
		"/api/agents?limit=many":                      "query.limit",
		"/api/agents?run=r1":                          "query.run",
		"/api/improvements?status=great":              "rolled_back",
		"/api/costs?nonsense=1":                       "unknown query parameter",
		"/api/tasks?as_of=" + strings.Repeat("9", 65): "query.as_of",
	} {
		if w := request(door, "GET", target, ""); w.Code != 422 || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s gives %d %s, want 422 with %s", target, w.Code, w.Body, says)
		}
	}
	if w := request(door, "GET", "/api/improvements?status=&limit=10000", ""); w.Code != 200 {
		t.Errorf("an empty filter gives %d %s", w.Code, w.Body)
	}
}
