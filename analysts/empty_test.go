package analysts_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

func TestNothingIsSaidOfNothing(t *testing.T) {
	t.Parallel()
	models, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = models.Close() })
	for _, a := range analysts.All() {
		think, err := a.Load(t.Context(), models)
		if err != nil {
			t.Fatal(err)
		}
		if res := think(); a.Name == "" || a.Version < 1 || len(res.Proposals) != 0 || len(res.Findings) != 0 {
			t.Errorf("%s: %+v", a.Name, res)
		}
	}
}
