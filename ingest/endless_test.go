package ingest_test

import (
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/ingest"
)

// forever repeats a text, and fails the test where it is read without an end.
type forever struct {
	t    *testing.T
	text string
	read int
}

func (f *forever) Read(b []byte) (int, error) {
	if f.read += len(b); f.read > 100<<20 {
		f.t.Error("it is read for ever")
		return 0, io.EOF
	}
	for n := 0; n < len(b); {
		n += copy(b[n:], f.text)
	}
	return len(b), nil
}

// TestWhatHasNoEndIsGivenUp reads bytes that never end, by every parser, plain and behind a start that its format has.
func TestWhatHasNoEndIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, start := range []string{"", `[{"a":"`, `{"data":[`, "case,activity,time\n\"", "<log><trace>", "[]"} {
		for _, text := range []string{"\x00", " ", "x", `\`, "["} {
			for _, format := range ingest.Formats() {
				t.Run(format+" "+start+text, func(t *testing.T) {
					t.Parallel()
					in := io.MultiReader(strings.NewReader(start), &forever{t: t, text: text})
					var last error
					for _, last = range ingest.Parse(in, "endless", ingest.Options{Format: format, MaxRecordBytes: 10_000, MaxHeldBytes: 1 << 20, Now: time.Now}) {
					}
					if !errors.Is(last, ingest.ErrUnreadable) {
						t.Errorf("it ends with %v", last)
					}
				})
			}
		}
	}
}

// TestABombIsGivenUp unpacks a small file that would swell to much more.
func TestABombIsGivenUp(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	go func() {
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `[{"messages":"`)
		_, err := io.CopyN(z, &forever{t: t, text: "x"}, 90<<20)
		_ = w.CloseWithError(errors.Join(err, z.Close()))
	}()
	defer func() { _ = r.Close() }()
	var last error
	for _, last = range ingest.Parse(r, "bomb.json.gz", ingest.Options{MaxRecordBytes: 100_000, Now: time.Now}) {
	}
	if !errors.Is(last, ingest.ErrUnreadable) || !strings.Contains(last.Error(), "no end within 1600000 bytes") {
		t.Errorf("it ends with %v", last)
	}
}
