package ingest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// ErrUnreadable ends a file: what is behind it can't be read. Records before it stand.
var ErrUnreadable = errors.New("the rest of the file can't be read")

// ErrUnknownFormat tells that no parser knows the content, or the format's name.
var ErrUnknownFormat = errors.New("unknown format")

// The bounds that hold where Options names none.
const (
	defaultMaxRecord = 64 << 20
	defaultMaxHeld   = 1 << 30
	// largestRecord is as far as the JSON parser's 32-bit offsets reach.
	largestRecord = 1<<31 - 1
)

// Options say how a file is to be read. The zero value detects the format and needs only Now, for records without
// any time.
type Options struct {
	// Format is one of Formats, or "auto" or empty to detect it by content.
	Format string
	// Workflow names the runs' workflow where the record does not, or, for chat, langfuse, otlp, xes and csv, in any
	// case. Default: what the record says, else the file's name without folder and extensions.
	Workflow string
	// Agent is who made the steps of which the source does not tell. Default: "assistant" for chat, none elsewhere.
	Agent string
	// The columns of a CSV file by their names in its header. Default: well-known names, for the first four.
	Case, Activity, Time, Resource                  string
	EndTime, InputTokens, OutputTokens, Model, Cost string
	// Outcome is the CSV column, or the XES attribute, that tells how the case ended. Default: none, and the runs are
	// unrated.
	Outcome string
	// Separator parts the columns of a CSV file. Default: detected among , ; tab and |.
	Separator rune
	// TimeLayout is how times are written in a CSV file, in Go's notation ("02.01.2006 15:04"), or "unix" or "unixms".
	// Default: detected.
	TimeLayout string
	// Location is the time zone of times that name none. Default: UTC.
	Location *time.Location
	// Workspace is the tenant that the runs belong to.
	Workspace string
	// Now is when the import happens. It dates the runs of which the source gives no time at all; without it, they are
	// refused.
	Now func() time.Time
	// Joint gathers the traces that are spread over several files. Default: each file stands for itself.
	Joint *Joint
	// Partial takes traces whose top is missing as they are. Default: they are left out.
	Partial bool
	// Decimal is the sign before the decimals of numbers in a CSV file, . or , and the other one may part thousands.
	// Default: the point, and a number that could be meant otherwise is refused.
	Decimal rune
	// MaxRecordBytes bounds one record: a line, an element of a JSON array, a trace of an XES file. Default 64 MiB.
	MaxRecordBytes int
	// MaxHeldBytes bounds what otlp and csv hold in memory, whose records lie scattered over the file. Default 1 GiB.
	MaxHeldBytes int64
}

func (o Options) withDefaults() Options {
	if o.MaxRecordBytes <= 0 {
		o.MaxRecordBytes = defaultMaxRecord
	}
	o.MaxRecordBytes = min(o.MaxRecordBytes, largestRecord)
	if o.MaxHeldBytes <= 0 {
		o.MaxHeldBytes = defaultMaxHeld
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	return o
}

// yield hands a record, or what is wrong with one, to the reader. It returns false when the reader wants no more.
type yield = func(Record, error) bool

// formats is the table of parsers, one line each.
var formats = []struct {
	name  string
	parse func(in *input, o Options, yield yield)
}{
	{"runs", parseRuns},
	{"chat", parseChat},
	{"langfuse", parseLangfuse},
	{"langsmith", parseLangSmith},
	{"otlp", parseOTLP},
	{"atif", parseATIF},
	{"xes", parseXES},
	{"csv", parseCSV},
}

// Formats lists the names of the formats that can be read.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// Parse reads a file's records from r, which may be gzipped. name is the file's name, for messages and as the default
// workflow.
//
// An error that is a *Problem concerns one record, which is left out as a whole, and the iteration goes on behind it.
// Any other error ends the file.
func Parse(r io.Reader, name string, o Options) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		o := o.withDefaults()
		in, err := newInput(r, name)
		if err != nil {
			yield(Record{}, err)
			return
		}
		if o.Format == "" || o.Format == "auto" {
			if o.Format, err = Detect(in.peek()); err != nil {
				yield(Record{}, fmt.Errorf("%s: %w", name, err))
				return
			}
		}
		for _, f := range formats {
			if f.name == o.Format {
				in.hand(o, f.parse, yield)
				return
			}
		}
		yield(Record{}, fmt.Errorf("%s: %w %q; name one of %s", name, ErrUnknownFormat, o.Format, strings.Join(Formats(), ", ")))
	}
}

// hand reads the file, and tells what is in it beside records, and of a file without any.
func (in *input) hand(o Options, parse func(*input, Options, yield), yield yield) {
	found, going := 0, true
	held := 0
	if o.Joint != nil {
		held = o.Joint.kept
	}
	parse(in, o, func(r Record, err error) bool {
		found++
		going = yield(r, err) && !endsFile(err)
		return going
	})
	if !going {
		return
	}
	if o.Joint != nil {
		found += o.Joint.kept - held
	}
	if in.others > 0 {
		if found++; !yield(Record{}, in.notice(0, "", "%d exports of logs or metrics are no traces, and left out", in.others)) {
			return
		}
	}
	if found == 0 {
		yield(Record{}, in.notice(0, "", "it holds no record"))
	}
}

// Source is a file of history, open for reading.
type Source struct {
	file    *os.File
	name    string
	options Options
	size    int64
	read    atomic.Int64
}

// Open opens a file of history.
func Open(path string, o Options) (*Source, error) {
	f, err := os.Open(path) //nolint:gosec // reading the file that the user names is the point
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder: name the files in it", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &Source{file: f, name: path, options: o, size: info.Size()}, nil
}

// Records reads the file from its start, as Parse does. It can be called once.
func (s *Source) Records() iter.Seq2[Record, error] {
	return Parse(countingReader{s}, s.name, s.options)
}

// Progress tells how many of the file's bytes were read, compressed ones if it is compressed. It may be asked while
// another goroutine reads. total is 0 where it is not known, such as for a pipe.
func (s *Source) Progress() (read, total int64) { return s.read.Load(), s.size }

// Close closes the file.
func (s *Source) Close() error { return s.file.Close() }

type countingReader struct{ s *Source }

func (c countingReader) Read(p []byte) (int, error) {
	n, err := c.s.file.Read(p)
	c.s.read.Add(int64(n))
	return n, err
}

// workflowOf is the file's name without folder and extensions, as a default workflow.
func workflowOf(name string) string {
	base := filepath.Base(name)
	for _, ext := range []string{".gz", filepath.Ext(strings.TrimSuffix(base, ".gz"))} {
		base = strings.TrimSuffix(base, ext)
	}
	if folder := filepath.Base(filepath.Dir(name)); strings.Trim(base, "0123456789") == "" && folder != "." && folder != string(filepath.Separator) {
		base = folder // a number tells one file of many apart
	}
	return clean(base, "import")
}

// peekBytes is how much of a file its format is detected from.
const peekBytes = 64 << 10

// input is a file's text, past compression and byte order mark.
type input struct {
	*bufio.Reader
	name string
	// broken counts the parts of the file that could not be read, and others what is there beside traces.
	broken, others int
}

func (in *input) peek() []byte {
	prefix, _ := in.Peek(peekBytes)
	return prefix
}

func (in *input) problem(line int, record, key, format string, args ...any) *Problem {
	// What is shown of a record must not keep all of it.
	return &Problem{File: in.name, Line: line, Record: strings.Clone(clip(record)), Key: strings.Clone(clip(key)), Reason: fmt.Sprintf(format, args...)}
}

// notice tells what a person should know, though nothing is left out for it.
func (in *input) notice(line int, record, format string, args ...any) *Problem {
	p := in.problem(line, record, "", format, args...)
	p.Notice = true
	return p
}

// unreadable is the error that ends the file.
func (in *input) unreadable(line int, format string, args ...any) error {
	return fmt.Errorf("%s: %w", in.problem(line, "", "", format, args...), ErrUnreadable)
}
