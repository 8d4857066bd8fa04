package ingest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// newInput undoes compression, skips a byte order mark, and refuses what is not UTF-8 at first sight.
func newInput(r io.Reader, name string) (*input, error) {
	in := &input{Reader: bufio.NewReaderSize(r, 4*peekBytes), name: name}
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in.Reader)
		if err != nil {
			return nil, in.unreadable(0, "the gzip header is damaged: %v", err)
		}
		in.Reader = bufio.NewReaderSize(z, 4*peekBytes)
	}
	prefix, err := in.Peek(4)
	switch {
	case len(prefix) == 0 && errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: the file is empty: %w", name, ErrUnreadable)
	case len(prefix) == 0:
		return nil, in.unreadable(0, "%s", readReason(err))
	case bytes.HasPrefix(prefix, []byte{0xef, 0xbb, 0xbf}):
		_, _ = in.Discard(3)
	case bytes.HasPrefix(prefix, []byte{0xff, 0xfe}), bytes.HasPrefix(prefix, []byte{0xfe, 0xff}),
		len(prefix) == 4 && (prefix[0] == 0) != (prefix[1] == 0) && (prefix[2] == 0) != (prefix[3] == 0):
		return nil, in.unreadable(0, "it is written in UTF-16; convert it, for example by: iconv -f UTF-16 -t UTF-8")
	}
	return in, nil
}

func readReason(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "the compressed data is cut off"
	}
	return err.Error()
}

// lines reads a file line by line.
type lines struct {
	in   *input
	max  int
	line int
	buf  []byte
}

// errTooLong tells that a record is beyond the bound. It was skipped.
var errTooLong = errors.New("record too long")

// endless is how many times its bound a record may be long before the file is given up: what never ends, as /dev/zero or a
// small file that swells when it is unpacked, is not skipped for ever.
const endless = 16

// tooFar tells whether a record was followed so far without an end.
func tooFar(went, limit int) error {
	bound := max(endless*int64(limit), 1<<20)
	if int64(went) <= bound {
		return nil
	}
	return fmt.Errorf("a record has no end within %d bytes", bound)
}

// next returns the next line without its break, and its number. The bytes hold until the next call. It returns io.EOF
// at the end, and errTooLong behind a line beyond the bound.
func (l *lines) next() ([]byte, int, error) {
	l.line++
	l.buf = l.buf[:0]
	long, any := false, false
	for went := 0; ; {
		part, err := l.in.ReadSlice('\n')
		went += len(part)
		if err := tooFar(went, l.max); err != nil {
			return nil, l.line, err
		}
		any = any || len(part) > 0
		whole := err == nil && len(l.buf) == 0
		if !long && !whole {
			if len(l.buf)+len(part) > l.max+1 {
				long, l.buf = true, nil
			} else {
				l.buf = append(l.buf, part...)
			}
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, l.line, err
		case err != nil && !any:
			return nil, l.line, io.EOF
		case long:
			return nil, l.line, errTooLong
		case whole && len(part) <= l.max+1:
			return trimBreak(part), l.line, nil
		case whole:
			return nil, l.line, errTooLong
		}
		return trimBreak(l.buf), l.line, nil
	}
}

func trimBreak(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\r'})
}

func tooLong(limit int) string {
	return fmt.Sprintf("longer than %d bytes, the most that one record may have", limit)
}
