package main

import (
	"context"
	"errors"
	"io"
	"syscall"
)

// errNobodyReads tells that who read standard output has gone, as in `virtuous6 runs | head`.
var errNobodyReads = errors.New("nobody reads standard output any more")

// output is standard output. Once nobody reads it, the verb is ended as if it was interrupted, so that it leaves nothing behind.
type output struct {
	io.Writer
	end context.CancelCauseFunc
}

// Write implements io.Writer.
func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		o.end(errNobodyReads)
	}
	return n, err
}
