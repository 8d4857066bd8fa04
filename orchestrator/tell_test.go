package orchestrator

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
)

func TestLiveRunsAreLoggedByNamesAlone(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	tell := func(actor string, e events.Event) {
		kind, version, data, err := events.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		tellRun(log, &events.Envelope{Stream: "run-r1", Kind: kind, Version: version, Actor: actor, Data: data})
	}
	tell("user:anna", events.RunStarted{Run: "r1", Workflow: "ask", Agent: "clerk", Prompt: "my secret"})
	tell("import:chat", events.RunStarted{Run: "r1", Workflow: "chat"})
	tell("manager:run", events.RunStepFinished{Outcome: events.Failed})
	tell("manager:run", events.RunFailed{Error: "my secret", Failure: events.NoMoney})
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(got) != 2 || strings.Contains(out.String(), "secret") ||
		!strings.HasSuffix(got[0], `msg="run started" run=r1 workflow=ask agent=clerk`) || !strings.HasSuffix(got[1], `msg="run ended" run=r1 outcome=failed failure=budget`) {
		t.Errorf("logged %s", out.String())
	}
}
