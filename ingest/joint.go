package ingest

import (
	"errors"
	"fmt"
	"iter"
	"strings"
)

// Joint gathers what of a trace is spread over the files of one command: exporters send a trace in many bodies, the
// inner spans first. What it holds is bounded by Options.MaxHeldBytes.
type Joint struct {
	traces map[string]*heldTrace
	order  []*heldTrace
	held   int64
	full   bool
	// kept counts what was taken in.
	kept int
	// broken counts the parts of files that could not be read.
	broken int
}

// NewJoint is a gathering for one command. Pass it in Options.Joint to each of its files, and take what was gathered
// from Records when they are read.
func NewJoint() *Joint { return &Joint{traces: map[string]*heldTrace{}} }

// heldItem is a span as it stands in the file, with what its resource and its scope tell of it.
type heldItem struct {
	raw      string
	resource *heldResource
	scope    string
}

type heldResource struct {
	attributes attributes
	content    string
}

// heldTrace is what of a trace was met so far.
type heldTrace struct {
	id     string
	format string
	in     *input
	line   int
	o      Options
	items  []heldItem
}

// joined reads a file whose records are parts of traces. Where the command has no Joint, the file stands for itself.
func joined(in *input, o Options, yield yield, take func(j *Joint, v value, line int) *flaw, read func(yield yield, take func(value, int) *flaw) bool) {
	j := o.Joint
	if j == nil {
		j = NewJoint()
	}
	before := in.broken
	// What ends the file is told behind what was gathered before it, since nothing follows it.
	var ending error
	whole := read(func(r Record, err error) bool {
		if o.Joint == nil && endsFile(err) {
			ending = err
			return true
		}
		return yield(r, err)
	}, func(v value, line int) *flaw {
		if j.full {
			return nil
		}
		f := take(j, v, line)
		if f != nil {
			in.broken++
		}
		return f
	})
	j.broken += in.broken - before
	if ending != nil {
		j.broken++
	}
	if !whole {
		return
	}
	if j.full {
		yield(Record{}, in.unreadable(0, "the files hold more than %d bytes of spans, and a trace may lie scattered over all of them; import them in parts, by trace", o.MaxHeldBytes))
		return
	}
	if o.Joint == nil {
		for r, err := range j.Records() {
			if !yield(r, err) {
				return
			}
		}
	}
	if ending != nil {
		yield(Record{}, ending)
	}
}

// endsFile tells an error behind which nothing of the file is read from one that concerns a record.
func endsFile(err error) bool {
	var p *Problem
	return err != nil && !errors.As(err, &p)
}

// elementsOf reads a file's JSON records and gathers each.
func elementsOf(in *input, o Options) func(yield yield, take func(value, int) *flaw) bool {
	return func(yield func(Record, error) bool, take func(value, int) *flaw) bool {
		whole := true
		eachElement(in, o, func(r Record, err error) bool {
			whole = yield(r, err)
			return whole
		}, func(v value, line int) (Record, string, *flaw) {
			return Record{}, "", take(v, line)
		})
		return whole
	}
}

// keep adds a part to its trace.
func (j *Joint) keep(in *input, o Options, format, id string, line int, item heldItem) {
	t := j.traces[format+" "+id]
	if t == nil {
		t = &heldTrace{id: id, format: format, in: in, line: line, o: o}
		j.traces[format+" "+id] = t
		j.order = append(j.order, t)
	}
	t.items = append(t.items, item)
	j.kept++
}

// weigh counts what is held, and tells whether it is too much.
func (j *Joint) weigh(bytes int, o Options) bool {
	j.held += int64(bytes)
	j.full = j.full || j.held > o.MaxHeldBytes
	return j.full
}

// traceReaders make a run of a trace's parts. They return nil for a trace that is no run.
var traceReaders = map[string]func(d *draft, t *heldTrace, j *Joint) (bool, *flaw){
	"otlp": (*draft).readSpans, "langfuse": (*draft).readRows, "langsmith": (*draft).readTree,
}

// Records hands on what was gathered, trace by trace, and forgets it.
func (j *Joint) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if j.full {
			return // the file that was too much has told
		}
		noRuns := 0
		var in *input
		for _, t := range j.order {
			in = t.in
			d := &draft{format: t.format, line: t.line, name: t.id, run: t.id}
			isRun, f := traceReaders[t.format](d, t, j)
			if f == nil && !isRun {
				noRuns++
				continue
			}
			record := Record{}
			if f == nil {
				record, f = d.record(t.in, t.o)
			}
			t.items = nil
			if f != nil {
				if !yield(Record{}, t.in.problem(t.line, t.id, f.key, "%s", f.reason)) {
					return
				}
				continue
			}
			if d.note != "" && !yield(Record{}, t.in.notice(t.line, t.id, "%s", d.note)) || !yield(record, nil) {
				return
			}
		}
		j.traces, j.order, j.held = map[string]*heldTrace{}, nil, 0
		if noRuns > 0 {
			yield(Record{}, in.notice(0, "", "%s no model, agent or tool, but HTTP, sockets or a database: no run", traces(noRuns)))
		}
	}
}

func traces(n int) string {
	if n == 1 {
		return "1 trace holds"
	}
	return fmt.Sprintf("%d traces hold", n)
}

// whole tells whether a trace has its top. One without is left out: its other parts may be in another file, and what
// is imported once is not changed by a later import.
func (d *draft) whole(spans []span, t *heldTrace, j *Joint) *flaw {
	if len(d.lost) == 0 {
		return nil
	}
	root, remote, first := false, false, ""
	for i := range spans {
		s := &spans[i]
		root = root || s.parent == "" && !d.lost[s.id]
		remote = remote || d.lost[s.id] && s.remote
		if d.lost[s.id] && first == "" {
			first = s.id
		}
	}
	switch {
	case j.broken > 0:
		return flawed("", "the parent of span %s is missing, and parts of the file can't be read: the trace may be incomplete", first)
	case root:
		d.note = strings.TrimSpace(fmt.Sprintf("the parent of span %s is missing: it stands at the top of the run, and does not decide how that ended", first))
	case remote || t.o.Partial:
		d.note = fmt.Sprintf("the parent of span %s, in another program, is missing: the run is the part that is here", first)
	default:
		return flawed("", "the parent of span %s is missing, and with it the trace's top: import all files of a trace in one command, or take the part that is here by --partial", first)
	}
	return nil
}
