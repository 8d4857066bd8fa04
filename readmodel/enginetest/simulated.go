// Package enginetest holds every engine of the read models to one contract, and makes histories to test with.
package enginetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// log numbers facts as a log does.
type log struct {
	entries   []readmodel.Entry
	revisions map[string]uint64
}

func newLog() *log { return &log{revisions: make(map[string]uint64)} }

var errPoison = errors.New("unknown event kind")

// add appends a fact to a stream, or one that can't be decoded.
func (l *log) add(stream string, at time.Time, e events.Event) {
	position := uint64(len(l.entries) + 1)
	entry := readmodel.Entry{
		Envelope: events.Envelope{
			ID: events.NameID(at, fmt.Sprint(position)), Stream: stream, Revision: l.revisions[stream], Position: position,
			Kind: "unheard.of", Version: 1, OccurredAt: at, RecordedAt: at, Workspace: "main",
		},
		Event: e, Err: errPoison,
	}
	if e != nil {
		entry.Envelope.Kind, entry.Err = e.Kind(), nil
	}
	l.entries = append(l.entries, entry)
	l.revisions[stream]++
}

// Simulated is a history of runs with about five steps each, eight at a time: about twelve facts a run.
func Simulated(seed uint64, runs int) []readmodel.Entry {
	r := rand.New(rand.NewPCG(seed, 6))
	l := newLog()
	at := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	for i := range 12 {
		name := fmt.Sprintf("agent-%02d", i)
		l.add("agent-"+name, at, events.AgentSpawned{Agent: name, Imported: true})
	}
	type open struct {
		id                   string
		plan, started, ended int
		workflow             int
	}
	var active []*open
	for begun := 0; begun < runs || len(active) > 0; {
		at = at.Add(time.Duration(r.IntN(2000)) * time.Millisecond)
		if len(active) < 8 && begun < runs {
			o := &open{id: events.NameID(at, fmt.Sprint("run", seed, begun)).String(), workflow: r.IntN(10), plan: 3 + r.IntN(5)}
			l.add("run-"+o.id, at, events.RunStarted{
				Run: o.id, Workflow: fmt.Sprintf("workflow-%d", o.workflow), Task: fmt.Sprintf("task-%03d", r.IntN(500)),
				Requester: "anna", Prompt: "Ship the changelog of the last release, please.",
			})
			active, begun = append(active, o), begun+1
			continue
		}
		i := r.IntN(len(active))
		o := active[i]
		stream := "run-" + o.id
		switch {
		case o.started > o.ended:
			e := events.RunStepFinished{
				Step: o.ended, Outcome: events.Succeeded, InputTokens: int64(500 + r.IntN(4000)),
				OutputTokens: int64(20 + r.IntN(600)), CostNanos: events.Nanos(r.IntN(40_000_000)),
			}
			if r.IntN(20) == 0 {
				e.Outcome, e.Error = events.Failed, "connection reset by peer"
			}
			l.add(stream, at, e)
			o.ended++
		case o.started < o.plan:
			kind := (o.workflow + o.started*3 + r.IntN(2)) % 12
			e := events.RunStepStarted{
				Step: o.started, Name: fmt.Sprintf("step-%02d", kind), Type: events.ChatStep,
				Agent: fmt.Sprintf("agent-%02d", o.workflow%12), Model: fmt.Sprintf("model-%d", kind%4),
			}
			if kind%3 == 0 {
				e.Type, e.Model, e.Tool = events.ToolStep, "", fmt.Sprintf("tool-%d", kind)
			}
			l.add(stream, at, e)
			o.started++
		default:
			if r.IntN(5) == 0 {
				l.add(stream, at, events.RunFailed{Error: "no answer"})
			} else {
				l.add(stream, at, events.RunFinished{Outcome: events.Succeeded, Answer: "Done: the changelog of 1.4.0 is out."})
			}
			active = append(active[:i], active[i+1:]...)
		}
	}
	return l.entries
}
