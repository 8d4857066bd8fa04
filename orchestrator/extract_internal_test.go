package orchestrator

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
)

// What was said once makes room for something else.
func TestAnExtractSaysAThingOnce(t *testing.T) {
	t.Parallel()
	said := []events.Message{{Role: "user", Content: "Invoice payment arrived. Invoice payment arrived. Invoice payment arrived. Berlin office closes. Berlin office closes."}}
	if got, want := extract("", said, 66), "user: Invoice payment arrived.\nuser: Berlin office closes."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
