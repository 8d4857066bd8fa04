package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/web"
)

// trying are read models with an experiment that has drawn no run, and a proposal that no experiment can try.
type trying struct{ reader }

func (t trying) In(string) projections.Reader { return t }

func (trying) Experiments(context.Context, string) ([]projections.ExperimentRow, error) {
	return []projections.ExperimentRow{{Experiment: "x-1", Agent: "clerk", Kind: "prompt", Config: events.AgentConfig{Prompt: "Be brief."}}}, nil
}

func TestWhatIfIsARoute(t *testing.T) {
	t.Parallel()
	door := web.New(config(trying{}, &log{}))
	for target, want := range map[string]struct {
		code int
		says string
	}{
		"/api/whatif/x-1":            {200, `"unknown":"0 runs that were drawn`},
		"/api/whatif/x":              {200, `"agent":"clerk"`},
		"/api/whatif/x-1?task=tea":   {200, `"unknown":"none of the runs that were drawn is about tea"`},
		"/api/whatif/only-1":         {422, "what-if is told of changes that are tried"},
		"/api/whatif/same":           {422, "same-1"},
		"/api/whatif/none":           {404, "none"},
		"/api/whatif/x-1?position=7": {422, "unknown query parameter"},
	} {
		if w := request(door, "GET", target, ""); w.Code != want.code || !strings.Contains(w.Body.String(), want.says) {
			t.Errorf("%s gives %d %s, want %d with %s", target, w.Code, w.Body, want.code, want.says)
		}
	}
}
