package storetest

import (
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// contract is what a store must answer when the first so many events of log stand: the state is that number.
func contract(log []events.Envelope) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, input, output any) (bool, any) {
			want, next := answer(log, state.(int), input.(question))
			got := output.(reply)
			return want != nil && (got.lost || equal(got, *want)), next
		},
		DescribeOperation: func(input, output any) string { return describe(input.(question), output.(reply)) },
		DescribeState:     func(state any) string { return fmt.Sprintf("%d events", state) },
	}
}

// answer is the one right reply where the first n events of log stand, and how many do afterwards. It is nil for an
// append that can't have taken effect there.
func answer(log []events.Envelope, n int, q question) (*reply, int) {
	head := uint64(0)
	if n > 0 {
		head = log[n-1].Position
	}
	after := func(e events.Envelope) bool {
		return q.log.Direction == eventstore.Forwards && e.Position > q.log.From || q.log.Direction == eventstore.Backwards && (q.log.From == 0 || e.Position < q.log.From)
	}
	from := func(e events.Envelope) bool {
		first := q.within.From
		return first == nil || q.within.Direction == eventstore.Forwards && e.Revision >= *first || q.within.Direction == eventstore.Backwards && e.Revision <= *first
	}
	switch q.verb {
	case heading:
		return &reply{head: head}, n
	case following:
		return &reply{head: head, read: cut(log[:n], eventstore.Forwards, 0, after)}, n
	case readingLog:
		return &reply{read: cut(log[:n], q.log.Direction, q.log.Limit, after)}, n
	case readingStream:
		return &reply{read: cut(log[:n], q.within.Direction, q.within.Limit, from), absent: n == 0}, n
	}
	return answerAppend(log, n, q)
}

// answerAppend follows the contract: a repeat is a success, a batch of which a part stands is a conflict, and so is an
// expectation that does not hold. Else the batch is what comes next in the log.
func answerAppend(log []events.Envelope, n int, q question) (*reply, int) {
	actual, standing, inOrder, last := eventstore.NoStream, 0, true, -1
	for _, e := range log[:n] {
		if e.Stream == q.stream {
			actual = eventstore.Exactly(e.Revision)
		}
	}
	for _, sent := range q.batch {
		if i := slices.IndexFunc(log[:n], func(e events.Envelope) bool { return e.ID == sent.ID }); i >= 0 {
			standing, inOrder, last = standing+1, inOrder && i > last, i
		}
	}
	switch {
	case standing == len(q.batch) && inOrder:
	case standing > 0 || !q.expected.Holds(actual):
		return &reply{conflict: &eventstore.ConflictError{Stream: q.stream, Expected: q.expected, Actual: actual}}, n
	default:
		for i, sent := range q.batch {
			if n+i >= len(log) || log[n+i].ID != sent.ID || log[n+i].Stream != q.stream {
				return nil, n // another append stands here
			}
		}
		n += len(q.batch)
		last = n - 1
	}
	return &reply{appended: eventstore.Appended{Revision: log[last].Revision, Position: log[last].Position}}, n
}

func equal(a, b reply) bool {
	if (a.conflict == nil) != (b.conflict == nil) || a.conflict != nil && *a.conflict != *b.conflict {
		return false
	}
	a.appended.Repeated, b.appended.Repeated = false, false // an answer may have been lost on the way
	return a.appended == b.appended && a.absent == b.absent && a.head == b.head && slices.EqualFunc(a.read, b.read, func(a, b events.Envelope) bool {
		return a.ID == b.ID && a.Stream == b.Stream && a.Revision == b.Revision && a.Position == b.Position && string(a.Data) == string(b.Data)
	})
}

func describe(q question, r reply) string {
	text := ""
	switch q.verb {
	case appending:
		text = fmt.Sprintf("append of %d to %s expecting %s, from %s on", len(q.batch), q.stream, q.expected, q.batch[0].Data)
	case readingStream:
		text = fmt.Sprintf("read of %s, backwards %t, limit %d", q.stream, q.within.Direction, q.within.Limit)
	case readingLog:
		text = fmt.Sprintf("read of the log from %d, backwards %t, limit %d", q.log.From, q.log.Direction, q.log.Limit)
	case following:
		text = fmt.Sprintf("subscription after %d up to its mark at %d", q.log.From, r.head)
	case heading:
		return fmt.Sprintf("head: %d", r.head)
	}
	switch {
	case r.lost:
		return text + ": reply lost"
	case r.absent:
		return text + ": no such stream"
	case r.conflict != nil:
		return fmt.Sprintf("%s: conflict, it is at %s", text, r.conflict.Actual)
	case q.verb == appending:
		return fmt.Sprintf("%s: revision %d, position %d", text, r.appended.Revision, r.appended.Position)
	}
	text += ": positions"
	for _, e := range r.read {
		text += fmt.Sprintf(" %d", e.Position)
	}
	return text
}
