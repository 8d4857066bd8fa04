package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// seal is a seal as it stands in the log.
type seal struct {
	commands.SealLog
	position uint64
}

// end is the ordinal of the last event that a seal vouches for.
func (s *seal) end() uint64 { return s.First + uint64(len(s.Prints)) - 1 }

// beforeSeals stands before the first seal.
func beforeSeals() seal { return seal{SealLog: commands.SealLog{First: 1}} }

// readSeal reads a seal. It fails for one that is not what it was when it got its id.
func readSeal(e events.Envelope) (seal, error) {
	fact, err := events.Decode(e)
	if err != nil {
		return seal{}, err
	}
	f, ok := fact.(events.LogSealed)
	if !ok {
		return seal{}, fmt.Errorf("position %d holds %s, which is no seal", e.Position, e.Kind)
	}
	s := seal{position: e.Position, SealLog: commands.SealLog{First: f.First, Last: f.Last, EventStream: f.Stream, Revision: f.Revision}}
	sum, err := hex.DecodeString(f.Digest)
	if err != nil || len(sum) != sha256.Size {
		return seal{}, fmt.Errorf("the seal at position %d has no digest", e.Position)
	}
	s.Digest = [sha256.Size]byte(sum)
	prints, err := hex.DecodeString(f.Prints)
	if err != nil || len(prints) == 0 || len(prints)%len(fingerprint{}) != 0 || uint64(len(prints)/len(fingerprint{})) != f.Count {
		return seal{}, fmt.Errorf("the seal at position %d does not hold the prints of %d events", e.Position, f.Count)
	}
	s.Prints = make([][8]byte, f.Count)
	for i := range s.Prints {
		s.Prints[i] = fingerprint(prints[i*len(fingerprint{}):])
	}
	if e.ID != events.DeriveID(events.NameID(millisecond(e.ID), sealName(s.SealLog)), 0) {
		return seal{}, fmt.Errorf("the seal at position %d is not what it was when it got its id", e.Position)
	}
	return s, nil
}

// sealName is all that a seal says. Its id derives from it, so that sealing the same twice is a repeat, and so that a
// seal that was changed no longer fits its id.
func sealName(c commands.SealLog) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seal of %d events from %d to %s, revision %d of %q: %x", len(c.Prints), c.First, c.Last, c.Revision, c.EventStream, c.Digest)
	for _, p := range c.Prints {
		b.Write(p[:])
	}
	return b.String()
}

// millisecond is the time in a UUIDv7.
func millisecond(id [16]byte) time.Time {
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms)
}
