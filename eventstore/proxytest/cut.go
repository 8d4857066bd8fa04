package proxytest

import (
	"bytes"
	"sync"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// Cut is a toxic that ends a connection at the moment that a test is about. Each new connection begins to count anew.
type Cut struct {
	// At are what it looks for in what passes: the message with the nth of any of them is cut. None: the first message.
	At []string `json:"at"`
	// N is which of them; 0 means the first.
	N int `json:"n"`
	// Half lets half of that message pass. Otherwise nothing of it does.
	Half bool `json:"half"`
	// Hang keeps the connection, on which nothing more passes. Otherwise it is closed.
	Hang bool `json:"hang"`
}

const cutType = "cut"

// register makes the toxic known to Toxiproxy, which makes its toxics by their names.
var register = sync.OnceFunc(func() { toxics.Register(cutType, new(Cut)) })

// met counts a connection's messages that hold what is looked for.
type met struct{ n int }

// NewState implements toxics.StatefulToxic.
func (*Cut) NewState() any { return new(met) }

// Pipe implements toxics.Toxic.
func (c *Cut) Pipe(stub *toxics.ToxicStub) {
	state := stub.State.(*met)
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				stub.Close()
				return
			}
			if c.holds(chunk.Data) {
				if state.n++; state.n >= c.N {
					if half := chunk.Data[:len(chunk.Data)/2]; c.Half && len(half) > 0 {
						stub.Output <- &stream.StreamChunk{Data: half, Timestamp: chunk.Timestamp}
					}
					if !c.Hang {
						stub.Close()
					}
					c.swallow(stub)
					return
				}
			}
			stub.Output <- chunk
		}
	}
}

// swallow lets nobody wait to be rid of the rest.
func (c *Cut) swallow(stub *toxics.ToxicStub) {
	if !c.Hang {
		for range stub.Input {
		}
		return
	}
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				stub.Close()
				return
			}
		}
	}
}

func (c *Cut) holds(message []byte) bool {
	for _, what := range c.At {
		if bytes.Contains(message, []byte(what)) {
			return true
		}
	}
	return len(c.At) == 0
}
