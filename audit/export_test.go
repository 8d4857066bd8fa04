package audit

import (
	"context"

	"github.com/virtuous6/virtuous6/eventstore"
)

// Witnessed is the part of Verify that holds a log against its seals, without any read model.
func Witnessed(ctx context.Context, store eventstore.Store) (v Verification, err error) {
	w := newWitness(ctx, store, nil)
	defer w.close()
	for e, err := range store.ReadAll(ctx, eventstore.ReadOptions{}) {
		if err != nil {
			return v, err
		}
		if err := w.see(&e); err != nil {
			return v, err
		}
	}
	return v, v.ledger(w, nil)
}
