package aggregates

import (
	"encoding/hex"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// MaxSealed is how many events one seal vouches for at most, which bounds its size to about 64 KB.
const MaxSealed = 4096

// ledger's state is the ordinal of the last event that is sealed.
func ledger() Decider[uint64, commands.Ledger, events.Ledger] {
	return Decider[uint64, commands.Ledger, events.Ledger]{
		Initial: func() uint64 { return 0 },
		Decide:  decideLedger,
		Evolve: func(_ uint64, e events.Ledger) (sealed uint64) {
			switch e := e.(type) {
			case events.LogSealed:
				sealed = e.First + e.Count - 1
			}
			return sealed
		},
	}
}

func decideLedger(c commands.Ledger, sealed uint64) ([]events.Ledger, error) {
	switch c := c.(type) {
	case commands.SealLog:
		switch {
		case c.First <= sealed:
			return nil, fmt.Errorf("the seal from event %d on: %w: the log is sealed up to event %d", c.First, ErrExists, sealed)
		case c.First != sealed+1:
			return nil, fmt.Errorf("%w: event %d is the next to be sealed, not %d", ErrState, sealed+1, c.First)
		case len(c.Prints) == 0 || len(c.Prints) > MaxSealed:
			return nil, fmt.Errorf("%w: a seal is for 1 to %d events, not for %d", ErrInvalid, MaxSealed, len(c.Prints))
		case c.Last == [16]byte{} || c.EventStream == "":
			return nil, fmt.Errorf("%w: the seal does not tell which event is its last", ErrInvalid)
		}
		// Hexadecimal, since in Base64 a key of some provider would turn up by chance now and then, and be redacted.
		prints := make([]byte, 0, 16*len(c.Prints))
		for _, p := range c.Prints {
			prints = hex.AppendEncode(prints, p[:])
		}
		return []events.Ledger{events.LogSealed{
			First: c.First, Count: uint64(len(c.Prints)), Last: c.Last, Stream: c.EventStream, Revision: c.Revision,
			Digest: hex.EncodeToString(c.Digest[:]), Prints: string(prints),
		}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}
