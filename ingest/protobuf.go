package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// isProtobuf tells a body of OTLP in protobuf from a text: it begins with a field of ResourceSpans, perhaps behind its
// length in 4 bytes, and holds control characters, which no text does.
func isProtobuf(prefix []byte) bool {
	const resourceSpans, lengthSize = 0x0a, 4
	if !bytes.ContainsFunc(prefix[:min(len(prefix), 4096)], func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' }) {
		return false
	}
	if len(prefix) > lengthSize && prefix[0] == 0 && prefix[lengthSize] == resourceSpans {
		return true
	}
	return len(prefix) > 1 && prefix[0] == resourceSpans && prefix[1] != resourceSpans
}

// protobufOf reads OTLP in protobuf: one body, or many, each behind its length, as the Collector's file exporter
// writes them.
func protobufOf(in *input, o Options) func(yield yield, take func(value, int) *flaw) bool {
	return func(yield func(Record, error) bool, take func(value, int) *flaw) bool {
		framed := false
		if prefix, _ := in.Peek(1); len(prefix) > 0 && prefix[0] == 0 {
			framed = true
		}
		for {
			body, err := protobufBody(in, framed, o.MaxRecordBytes)
			if errors.Is(err, io.EOF) {
				return true
			}
			reason := ""
			if err == nil {
				reason, err = takeProtobuf(body, take)
			}
			if err != nil {
				in.broken++
				return yield(Record{}, in.unreadable(0, "%s", readReason(err)))
			}
			if reason != "" && !yield(Record{}, in.problem(0, "", "", "%s", reason)) {
				return false
			}
			if !framed {
				return true
			}
		}
	}
}

func protobufBody(in *input, framed bool, most int) ([]byte, error) {
	size := int64(most) + 1
	if framed {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil, err
		}
		if size = int64(binary.BigEndian.Uint32(head[:])); size > int64(most) {
			return nil, errors.New("a body is " + tooLong(most))
		}
		if size == 0 {
			return nil, errors.New("a body has no length: it is no OTLP in protobuf")
		}
	}
	body, err := io.ReadAll(io.LimitReader(in, size))
	switch {
	case err != nil:
		return nil, err
	case len(body) > most:
		return nil, errors.New("the body is " + tooLong(most))
	case framed && int64(len(body)) < size:
		return nil, errors.New("the last body is cut off")
	}
	return body, nil
}

// takeProtobuf reads a body as the JSON that it stands for, so that both are read by the same rules.
func takeProtobuf(body []byte, take func(value, int) *flaw) (reason string, err error) {
	var traces tracev1.TracesData
	if err := proto.Unmarshal(body, &traces); err != nil {
		return "", errors.New("it is no OTLP in protobuf, or cut off")
	}
	if len(traces.GetResourceSpans()) == 0 {
		return "", nil
	}
	text, err := protojson.Marshal(&traces)
	if err != nil {
		return "", err
	}
	v, syntax := new(document).parse(string(text))
	if syntax != nil {
		return syntax.path + ": " + syntax.reason, nil
	}
	if f := take(v, 0); f != nil {
		return f.key + ": " + f.reason, nil
	}
	return "", nil
}
