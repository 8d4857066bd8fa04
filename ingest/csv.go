package ingest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// row is what is kept of a line until the file's end, when its case is complete and the times' layout is known.
type row struct {
	event     logEvent
	at, ended string
}

// parseCSV reads event logs in CSV (RFC 4180) with a header. A case's rows may stand anywhere in the file, and the
// layout of its times shows only over many of them, so that the rows are held until its end; what is held is bounded.
// A file without a case column, but with one of tokens, is a list of calls to a model: each row is a run.
func parseCSV(in *input, o Options, yield yield) {
	t := &table{in: in, o: o, cases: map[string]*tableCase{}}
	if !t.read(yield) {
		return
	}
	if f := t.layout(); f != nil {
		yield(Record{}, in.unreadable(0, "column %s: %s", f.key, f.reason))
		return
	}
	for _, c := range t.order {
		record, f := t.record(c)
		if f != nil {
			if !yield(Record{}, in.problem(c.badLine(), c.name, f.key, "%s", f.reason)) {
				return
			}
		} else if !yield(record, nil) {
			return
		}
		c.rows = nil
	}
}

// table is a CSV file as it is read.
type table struct {
	in     *input
	o      Options
	header []string
	cols   columns
	cases  map[string]*tableCase
	order  []*tableCase
	held   int64
	rows   int
	timeIn string // the layout
}

type tableCase struct {
	logCase
	rows []row
	// bad is what is wrong with one of its rows, at a line: the case is then left out as a whole.
	bad  *flaw
	line int
}

func (c *tableCase) badLine() int {
	if c.line > 0 {
		return c.line
	}
	return c.logCase.line
}

// read takes in all rows. It returns false where the file is no good, or the reader wants no more.
func (t *table) read(yield yield) bool {
	limit := &limitedReader{r: t.in.Reader, left: t.o.MaxRecordBytes}
	separator := t.o.Separator
	if named := t.skipSeparatorLine(); separator == 0 {
		separator = named
	}
	if separator == 0 {
		separator = detectSeparator(t.in.peek())
	}
	r := csv.NewReader(bufio.NewReader(limit))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = separator, -1, true
	if separator == '"' || separator == '\r' || separator == '\n' || separator == utf8.RuneError {
		return yield(Record{}, t.in.unreadable(0, "%q can't separate columns", separator)) && false
	}
	for {
		cells, err := r.Read()
		limit.left = t.o.MaxRecordBytes
		if errors.Is(err, io.EOF) {
			break
		}
		line := 0
		var syntax *csv.ParseError
		switch {
		case errors.As(err, &syntax):
			line = syntax.StartLine
		case err == nil && len(cells) > 0:
			line, _ = r.FieldPos(0)
		}
		if t.header == nil {
			if err != nil {
				return yield(Record{}, t.in.unreadable(line, "the header: %s", csvReason(err, t.o))) && false
			}
			if f := t.head(cells); f != nil {
				return yield(Record{}, t.in.unreadable(line, "%s", f.reason)) && false
			}
			continue
		}
		if err == nil && blankRow(cells) {
			continue
		}
		if short := t.cols.id >= len(cells); err != nil && (syntax == nil || t.cols.id < 0 || short) || short {
			reason := fmt.Sprintf("the row has %d columns, the header %d", len(cells), len(t.header))
			if err != nil {
				reason = csvReason(err, t.o)
			}
			if err == nil && t.cols.id >= 0 && len(cells) == 1 {
				// A footer, such as a count of the rows, is no row of any case.
				if !yield(Record{}, t.in.problem(line, "", "", "%s; it names no case, and is left out", reason)) {
					return false
				}
				continue
			}
			return yield(Record{}, t.in.unreadable(line, "%s; as the row's case can't be told, no case is taken: mend the row", reason)) && false
		}
		if f := t.take(cells, line, err); f != nil {
			return yield(Record{}, t.in.unreadable(line, "%s", f.reason)) && false
		}
	}
	if t.header == nil {
		return yield(Record{}, t.in.unreadable(0, "it has no header")) && false
	}
	return true
}

func csvReason(err error, o Options) string {
	var syntax *csv.ParseError
	switch {
	case errors.Is(err, errTooLong):
		return "a row is " + tooLong(o.MaxRecordBytes) + ", or a quote is never closed"
	case errors.As(err, &syntax):
		return syntax.Err.Error()
	}
	return readReason(err)
}

// take keeps a row. It fails only where too much is held.
func (t *table) take(cells []string, line int, broken error) *flaw {
	t.rows++
	id := strconv.Itoa(t.rows)
	if t.cols.id >= 0 && t.cols.id < len(cells) {
		id = strings.TrimSpace(cells[t.cols.id])
	}
	c := t.cases[id]
	if c == nil {
		c = &tableCase{logCase: logCase{name: strings.Clone(id), line: line}}
		if t.cols.id < 0 {
			c.name = "row " + id
		} else {
			t.cases[c.name] = c
		}
		t.order = append(t.order, c)
	}
	if c.bad != nil {
		return nil
	}
	r, f := row{}, (*flaw)(nil)
	if t.cols.id >= 0 {
		f = checkName(t.header[t.cols.id], id)
	}
	switch {
	case f != nil:
	case broken != nil:
		f = flawed("", "%s", csvReason(broken, t.o))
	default:
		r, f = t.row(cells, line)
	}
	if f != nil {
		c.bad, c.line, c.rows = f, line, nil
		return nil
	}
	c.rows = append(c.rows, r)
	const overhead = 320
	if t.held += int64(len(r.at) + len(r.ended) + len(r.event.activity) + overhead); t.held > t.o.MaxHeldBytes {
		return flawed("", "the rows take more than %d bytes of memory; split the file by case", t.o.MaxHeldBytes)
	}
	return nil
}

// row reads all of a row but its times.
func (t *table) row(cells []string, line int) (r row, f *flaw) {
	if len(cells) != len(t.header) {
		return r, flawed("", "the row has %d columns, the header %d", len(cells), len(t.header))
	}
	parts := make([]string, 0, 2*len(cells))
	for i, cell := range cells {
		if !utf8.ValidString(cell) {
			return r, flawed(t.header[i], "is not UTF-8; convert the file to UTF-8, for example by iconv")
		}
		if strings.IndexByte(cell, 0) >= 0 {
			return r, flawed(t.header[i], "holds a NUL character")
		}
		if cell != "" {
			parts = append(parts, t.header[i], cell)
		}
	}
	cell := func(i int) string {
		if i < 0 {
			return ""
		}
		return strings.TrimSpace(cells[i])
	}
	e := &r.event
	e.line, e.content = line, digestStrings(parts...)
	e.activity, e.resource, e.model = strings.Clone(cell(t.cols.activity)), strings.Clone(cell(t.cols.resource)), strings.Clone(cell(t.cols.model))
	e.transition = strings.ToLower(cell(t.cols.lifecycle))
	r.at, r.ended = strings.Clone(cell(t.cols.at)), strings.Clone(cell(t.cols.ended))
	e.chat = cell(t.cols.input) != "" || cell(t.cols.output) != "" || e.model != ""
	if t.cols.activity < 0 {
		e.activity = "chat"
	} else if f := checkName(t.header[t.cols.activity], e.activity); f != nil {
		return r, f
	}
	if isNothing(r.ended) {
		r.ended = ""
	}
	if t.o.Time == "" && r.ended != "" && isNothing(r.at) {
		r.at = r.ended // of some events only the end is known
	}
	if r.at == "" {
		return r, flawed(t.cols.atName, "is empty")
	}
	if isNothing(r.at) {
		return r, flawed(t.cols.atName, "%q is no time", clip(r.at))
	}
	if s := cell(t.cols.input); s != "" {
		if e.input, f = t.tokens(t.header[t.cols.input], s); f != nil {
			return r, f
		}
	}
	if s := cell(t.cols.output); s != "" {
		if e.output, f = t.tokens(t.header[t.cols.output], s); f != nil {
			return r, f
		}
	}
	if s := cell(t.cols.cost); s != "" {
		plain, f := plainNumber(t.header[t.cols.cost], s, t.o.Decimal)
		if f != nil {
			return r, f
		}
		if e.cost, f = roundUSD(t.header[t.cols.cost], plain); f != nil {
			return r, f
		}
		e.priced = true
	}
	if t.cols.outcome >= 0 {
		e.outcome, f = verdict(t.header[t.cols.outcome], cell(t.cols.outcome))
	}
	return r, f
}

func (t *table) tokens(key, s string) (int64, *flaw) {
	plain, f := plainNumber(key, s, t.o.Decimal)
	if f != nil {
		return 0, f
	}
	return count(key, plain)
}

func blankRow(cells []string) bool {
	return !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" })
}

// skipSeparatorLine reads over a first line like "sep=;", which spreadsheets write and read, and returns what it names.
func (t *table) skipSeparatorLine() rune {
	line, _, found := bytes.Cut(t.in.peek(), []byte{'\n'})
	named := strings.TrimRight(strings.Trim(string(line), "\"\r"), "\r\"")
	if !found || len(named) < 5 || !strings.EqualFold(named[:4], "sep=") {
		return 0
	}
	separator, size := utf8.DecodeRuneInString(named[4:])
	if size != len(named)-4 {
		return 0
	}
	_, _ = t.in.Discard(len(line) + 1)
	return separator
}

// layout finds how the times are written, from the first thousands of them.
func (t *table) layout() *flaw {
	if t.timeIn = t.o.TimeLayout; t.timeIn != "" {
		return nil
	}
	const most = 5000
	var samples []string
	for _, c := range t.order {
		for i := range c.rows {
			samples = append(samples, c.rows[i].at)
			if c.rows[i].ended != "" {
				samples = append(samples, c.rows[i].ended)
			}
		}
		if len(samples) > most {
			break
		}
	}
	if len(samples) == 0 {
		return nil
	}
	var f *flaw
	t.timeIn, f = detectLayout(t.cols.atName, mainstream(samples), t.o.Location)
	return f
}

// mainstream leaves out the odd sample, such as a time that someone mistyped: it must not hide the layout of the
// others, and is a problem of its own case. Samples differ in shape where their digits do not line up.
func mainstream(samples []string) []string {
	count := map[string]int{}
	for _, s := range samples {
		count[shape(s)]++
	}
	rare := len(samples) / 20
	return slices.DeleteFunc(samples, func(s string) bool { return count[shape(s)] <= rare })
}

func shape(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0'
		}
		return r
	}, s)
}

// record dates a case's rows and makes a run of them.
func (t *table) record(c *tableCase) (Record, *flaw) {
	if c.bad != nil {
		return Record{}, c.bad
	}
	for i := range c.rows {
		r := &c.rows[i]
		var f *flaw
		if r.event.at, f = parseTime(t.cols.atName, t.timeIn, r.at, t.o.Location); f == nil && r.ended != "" {
			r.event.ended, f = parseTime(t.header[t.cols.ended], t.timeIn, r.ended, t.o.Location)
		}
		if f != nil {
			c.line = r.event.line
			return Record{}, f
		}
		c.events = append(c.events, r.event)
	}
	return c.draft("csv", t.in, t.o).record(t.in, t.o)
}
