// Package keystest is the suite that every store of keys passes.
package keystest

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/veil"
)

// Run holds a store of keys to its port. open opens the same, empty at first, again and again.
func Run(t *testing.T, open func(t *testing.T) veil.Keys) {
	t.Helper()
	ctx := t.Context()
	at := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	fresh := func(id, name string) veil.Person {
		return veil.Person{ID: strings.Repeat(id, 32), Name: name, Key: bytes.Repeat([]byte(id), 32), Since: at}
	}
	keys := open(t)
	if all, err := keys.All(ctx); err != nil || len(all) != 0 {
		t.Fatalf("of nobody: %v, %v", all, err)
	}
	if _, err := keys.Person(ctx, "x"); !errors.Is(err, veil.ErrNoPerson) {
		t.Errorf("nobody: %v", err)
	}
	if err := keys.Erase(ctx, "x", at); !errors.Is(err, veil.ErrNoPerson) {
		t.Errorf("erase nobody: %v", err)
	}
	// However many meet the person at once, there is one key.
	var group sync.WaitGroup
	got := make([]veil.Person, 8)
	for i := range got {
		group.Go(func() {
			other := open(t)
			var err error
			if got[i], err = other.Of(ctx, fresh(string(rune('a'+i)), "anna")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	anna := got[0]
	for _, p := range got {
		if p.ID != anna.ID || !bytes.Equal(p.Key, anna.Key) || p.Name != "anna" || !p.Since.Equal(at) {
			t.Errorf("got %+v and %+v", anna, p)
		}
	}
	bert, err := keys.Of(ctx, fresh("z", "bert"))
	if err != nil || bert.ID != strings.Repeat("z", 32) {
		t.Fatalf("%+v, %v", bert, err)
	}
	for range 2 {
		if err := keys.Erase(ctx, anna.ID, at.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	other := open(t)
	gone, err := other.Person(ctx, anna.ID)
	if err != nil || gone.Key != nil || gone.Name != "" || !gone.Erased.Equal(at.Add(time.Hour)) {
		t.Errorf("erased: %+v, %v", gone, err)
	}
	if _, err := other.Named(ctx, "anna"); !errors.Is(err, veil.ErrNoPerson) {
		t.Errorf("the name is still there: %v", err)
	}
	if still, err := other.Named(ctx, "bert"); err != nil || !bytes.Equal(still.Key, bert.Key) || !still.Erased.IsZero() {
		t.Errorf("bert: %+v, %v", still, err)
	}
	// Who comes back is somebody else.
	again, err := other.Of(ctx, fresh("y", "anna"))
	if err != nil || again.ID == anna.ID || again.Key == nil {
		t.Errorf("back: %+v, %v", again, err)
	}
	if all, err := other.All(ctx); err != nil || len(all) != 3 {
		t.Errorf("all: %+v, %v", all, err)
	}
}
