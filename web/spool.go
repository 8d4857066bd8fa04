package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// spoolMemory is how much of an answer is kept in memory, in bytes: a list of 100 runs is 80 KB. The rest waits in a file.
const spoolMemory = 128 << 10

// errBusy tells that there is no room for one more request or answer.
var errBusy = errors.New("the server has as much to do as it takes on")

// spool holds what is written to it until it is read, so that who reads slowly holds neither rows nor a snapshot of the
// read models.
type spool struct {
	memory bytes.Buffer
	file   *os.File // what did not fit into memory
	size   int64
	room   *room
}

// room is what all spools may hold together, in bytes.
type room struct {
	held  atomic.Int64
	bound int64
}

// Write implements io.Writer. It fails with errBusy where all spools together would hold too much.
func (s *spool) Write(b []byte) (int, error) {
	if s.room.held.Add(int64(len(b))) > s.room.bound {
		s.room.held.Add(-int64(len(b)))
		return 0, errBusy
	}
	s.size += int64(len(b))
	if s.file == nil && s.memory.Len()+len(b) <= spoolMemory {
		return s.memory.Write(b)
	}
	if s.file == nil {
		file, err := os.CreateTemp("", "virtuous6-answer-")
		if err != nil {
			return 0, fmt.Errorf("a file for a long answer: %w", err)
		}
		s.file = file
		_ = os.Remove(file.Name()) // it goes with its last reader; where a file that is open stays, close removes it
	}
	return s.file.Write(b)
}

// copyTo writes all that was written.
func (s *spool) copyTo(w io.Writer) error {
	if _, err := w.Write(s.memory.Bytes()); err != nil || s.file == nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, s.file)
	return err
}

// close lets go of all that was written, and makes it empty.
func (s *spool) close() {
	s.room.held.Add(-s.size)
	if s.file != nil {
		_ = s.file.Close() // it was read or is not wanted
		_ = os.Remove(s.file.Name())
	}
	*s = spool{room: s.room}
}
