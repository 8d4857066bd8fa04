package powerloss_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
)

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// fate tells which of what was not synced reached the disk: nothing, all, or of each write some sectors, so that writes are
// torn, and later ones are there without earlier ones.
type fate int

const (
	lost fate = iota
	kept
	torn
)

// disk is what the files hold where the power goes.
type disk struct {
	files map[string][]byte
	// pending are the steps that no sync has made last yet, by file.
	pending map[string][]step
	// deleted are the files that may be there again: SQLite syncs the folder with the first sync of a new journal or
	// write-ahead log, and not otherwise. fresh are those that had none yet.
	deleted map[string][]byte
	fresh   map[string]bool
}

// diskAt replays the first steps, up to where the power goes.
func diskAt(steps []step, f fate, random *rand.Rand) *disk {
	d := &disk{files: map[string][]byte{}, pending: map[string][]step{}, deleted: map[string][]byte{}, fresh: map[string]bool{"log.db-journal": true, "log.db-wal": true}}
	for _, s := range steps {
		switch s.kind {
		case writes, truncates:
			d.pending[s.file] = append(d.pending[s.file], s)
		case syncs:
			d.settle(s.file, kept, random)
			if d.fresh[s.file] {
				delete(d.fresh, s.file)
				clear(d.deleted)
			}
		case deletes:
			d.settle(s.file, f, random)
			d.deleted[s.file] = d.files[s.file]
			delete(d.files, s.file)
			d.fresh[s.file] = true
		case acknowledges:
		}
	}
	for file := range d.pending {
		d.settle(file, f, random)
	}
	for file, content := range d.deleted {
		if f == lost || f == torn && random.IntN(2) == 0 {
			d.files[file] = content
		}
	}
	return d
}

// settle decides on what is pending for a file.
func (d *disk) settle(file string, f fate, random *rand.Rand) {
	content, there := d.files[file]
	for _, s := range d.pending[file] {
		there = true
		switch {
		case f == lost:
		case s.kind == truncates && (f == kept || random.IntN(2) == 0):
			content = sized(content, s.at)
		case s.kind == writes:
			for from := s.at; from < s.at+int64(len(s.data)); {
				to := min((from/sector+1)*sector, s.at+int64(len(s.data)))
				if f == kept || random.IntN(2) == 0 {
					content = sized(content, max(int64(len(content)), to))
					copy(content[from:to], s.data[from-s.at:to-s.at])
				}
				from = to
			}
		}
	}
	delete(d.pending, file)
	if there {
		d.files[file] = content
	}
}

func sized(content []byte, size int64) []byte {
	if size <= int64(len(content)) {
		return content[:size:size]
	}
	return append(content, make([]byte, size-int64(len(content)))...)
}

// write puts the files into a folder. What SQLite shares among processes in memory is gone with the power.
func (d *disk) write(folder string) error {
	for name, content := range d.files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
