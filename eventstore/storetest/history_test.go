package storetest

import (
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// happened is one operation of a history that is written by hand.
func happened(call, end int64, q question, r reply) porcupine.Operation {
	return porcupine.Operation{Input: q, Call: call, Output: r, Return: end}
}

// at is a sample event where it stands.
func at(position uint64, stream string, revision uint64, name string) events.Envelope {
	e := fact(name)
	e.Position, e.Stream, e.Revision = position, stream, revision
	return e
}

// taken is the reply to an append that stands.
func taken(revision, position uint64) reply {
	return reply{appended: eventstore.Appended{Revision: revision, Position: position}}
}

func TestHistories(t *testing.T) {
	t.Parallel()
	lost := reply{lost: true}
	add := func(stream string, expected eventstore.Expected, names ...string) question {
		q := question{verb: appending, stream: stream, expected: expected}
		for _, name := range names {
			q.batch = append(q.batch, fact(name))
		}
		return q
	}
	a, b := add("run-1", eventstore.Any, "a"), add("run-2", eventstore.Any, "b")
	a1, b2 := at(1, "run-1", 0, "a"), at(2, "run-2", 0, "b")
	for _, c := range []struct {
		name  string
		given []porcupine.Operation
		log   []events.Envelope // as it is read at the end
		want  string            // what breaks, "" for nothing
	}{
		{"nothing", nil, nil, ""},
		{"acknowledged and there", []porcupine.Operation{happened(1, 2, a, taken(0, 1))}, []events.Envelope{a1}, ""},
		{"acknowledged and not there", []porcupine.Operation{happened(1, 2, a, taken(0, 1))}, nil, "run-1: its"},
		{"acknowledged for another place", []porcupine.Operation{happened(1, 2, a, taken(0, 7))}, []events.Envelope{a1}, "run-1: its"},
		{"there, and nobody appended it", nil, []events.Envelope{a1}, "the log: its"},
		{"reply lost, and there", []porcupine.Operation{happened(1, 2, a, lost)}, []events.Envelope{a1}, ""},
		{"reply lost, and not there", []porcupine.Operation{happened(1, 2, a, lost)}, nil, ""},
		{"reply lost, and half there", []porcupine.Operation{happened(1, 2, add("run-1", eventstore.Any, "a", "a2"), lost)}, []events.Envelope{a1}, "run-1: its"},
		{"reply lost, sent again", []porcupine.Operation{
			happened(1, 2, a, lost), happened(3, 4, a, taken(0, 1)),
		}, []events.Envelope{a1}, ""},
		{"reply lost, sent again, stored twice", []porcupine.Operation{
			happened(1, 2, a, lost), happened(3, 4, a, taken(1, 2)),
		}, []events.Envelope{a1, at(2, "run-1", 1, "a")}, "stands twice"},
		{"a lost one takes effect long after", []porcupine.Operation{
			happened(1, 2, b, lost), happened(3, 4, a, taken(0, 1)), happened(5, 6, question{verb: heading}, reply{head: 1}),
		}, []events.Envelope{a1, b2}, ""},
		{"a lost one does not take effect before its call", []porcupine.Operation{
			happened(1, 2, b, taken(0, 2)), happened(3, 4, a, lost),
		}, []events.Envelope{a1, b2}, "the log: its"},
		{"those at the same time stand in any order", []porcupine.Operation{
			happened(1, 3, b, taken(0, 2)), happened(2, 4, a, taken(0, 1)),
		}, []events.Envelope{a1, b2}, ""},
		{"those after each other do not", []porcupine.Operation{
			happened(1, 2, b, taken(0, 2)), happened(3, 4, a, taken(0, 1)),
		}, []events.Envelope{a1, b2}, "the log: its"},
		{"a read misses what was acknowledged", []porcupine.Operation{
			happened(1, 2, a, taken(0, 1)), happened(3, 4, question{verb: readingStream, stream: "run-1"}, reply{absent: true}),
		}, []events.Envelope{a1}, "run-1: its"},
		{"a read skips", []porcupine.Operation{
			happened(1, 5, a, taken(0, 1)), happened(2, 6, b, taken(0, 2)), happened(3, 4, question{verb: readingLog}, reply{read: []events.Envelope{b2}}),
		}, []events.Envelope{a1, b2}, "the log: its"},
		{"a mark that is behind", []porcupine.Operation{
			happened(1, 2, a, taken(0, 1)), happened(3, 4, question{verb: following}, reply{}),
		}, []events.Envelope{a1}, "the log: its"},
		{"two win", []porcupine.Operation{
			happened(1, 3, add("run-1", eventstore.NoStream, "a"), taken(0, 1)), happened(2, 4, add("run-1", eventstore.NoStream, "c"), taken(1, 2)),
		}, []events.Envelope{a1, at(2, "run-1", 1, "c")}, "run-1: its"},
		{"a conflict with what never was", []porcupine.Operation{
			happened(1, 2, a, taken(0, 1)),
			happened(3, 4, add("run-1", eventstore.Exactly(5), "c"), reply{conflict: &eventstore.ConflictError{Stream: "run-1", Expected: eventstore.Exactly(5), Actual: eventstore.Exactly(1)}}),
		}, []events.Envelope{a1}, "run-1: its"},
		{"a conflict with what was", []porcupine.Operation{
			happened(1, 2, a, taken(0, 1)),
			happened(3, 4, add("run-1", eventstore.Exactly(5), "c"), reply{conflict: &eventstore.ConflictError{Stream: "run-1", Expected: eventstore.Exactly(5), Actual: eventstore.Exactly(0)}}),
		}, []events.Envelope{a1}, ""},
		{"positions fall", nil, []events.Envelope{b2, a1}, "position 1 comes after 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := &history{operations: append(c.given, happened(10, 11, question{verb: readingLog}, reply{read: c.log}))}
			h.clock.Store(11)
			err := h.check(t.ArtifactDir)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
