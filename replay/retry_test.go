package replay_test

import (
	"encoding/json"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

// A stream that no projection can read has all of them tried again, and one of a single projection that one.
func TestWhatIsParkedIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		version int
		data    string
		of      string
	}{
		"of a newer version": {99, `{}`, readmodel.Everything},
		"of no run":          {1, `{"step":0,"name":"s","type":"chat"}`, "runs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, _ := logtest.New(t)
			logtest.Import(t, store, logtest.Simulated(3))
			_, err := store.Append(t.Context(), "run-x", eventstore.NoStream, []events.Envelope{{
				ID: events.NameID(logtest.Clock(), "x"), Kind: "run.step_started", Version: c.version, Data: json.RawMessage(c.data),
				OccurredAt: logtest.Clock(), Actor: "user:anna", Correlation: "x",
			}})
			if err != nil {
				t.Fatal(err)
			}
			models := logtest.Models(t)
			if err := replay.CatchUp(t.Context(), store, models, nil); err != nil {
				t.Fatal(err)
			}
			before, err := models.Digest(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := replay.Retry(t.Context(), store, models, nil); err != nil {
				t.Fatal(err)
			}
			parked, err := models.Parked(t.Context())
			if err != nil || len(parked) != 1 || parked[0].Projection != c.of {
				t.Errorf("parked are %+v, %v", parked, err)
			}
			if after, err := models.Digest(t.Context()); err != nil || after.SHA256 != before.SHA256 {
				t.Errorf("%s became %s, %v", before.SHA256, after.SHA256, err)
			}
		})
	}
}
