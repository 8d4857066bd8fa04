package ingest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseXES reads event logs in XES (IEEE 1849), one trace at a time.
func parseXES(in *input, o Options, yield yield) {
	x := &xesReader{in: in, o: o}
	x.limit = &limitedReader{r: in.Reader, left: o.MaxRecordBytes}
	x.xml = xml.NewDecoder(x.limit)
	x.xml.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("it is written in %s; convert it to UTF-8, for example by iconv", clip(charset))
	}
	stray := 0
	for index := 0; ; {
		token, err := x.next()
		switch {
		case errors.Is(err, io.EOF):
			if stray > 0 {
				yield(Record{}, in.problem(0, "", "", "%d events stand outside of any trace: no case is known for them, and none is taken", stray))
			}
			return
		case err != nil:
			x.fail(err, yield)
			return
		}
		start, ok := token.(xml.StartElement)
		if ok && start.Name.Local == "event" && x.depth == 2 {
			stray++
		}
		if ok && start.Name.Local == "classifier" && x.depth == 2 {
			x.classify(start)
		}
		if !ok || start.Name.Local != "trace" || x.depth != 2 {
			continue
		}
		index++
		c, f, err := x.trace(index)
		if err != nil {
			x.fail(err, yield)
			return
		}
		record := Record{}
		if f == nil {
			record, f = c.draft("xes", in, o).record(in, o)
		}
		if f != nil {
			if !yield(Record{}, in.problem(c.line, c.name, f.key, "%s", f.reason)) {
				return
			}
		} else if !yield(record, nil) {
			return
		}
		x.limit.left = o.MaxRecordBytes
	}
}

// xesReader reads tokens within bounds. encoding/xml knows no entities but the five of XML itself, so that none can
// be made to swell.
type xesReader struct {
	in    *input
	o     Options
	limit *limitedReader
	xml   *xml.Decoder
	depth int
	// named are the attributes that name an event, empty for concept:name, and first those of the log's first classifier.
	named, first []string
}

// classify takes a classifier of events: the one that is asked for names them, and where none is, the first one names those without a
// name. What lifecycle an event is a part of is read apart, and names none.
func (x *xesReader) classify(t xml.StartElement) {
	of := map[string]string{}
	for _, a := range t.Attr {
		of[a.Name.Local] = a.Value
	}
	if of["scope"] == "trace" {
		return
	}
	var keys []string
	for i, part := range strings.Split(of["keys"], "'") { // a key with a blank stands in quotes
		if i%2 == 1 {
			keys = append(keys, part)
		} else {
			keys = append(keys, strings.Fields(part)...)
		}
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "lifecycle:transition" })
	if x.first == nil {
		x.first = keys
	}
	if x.o.Activity != "" && of["name"] == x.o.Activity {
		x.named = keys
	}
}

// naming are the attributes that name an event which has a name or not.
func (x *xesReader) naming(hasName bool) []string {
	switch {
	case x.named != nil:
		return x.named
	case x.o.Activity != "":
		return []string{x.o.Activity}
	case !hasName && len(x.first) > 0:
		return x.first
	}
	return []string{"concept:name"}
}

// nameOf is what an event is called by some of its attributes, empty where it has none of them.
func nameOf(all []attribute, keys []string) string {
	var parts []string
	for _, key := range keys {
		for _, a := range all {
			if a.key == key && a.value != "" {
				parts = append(parts, a.value)
			}
		}
	}
	return strings.Join(parts, "+")
}

func (x *xesReader) fail(err error, yield yield) {
	line, _ := x.xml.InputPos()
	reason := readReason(err)
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		reason = syntax.Msg
		if strings.Contains(reason, "unexpected EOF") {
			reason = "the file is cut off"
		}
	}
	if errors.Is(err, errTooLong) {
		reason = "a trace is " + tooLong(x.o.MaxRecordBytes)
	}
	yield(Record{}, x.in.unreadable(line, "%s", reason))
}

var errTooDeep = errors.New("nests deeper than " + strconv.Itoa(maxDepth) + " levels")

func (x *xesReader) next() (xml.Token, error) {
	token, err := x.xml.Token()
	if err != nil {
		return nil, err
	}
	switch token.(type) {
	case xml.StartElement:
		if x.depth++; x.depth > maxDepth {
			return nil, errTooDeep
		}
	case xml.EndElement:
		x.depth--
		if x.depth < 2 {
			x.limit.left = x.o.MaxRecordBytes
		}
	}
	return token, nil
}

// attribute is one of XES's typed attributes.
type attribute struct{ kind, key, value string }

// trace reads a trace up to its end. A flaw concerns this trace alone; an error ends the file.
func (x *xesReader) trace(index int) (*logCase, *flaw, error) {
	line, _ := x.xml.InputPos()
	c := &logCase{line: line, name: "trace " + strconv.Itoa(index)}
	var bad *flaw
	for {
		token, err := x.next()
		if err != nil {
			return c, nil, err
		}
		switch t := token.(type) {
		case xml.EndElement:
			if x.depth < 2 {
				return c, bad, nil
			}
		case xml.StartElement:
			if x.depth != 3 {
				continue
			}
			var f *flaw
			if t.Name.Local == "event" {
				var e logEvent
				if e, f, err = x.event(); err != nil {
					return c, nil, err
				}
				c.events = append(c.events, e)
			} else if a := attributeOf(t); a.key == "concept:name" {
				c.name = a.value
				f = checkName("concept:name", a.value)
			} else if a.key == x.o.Outcome && a.key != "" {
				c.outcome, f = verdict(a.key, a.value)
			}
			if bad == nil {
				bad = f
			}
		}
	}
}

func attributeOf(t xml.StartElement) attribute {
	a := attribute{kind: t.Name.Local}
	for _, at := range t.Attr {
		switch at.Name.Local {
		case "key":
			a.key = at.Value
		case "value":
			a.value = at.Value
		}
	}
	return a
}

func (x *xesReader) event() (e logEvent, bad *flaw, err error) {
	e.line, _ = x.xml.InputPos()
	var all []attribute
	for {
		token, err := x.next()
		if err != nil {
			return e, nil, err
		}
		if t, ok := token.(xml.StartElement); ok && x.depth == 4 {
			all = append(all, attributeOf(t))
		}
		if x.depth < 3 {
			break
		}
	}
	slices.SortStableFunc(all, func(a, b attribute) int { return strings.Compare(a.key, b.key) })
	parts := make([]string, 0, 3*len(all))
	var group string
	var begun time.Time
	for _, a := range all {
		parts = append(parts, a.kind, a.key, a.value)
		var f *flaw
		switch a.key {
		case "concept:name":
			e.activity = a.value
		case "concept:instance":
			e.instance = a.value
		case "org:resource":
			e.resource = a.value
		case "org:group":
			group = a.value
		case "lifecycle:transition":
			e.transition = strings.ToLower(a.value)
		case "time:timestamp":
			e.at, f = xesTime(a.key, a.value, x.o.Location)
		case "start_timestamp": // pm4py's, where an event has both
			begun, f = xesTime(a.key, a.value, x.o.Location)
		default:
			if a.key == x.o.Outcome && a.key != "" {
				e.outcome, f = verdict(a.key, a.value)
			}
		}
		if bad == nil {
			bad = f
		}
	}
	if !begun.IsZero() && !begun.After(e.at) && e.transition != "start" {
		e.at, e.ended = begun, e.at
	}
	e.resource = firstOf(e.resource, group)
	e.content = digestStrings(parts...)
	keys := x.naming(e.activity != "")
	e.activity = nameOf(all, keys)
	if bad == nil && e.activity == "" {
		bad = flawed(strings.Join(keys, "+"), "is missing in the event at line %d", e.line)
	}
	if bad == nil {
		bad = checkName(strings.Join(keys, "+"), e.activity)
	}
	return e, bad, nil
}

// midnight is the end of a day in xs:dateTime, which is the start of the next one.
var midnight = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)T24:00:00(?:\.0+)?(Z|[+-]\d\d:?\d\d)?$`)

// xesTime reads xs:dateTime, of which the zone may be left out.
func xesTime(key, s string, zone *time.Location) (time.Time, *flaw) {
	if parts := midnight.FindStringSubmatch(s); parts != nil {
		t, f := xesTime(key, parts[1]+"T00:00:00"+parts[2], zone)
		if f != nil {
			return t, f
		}
		return inRange(key, t.AddDate(0, 0, 1))
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return inRange(key, t)
		}
	}
	if t, err := time.ParseInLocation("2006-01-02T15:04:05.999999999", s, zone); err == nil {
		return inRange(key, t)
	}
	return rfc3339(key, s)
}

// limitedReader fails when more is read than one record may hold. Whoever reads records refills it between them.
type limitedReader struct {
	r    io.Reader
	left int
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	if len(p) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= n
	return n, err
}

// ReadByte lets encoding/xml read without a buffer of its own.
func (l *limitedReader) ReadByte() (byte, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	b, err := l.r.(io.ByteReader).ReadByte()
	if err == nil {
		l.left--
	}
	return b, err
}
