package ingest

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
)

// What is kept of a large record, as its name and the problem with it, keeps none of the rest. It counts all memory of the
// process, so that it does not run beside others.
func TestWhatIsKeptOfALargeRecordDoesNotKeepIt(t *testing.T) {
	const size, records = 4 << 20, 8
	line := func(n int, key string) string {
		return fmt.Sprintf(`{"run":"r%d","workflow":"w%d","outcome":"failed","steps":[],%q:%q}`, n, n, key, strings.Repeat("x", size)) + "\n"
	}
	for name, key := range map[string]string{"taken": "error", "left out": "nonsense"} {
		var file strings.Builder
		for n := range records {
			file.WriteString(line(n, key))
		}
		text := file.String()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var kept []any
		for record, err := range Parse(strings.NewReader(text), "runs.jsonl", Options{Format: "runs", Now: func() time.Time { return noon }}) {
			var p *Problem
			switch {
			case errors.As(err, &p):
				kept = append(kept, p)
			case err != nil:
				t.Fatal(err)
			default:
				kept = append(kept, record.Name, record.Run[0].(commands.StartRun).Workflow)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > size {
			t.Errorf("%s: %d bytes are held for what is kept of %d records", name, grown, records)
		}
		if len(kept) < records {
			t.Errorf("%s: %d of %d records", name, len(kept), records)
		}
		runtime.KeepAlive(kept)
		runtime.KeepAlive(text)
	}
}
