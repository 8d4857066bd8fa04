package replay

import (
	"context"
	"sync"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Seen is the last fact of a log that a process has folded. The read models' own mark goes back together with the log where a
// database that holds both is restored; the process has seen more than there is then. The zero value has seen nothing.
type Seen struct {
	mu   sync.Mutex
	mark readmodel.Mark
}

func (s *Seen) set(mark readmodel.Mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark = mark
}

// by notes what was applied.
func (s *Seen) by(apply Applying) Applying {
	return func(ctx context.Context, after uint64, batch []readmodel.Entry) error {
		err := apply(ctx, after, batch)
		if err == nil && len(batch) > 0 {
			s.set(readmodel.MarkOf(&batch[len(batch)-1].Envelope))
		}
		return err
	}
}

// check returns ErrReplaced where the log does not have what was seen of it.
func (s *Seen) check(ctx context.Context, store eventstore.Store) error {
	s.mu.Lock()
	mark := s.mark
	s.mu.Unlock()
	if mark.Stream == "" {
		return nil
	}
	return has(ctx, store, mark)
}
