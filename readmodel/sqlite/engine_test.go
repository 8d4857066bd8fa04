package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
	"github.com/virtuous6/virtuous6/readmodel/sqlite"
)

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, 3, func(t *testing.T) enginetest.Storage {
		path := filepath.Join(t.TempDir(), "models?#.db")
		return func() readmodel.Engine {
			e, err := sqlite.Open(t.Context(), path, sqlite.Options{Scratch: true})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
	})
}
