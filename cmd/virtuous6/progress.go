package main

import (
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar is a progress bar on standard error. Where that is no terminal, or a dumb one, or on --quiet, it shows nothing.
type bar struct {
	container *mpb.Progress
	bar       *mpb.Bar
	total     int64
}

// progress starts a bar over total units, such as events or bytes.
func (a *app) progress(what string, total int64, unit string) *bar {
	var f *os.File
	err, ok := a.err.(*screen)
	if ok {
		f, ok = err.to.(*os.File)
	}
	if a.flags.Quiet || total <= 0 || !ok || !isatty.IsTerminal(f.Fd()) || os.Getenv("TERM") == "dumb" {
		return &bar{}
	}
	speed := decor.AverageSpeed(0, "%.0f "+unit+"/s", decor.WCSyncSpace)
	counters := decor.CountersNoUnit("%d / %d "+unit, decor.WCSyncSpace)
	if unit == "bytes" {
		speed = decor.AverageSpeed(decor.SizeB1024(0), "% .1f", decor.WCSyncSpace)
		counters = decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace)
	}
	container := mpb.New(mpb.WithOutput(io.Writer(f)), mpb.WithWidth(40))
	return &bar{container: container, total: total, bar: container.AddBar(total,
		mpb.PrependDecorators(decor.Name(oneLine(what)+" ")),
		mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), counters, speed),
		mpb.BarRemoveOnComplete(),
	)}
}

func (b *bar) set(n int64) {
	if b.bar != nil {
		b.bar.SetCurrent(min(n, b.total))
	}
}

// done takes the bar away.
func (b *bar) done() {
	if b.bar != nil {
		b.bar.Abort(true)
		b.container.Wait()
	}
}
