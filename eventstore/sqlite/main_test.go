package sqlite

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// appender names the environment variable that makes this test binary a process that appends: "PATH|NAME|COUNT".
const appender = "VIRTUOUS6_TEST_APPENDER"

func TestMain(m *testing.M) {
	if job := os.Getenv(appender); job != "" {
		if err := appendForever(strings.Split(job, "|")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// appendForever appends COUNT batches (0: until it is killed), by four writers at once, and prints the name and number
// of each batch that the store acknowledged.
func appendForever(job []string) error {
	path, name := job[0], job[1]
	count, err := strconv.Atoi(job[2])
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := Open(ctx, path, Config{})
	if err != nil {
		return err
	}
	const writers = 4
	failed := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := 0; count == 0 || i < count; i++ {
				stream := fmt.Sprintf("run-%s-%d", name, w)
				if _, err := s.Append(ctx, stream, eventstore.Any, numbered(name, w, i)); err != nil {
					failed <- err
					return
				}
				// One write to the pipe: a killed process leaves no half of a line that matters.
				fmt.Printf("%d %d\n", w, i)
			}
			failed <- nil
		}()
	}
	for range writers {
		if err := <-failed; err != nil {
			return err
		}
	}
	return s.Close()
}

// numbered is a batch of three events that its process, writer and number name.
func numbered(name string, writer, i int) []events.Envelope {
	batch := make([]events.Envelope, 3)
	for k := range batch {
		id := fmt.Sprintf("%s/%d/%d/%d", name, writer, i, k)
		batch[k] = events.Envelope{
			ID: events.NameID(time.Unix(1_700_000_000, 0), id), Kind: "run.started", Version: 1,
			OccurredAt: time.Unix(1_700_000_000, 0), Data: []byte(`"` + id + `"`),
		}
	}
	return batch
}

// child starts this binary as an appender and sends its acknowledgements, until it ends.
func child(t *testing.T, path, name string, count int) (*exec.Cmd, <-chan [2]int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%d", appender, path, name, count))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := make(chan [2]int)
	go func() {
		defer close(acknowledged)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var a [2]int
			if n, _ := fmt.Sscanf(lines.Text(), "%d %d", &a[0], &a[1]); n == 2 {
				acknowledged <- a
			}
		}
	}()
	return cmd, acknowledged
}

// sample is the n-th small event of a test.
func sample(n int) events.Envelope {
	e := events.Envelope{Kind: "run.started", Version: 1, OccurredAt: time.Unix(1_700_000_000, 5), Data: []byte(`{"n":1}`)}
	binary.BigEndian.PutUint64(e.ID[:8], 0x018bcfe568007000)
	binary.BigEndian.PutUint64(e.ID[8:], uint64(n)|0x8000_0000_0000_0000)
	return e
}
