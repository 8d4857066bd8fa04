package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
)

// watchEvery is how often what is watched is looked at.
const watchEvery = time.Second

// watch shows what the read models say until that is over: on a terminal in one place, elsewhere whenever something has changed. look tells
// as of which position that is.
func (a *app) watch(ctx context.Context, look func() (at uint64, over bool, show func(inPlace bool) error, err error)) error {
	var terminal io.Writer
	if s, ok := a.out.(*screen); ok {
		if o, ok := s.to.(output); ok {
			if f, ok := o.Writer.(*os.File); ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb" {
				terminal = f
			}
		}
	}
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for shown, first := uint64(0), true; ; first = false {
		at, over, show, err := look()
		if err != nil {
			return err
		}
		if terminal != nil || first || at != shown {
			shown = at
			if terminal != nil {
				fmt.Fprint(terminal, "\x1b[H\x1b[2J")
			}
			if err := show(terminal != nil); err != nil {
				return err
			}
		}
		if over {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := a.catchUp(ctx); err != nil {
			return err
		}
	}
}
