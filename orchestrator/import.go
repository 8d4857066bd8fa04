package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"

	"golang.org/x/sync/semaphore"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/redact"
)

// importWindow is how many appends may be under way at once: the store groups them into shared transactions. importBytes
// is how many bytes may be in them, and about as many again in the records that are read ahead. A larger record goes alone.
const (
	importWindow = 2048
	importBytes  = 32 << 20
)

// Imported counts what became of a history.
type Imported struct {
	// Records is how many were read: Taken, Repeated (there already, with the same content) and Skipped.
	Records  int `json:"records"`
	Taken    int `json:"taken"`
	Repeated int `json:"repeated"`
	Skipped  int `json:"skipped"`
	// Events counts the facts that were added, and Steps, Agents and Feedback those of them.
	Events   int `json:"events"`
	Steps    int `json:"steps"`
	Agents   int `json:"agents"`
	Feedback int `json:"feedback"`
	Verdicts int `json:"verdicts"`
	// Workflows are those of the runs that were taken or repeated.
	Workflows map[string]bool `json:"-"`
}

// Import dispatches the records of a history in their order, each run whole or not at all. A record that can't be
// taken is skipped, and onProblem hears why. It returns an error where it can't go on; what was taken until then
// stays, and importing again goes on from there.
func Import(ctx context.Context, d *Dispatcher, records iter.Seq2[ingest.Record, error], onProblem func(*ingest.Problem)) (Imported, error) {
	return importAll(ctx, &importing{dispatcher: d, onProblem: onProblem, bound: importBytes}, records)
}

// ImportUnordered is Import that keeps order within each record only: a store that can appends records side by side, and
// the log they make is another one each time.
func ImportUnordered(ctx context.Context, d *Dispatcher, records iter.Seq2[ingest.Record, error], onProblem func(*ingest.Problem)) (Imported, error) {
	return importAll(ctx, &importing{dispatcher: d, onProblem: onProblem, bound: importBytes, unordered: true}, records)
}

func importAll(ctx context.Context, i *importing, records iter.Seq2[ingest.Record, error]) (Imported, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	i.open, i.agents, i.sum.Workflows = map[string]bool{}, map[string]bool{}, map[string]bool{}
	for r := range ahead(ctx, i.bound, records) {
		if err := i.take(ctx, r.record, r.err); err != nil {
			return i.sum, errors.Join(err, i.settle(0))
		}
	}
	return i.sum, errors.Join(i.settle(0), context.Cause(ctx))
}

type parsed struct {
	record ingest.Record
	size   int64
	err    error
}

// overhead is about what a command takes beside its texts, in bytes.
const overhead = 512

// weight is about what a record takes in memory, in bytes.
func weight(r *ingest.Record) int64 {
	texts := 0
	for _, c := range r.Run {
		texts += overhead
		switch c := c.(type) {
		case commands.StartRun:
			texts += len(c.Prompt)
		case commands.FinishStep:
			texts += len(c.Error)
		case commands.RecordLLMCall:
			texts += len(c.Params)
			for _, m := range slices.Concat(c.Asked, c.Answered) {
				texts += len(m.Content) + len(m.Thinking) + len(m.Extra)
				for _, call := range m.ToolCalls {
					texts += len(call.Arguments)
				}
			}
		case commands.FinishRun:
			texts += len(c.Answer)
		case commands.FailRun:
			texts += len(c.Error)
		}
	}
	for _, f := range r.Feedback {
		texts += overhead + len(f.Text)
	}
	return int64(texts)
}

// ahead parses on another core, up to a bound in bytes. The goroutine ends with the iteration.
func ahead(ctx context.Context, bound int64, records iter.Seq2[ingest.Record, error]) iter.Seq[parsed] {
	return func(yield func(parsed) bool) {
		ctx, cancel := context.WithCancel(ctx)
		ch := make(chan parsed, 64)
		room := semaphore.NewWeighted(bound)
		go func() {
			defer close(ch)
			for record, err := range records {
				size := min(weight(&record), bound)
				if room.Acquire(ctx, size) != nil {
					return
				}
				select {
				case ch <- parsed{record, size, err}:
				case <-ctx.Done():
					return
				}
			}
		}()
		defer func() {
			cancel()
			for range ch { //nolint:revive // wait for the parser to let go of its input
			}
		}()
		for p := range ch {
			if !yield(p) {
				return
			}
			room.Release(p.size)
		}
	}
}

// importing is an import under way.
type importing struct {
	dispatcher *Dispatcher
	onProblem  func(*ingest.Problem)
	unordered  bool
	sum        Imported
	// pending are the appends under way, in order, and open the streams that they are for.
	pending []submission
	open    map[string]bool
	// bytes is what they hold, and bound the most that they may.
	bytes, bound int64
	// left is about what large records left behind since the last collection.
	left int64
	// agents are those known to be spawned.
	agents map[string]bool
}

type submission struct {
	stream string
	size   int // in bytes
	wait   func() (commands.Receipt, error)
	// done counts what was added, tooLarge takes up that the store takes no append of that size.
	done     func(commands.Receipt)
	tooLarge func(error)
}

// largeRun is the size in bytes from which a run is waited for before what is said of it: an engine may not take it. The
// least that one takes is a MiB.
const largeRun = 256 << 10

func (i *importing) take(ctx context.Context, r ingest.Record, err error) error {
	var problem *ingest.Problem
	if errors.As(err, &problem) && problem.Notice {
		i.onProblem(problem)
		return nil
	}
	if errors.As(err, &problem) {
		i.skip(problem)
		return nil
	}
	if err != nil {
		return err
	}
	i.sum.Records++
	if len(r.Run) == 0 {
		return fmt.Errorf("%s:%d: record %s holds no run", r.File, r.Line, r.Name)
	}
	var chain *eventstore.Chain
	if i.unordered {
		chain = new(eventstore.Chain)
	}
	steps := 0 // what waits for the store does not hold the record
	for _, c := range r.Run {
		if _, ok := c.(commands.StartStep); ok {
			steps++
		}
	}
	if start, ok := r.Run[0].(commands.StartRun); ok {
		i.sum.Workflows[start.Workflow] = true
	}
	file, line, name := r.File, r.Line, r.Name
	leftOut := false
	leaveOut := func(reason string) {
		leftOut = true
		i.sum.Records--
		i.skip(&ingest.Problem{File: file, Line: line, Record: redact.Text(name), Reason: reason})
	}
	err = i.submit(ctx, chain, r.Run, func(receipt commands.Receipt) {
		if receipt.Repeated {
			i.sum.Repeated++
			return
		}
		i.sum.Taken++
		i.sum.Steps += steps
	}, func(err error) { leaveOut(err.Error()) })
	if aggregates.Refused(err) {
		reason := err.Error()
		if errors.Is(err, aggregates.ErrExists) {
			reason = "a run of that name with other content is there already: give it another name, or leave it out"
		}
		leaveOut(reason)
		return nil
	}
	if err != nil {
		return err
	}
	if size := i.pending[len(i.pending)-1].size; size > largeRun {
		// It leaves several times its size behind, which the collector would let grow to as much as all that is held.
		if i.left += int64(size); i.left > i.bound {
			i.left = 0
			runtime.GC()
		}
		if err := i.settle(0); err != nil || leftOut {
			return err
		}
	}
	for _, c := range r.Agents {
		if i.agents[c.Agent] {
			continue
		}
		i.agents[c.Agent] = true
		err := i.submit(ctx, chain, []commands.Command{c}, func(r commands.Receipt) { i.sum.Agents += r.Events }, nil)
		if err != nil && !errors.Is(err, aggregates.ErrExists) {
			return fmt.Errorf("%s:%d: record %s: %w", r.File, r.Line, r.Name, err)
		}
	}
	for _, c := range r.Feedback {
		refuse := func(err error) {
			i.onProblem(&ingest.Problem{File: r.File, Line: r.Line, Record: redact.Text(r.Name), Key: "feedback", Reason: err.Error()})
		}
		err := i.submit(ctx, chain, []commands.Command{c}, func(r commands.Receipt) { i.sum.Feedback += r.Events }, refuse)
		if aggregates.Refused(err) {
			refuse(err)
		} else if err != nil {
			return err
		}
	}
	if r.Verdict != nil {
		refuse := func(err error) {
			i.onProblem(&ingest.Problem{File: r.File, Line: r.Line, Record: redact.Text(r.Name), Key: "verdict", Reason: err.Error()})
		}
		err := i.submit(ctx, chain, []commands.Command{*r.Verdict}, func(r commands.Receipt) { i.sum.Verdicts += r.Events }, refuse)
		if aggregates.Refused(err) {
			refuse(err)
		} else if err != nil {
			return err
		}
	}
	return i.settle(importWindow)
}

func (i *importing) skip(p *ingest.Problem) {
	i.sum.Records++
	i.sum.Skipped++
	i.onProblem(p)
}

// submit hands commands on. Two of one stream are never under way together.
func (i *importing) submit(ctx context.Context, chain *eventstore.Chain, cmds []commands.Command, done func(commands.Receipt), tooLarge func(error)) error {
	stream := cmds[0].Stream()
	if i.open[stream] {
		if err := i.settle(0); err != nil {
			return err
		}
	}
	wait, size, err := i.dispatcher.submit(ctx, chain, cmds...)
	if err != nil {
		return err
	}
	i.open[stream] = true
	i.bytes += int64(size)
	i.pending = append(i.pending, submission{stream: stream, size: size, wait: wait, tooLarge: tooLarge, done: func(r commands.Receipt) {
		i.sum.Events += r.Events
		done(r)
	}})
	return nil
}

// settle waits until no more than most appends are under way, and no more bytes than may be.
func (i *importing) settle(most int) error {
	var failed error
	for len(i.pending) > most || i.bytes > i.bound {
		s := i.pending[0]
		i.pending[0] = submission{} // the slice keeps nothing of it
		i.pending = i.pending[1:]
		i.bytes -= int64(s.size)
		delete(i.open, s.stream)
		receipt, err := s.wait()
		if errors.Is(err, eventstore.ErrConflict) {
			err = fmt.Errorf("another import of the same history is under way (%w): run this one again when it is done", err)
		}
		switch {
		case err == nil:
			s.done(receipt)
		case errors.Is(err, eventstore.ErrTooLarge) && s.tooLarge != nil:
			s.tooLarge(err)
		case failed == nil:
			failed = err // what fails behind it fails for the same reason
		}
	}
	return failed
}
