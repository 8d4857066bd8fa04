package eventstore_test

import (
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/storetest"
)

func TestMemoryConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) eventstore.Store {
		s := eventstore.NewMemory(time.Now)
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}
