package ingest

import (
	"errors"
	"io"
)

// elements splits a file into its JSON records: the elements of one array, or the values that follow one another, one
// a line or indented over several. It holds one record at a time.
//
// It only counts brackets outside of texts; what is between them is for the parser to judge, so that one bad record
// does not take the next ones with it. Where values follow one another, a '{' in the first column starts a record
// even inside another one, which is then cut off.
type elements struct {
	in  *input
	max int

	line  int // of the byte to come
	array bool
	ended bool // the array's closing bracket was read

	buf     []byte
	started bool
	start   int // the line that the record starts in
	depth   int
	inText  bool
	escaped bool
	long    bool
	column  int // of the byte to come, counted from 0
	// envelope is the key of the list that the records stand in, where an object is around them.
	envelope string
	// around counts the brackets around the list in its envelope, and broke tells that what follows can't be read.
	around int
	broke  bool
	// resync skips to the next '{' in the first column.
	resync bool
}

func newElements(in *input, maxBytes int) *elements {
	e := &elements{in: in, max: maxBytes, line: 1, envelope: envelopeOf(in.peek())}
	if e.envelope != "" {
		e.array = e.enter()
		e.ended = !e.array
		return e
	}
	for went := 0; ; went++ {
		c, err := in.ReadByte()
		if err != nil || tooFar(went, maxBytes) != nil { // next tells
			return e
		}
		switch c {
		case '\n':
			e.line++
			e.column = 0
		case ' ', '\t', '\r':
			e.column++
		case '[':
			e.array = true
			e.column++
			return e
		default:
			_ = in.UnreadByte()
			return e
		}
	}
}

// next returns the next record and the line that it starts in. The bytes hold until the next call. A *Problem
// concerns one record, io.EOF is the end, and any other error ends the file.
func (e *elements) next() ([]byte, int, error) {
	e.buf, e.started, e.long = e.buf[:0], false, false
	if e.ended && e.envelope != "" {
		if e.broke {
			return nil, e.line, io.EOF
		}
		if e.ended = !e.enter(); !e.ended {
			e.array = true
		}
	}
	if e.ended {
		return nil, e.line, e.trailing()
	}
	for went := 0; ; {
		chunk, err := e.in.Peek(max(1, e.in.Buffered()))
		if len(chunk) == 0 {
			return nil, e.start, e.atEnd(err)
		}
		used, found, problem := e.scan(chunk)
		went += used
		if err := tooFar(went, e.max); err != nil {
			return nil, e.start, e.in.unreadable(e.line, "%s", err)
		}
		if _, err := e.in.Discard(used); err != nil {
			return nil, e.line, e.in.unreadable(e.line, "%s", readReason(err))
		}
		switch {
		case problem != nil:
			return nil, e.start, problem
		case found && e.long:
			return nil, e.start, e.broken(tooLong(e.max))
		case found:
			return e.buf, e.start, nil
		case e.ended && e.envelope != "":
			return e.next()
		case e.ended:
			return nil, e.line, e.trailing()
		}
	}
}

func (e *elements) broken(reason string) *Problem {
	e.in.broken++
	return e.in.problem(e.start, "", "", "%s", reason)
}

func (e *elements) atEnd(err error) error {
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return e.in.unreadable(e.line, "%s", readReason(err))
	case e.started:
		e.started, e.ended, e.array, e.broke = false, true, false, true
		return e.broken("the file ends inside the record: it is cut off")
	case e.array && !e.ended:
		e.array, e.ended, e.broke = false, true, true
		e.in.broken++
		return e.in.problem(e.line, "", "", "the array is not closed: the file is cut off")
	}
	return io.EOF
}

// trailing checks that nothing follows the array.
func (e *elements) trailing() error {
	for went := 0; ; went++ {
		c, err := e.in.ReadByte()
		if err != nil {
			return e.atEnd(err)
		}
		if err := tooFar(went, e.max); err != nil {
			return e.in.unreadable(e.line, "%s", err)
		}
		switch c {
		case '\n':
			e.line++
		case ' ', '\t', '\r':
		default:
			return e.in.unreadable(e.line, "%q follows the end of the array", c)
		}
	}
}

// scan goes through a chunk up to the end of the record, and tells how much it took.
func (e *elements) scan(chunk []byte) (used int, found bool, problem error) {
	from := -1 // where the part of the chunk that belongs to the record starts
	if e.started {
		from = 0
	}
	keep := func(to int) {
		if from >= 0 && !e.long {
			if e.long = len(e.buf)+to-from > e.max; e.long {
				e.buf = nil
			} else {
				e.buf = append(e.buf, chunk[from:to]...)
			}
		}
	}
	for i := 0; i < len(chunk); i++ {
		c := chunk[i]
		first := e.column == 0
		e.column++
		if c == '\n' {
			e.line++
			e.column = 0
		}
		if e.inText {
			switch {
			case e.escaped:
				e.escaped = false
			case c == '\\':
				e.escaped = true
			case c == '"':
				e.inText = false
			case c == '\n':
				return i + 1, false, e.reset("a line ends inside a text: the record is cut off, or a line break is not written as \\n")
			}
			continue
		}
		if e.resync {
			if !first || c != '{' {
				continue
			}
			e.resync = false
		}
		switch c {
		case '"':
			e.inText = true
		case '{', '[':
			if c == '{' && first && e.depth > 0 && !e.array {
				// Hand the byte back: the record that starts here is read by the next call.
				e.column = 0
				keep(i)
				return i, false, e.reset("the record is cut off before the next one starts")
			}
			e.depth++
		case '}', ']':
			if e.depth == 0 {
				return e.closing(c, i, keep)
			}
			if e.depth--; e.depth == 0 {
				keep(i + 1)
				return i + 1, true, nil
			}
		case ',':
			if e.depth == 0 && e.array {
				if keep(i); e.started {
					return i + 1, true, nil
				}
				continue
			}
		case '\n':
			if e.depth == 0 && e.started && !e.array {
				keep(i)
				return i + 1, true, nil
			}
		}
		if !e.started && !isSpace(c) {
			e.started, e.start, from = true, e.line, i
		}
	}
	keep(len(chunk))
	return len(chunk), false, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// closing handles a bracket that closes more than the record opened: the end of the array, or a mistake.
func (e *elements) closing(c byte, i int, keep func(int)) (int, bool, error) {
	switch {
	case e.array && c == ']':
		e.ended = true
		keep(i)
		return i + 1, e.started, nil
	case e.array:
		e.ended = true
		return i + 1, false, e.in.unreadable(e.line, "%q closes nothing", c)
	}
	if !e.started {
		e.start = e.line
	}
	return i + 1, false, e.reset("a bracket closes nothing")
}

// reset gives a record up. In an array there is no telling where the next one starts.
func (e *elements) reset(reason string) error {
	e.depth, e.inText, e.escaped, e.started = 0, false, false, false
	if e.array {
		e.ended, e.array = true, false
		return e.in.unreadable(e.start, "%s", reason)
	}
	e.resync = true
	return e.broken(reason)
}
