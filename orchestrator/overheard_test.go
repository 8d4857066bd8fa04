package orchestrator

import (
	"context"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// writing counts the transactions of an engine.
type writing struct {
	readmodel.Engine
	n int
}

func (w *writing) Update(ctx context.Context, f func(readmodel.Tx) error) error {
	w.n++
	return w.Engine.Update(ctx, f)
}

// TestWhatNobodyWatchesIsNotWritten has a run that nobody watches, and one that somebody does: only of that is anything
// written, without credentials, until it has ended. What a dead process left is taken down by the next that posts.
func TestWhatNobodyWatchesIsNotWritten(t *testing.T) {
	t.Parallel()
	engine := &writing{Engine: readmodel.NewMemory()}
	models, err := projections.Open(t.Context(), engine, readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	o := newOverheard(models, func() time.Time { return now })
	said := func() map[string]string {
		t.Helper()
		got, err := models.Notices(t.Context(), saidTopic, time.Time{}.AddDate(1970, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	tell := func() {
		t.Helper()
		if err := o.tell(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	before := engine.n
	o.hear("alone", "nobody hears this")
	tell()
	o.end("alone")
	tell()
	if engine.n != before || len(said()) > 0 {
		t.Errorf("%d transactions for a run that nobody watches: %v", engine.n-before, said())
	}
	dead := readmodel.Notice{Topic: saidTopic, Key: "left by a dead process", Text: "half", Until: now.Add(time.Second)}
	watched := readmodel.Notice{Topic: watchedTopic, Key: "r", Until: now.Add(time.Minute)}
	if err := models.Post(t.Context(), now, []readmodel.Notice{dead, watched}, "", nil); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	o.hear("r", "the key is ghp_"+"Zq7XvB2nLw9TkR4mYc8HsD6fJg3PaE5uWx1C, keep it")
	tell()
	if got := said(); len(got) != 1 || got["r"] != "the key is [redacted], keep it" {
		t.Errorf("told %v", got)
	}
	o.end("r")
	tell()
	if got := said(); len(got) > 0 {
		t.Errorf("behind its end there is %v", got)
	}
}
