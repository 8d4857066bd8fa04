package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
)

type simulateVerb struct {
	Seed   uint64 `help:"The same seed gives the same history." default:"1"`
	Runs   int    `help:"How many runs. Default: 1000." placeholder:"N" xor:"size"`
	Events int    `help:"How many run events, about, instead." placeholder:"N" xor:"size"`
	World  string `help:"Make a history without any effect that looks as if it had some, see below." placeholder:"NAME" default:""`
	Null   bool   `help:"Plant nothing: what a run does has no bearing on how it ends."`
	Out    string `help:"Write the history here as JSON Lines, as \"import --format runs\" reads it, instead of into the store. - is standard output." placeholder:"FILE"`
	Force  bool   `help:"Let --out replace a history that simulate wrote."`
	Truths bool   `help:"Only print what would be planted, as JSON."`
	JSON   bool   `name:"json" help:"Print one JSON value."`
}

// Help gives examples.
func (simulateVerb) Help() string {
	worlds := "Worlds without any effect, to try analysts on (--world):"
	for _, name := range ingest.SimulationWorlds() {
		worlds += "\n  " + name + ": " + ingest.AboutWorld(name)
	}
	return worlds + "\n\nExamples:\n  virtuous6 simulate --seed 7 --runs 400 --out sample.jsonl\n  virtuous6 simulate --events 1000000 --store sqlite:million.db\n" +
		"  virtuous6 simulate --seed 7 --runs 400 --truths"
}

// Run makes the history.
func (v simulateVerb) Run(ctx context.Context, a *app) error {
	if v.World != "" && !slices.Contains(ingest.SimulationWorlds(), v.World) {
		return usage("--world %s: there are %s", v.World, strings.Join(ingest.SimulationWorlds(), ", "))
	}
	if v.Runs == 0 && v.Events == 0 {
		if v.Runs = 1000; v.World != "" {
			v.Runs = 600
		}
	}
	s := ingest.Simulation{Seed: v.Seed, Runs: v.Runs, Events: v.Events, Null: v.Null, World: v.World}
	switch {
	case v.Runs < 0 || v.Events < 0:
		return usage("--runs and --events can't be negative")
	case v.Truths:
		return a.json(s.Truths())
	case v.Out == "-":
		return s.WriteRuns(until{ctx, a.out})
	case v.Out != "":
		return v.write(ctx, a, s)
	}
	if a.flags.Workspace != "" {
		return usage("--workspace %s: a simulated history is of the default workspace; write it with --out FILE, and import that", a.flags.Workspace)
	}
	return v.store(ctx, a, s)
}

// write leaves no file that holds a part of the history.
func (v simulateVerb) write(ctx context.Context, a *app, s ingest.Simulation) error {
	f, err := v.create()
	if err != nil {
		return err
	}
	if err := errors.Join(s.WriteRuns(until{ctx, f}), f.Close()); err != nil {
		if is, serr := os.Stat(v.Out); serr == nil && is.Mode().IsRegular() {
			err = errors.Join(err, os.Remove(v.Out))
		}
		return err
	}
	a.note("wrote %s", v.Out)
	return nil
}

// create opens the file of the history. It replaces none, or by --force one that begins as a history does. A pipe or a
// device is written to as it is.
func (v simulateVerb) create() (*os.File, error) {
	f, err := os.OpenFile(v.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // writing the file that the user names is the point
	if !errors.Is(err, fs.ErrExist) {
		return f, err
	}
	if f, err = os.OpenFile(v.Out, os.O_RDWR, 0); err != nil {
		return nil, err
	}
	is, err := f.Stat()
	switch {
	case err != nil:
	case !is.Mode().IsRegular():
		return f, nil
	case !v.Force:
		err = fmt.Errorf("%s is there already: give another --out, or --force where it is a history that simulate wrote", v.Out)
	default:
		start := make([]byte, len(ingest.SimulatedStart))
		n, rerr := f.ReadAt(start, 0)
		if n > 0 && string(start) != ingest.SimulatedStart {
			err = fmt.Errorf("%s is no history that simulate wrote, and is left as it is: give another --out", v.Out)
		} else if rerr == nil || errors.Is(rerr, io.EOF) {
			err = f.Truncate(0)
		} else {
			err = rerr
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// until is a Writer that fails once ctx is done.
type until struct {
	ctx context.Context
	to  io.Writer
}

func (u until) Write(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.to.Write(b)
}

func (v simulateVerb) store(ctx context.Context, a *app, s ingest.Simulation) error {
	if err := a.open(ctx); err != nil {
		return err
	}
	total, unit := s.Events, "events"
	if s.Runs > 0 {
		total, unit = s.Runs, "runs"
	}
	bar := a.progress("simulate", int64(total), unit)
	started, made := a.clock(), 0
	records := func(yield func(ingest.Record, error) bool) {
		for r := range s.Records() {
			if unit == "runs" {
				made++
			} else {
				made += len(r.Run)
			}
			bar.set(int64(made))
			if !yield(r, nil) {
				return
			}
		}
	}
	sum, err := orchestrator.Import(ctx, a.dispatcher(), iter.Seq2[ingest.Record, error](records), func(*ingest.Problem) {})
	bar.done()
	if err != nil {
		return err
	}
	if sum.Skipped > 0 {
		return fmt.Errorf("%d of %d runs are there already with other content: give another --seed, or another --store", sum.Skipped, sum.Records)
	}
	if err := a.sealImport(ctx); err != nil {
		return err
	}
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	took := a.clock().Sub(started)
	if v.JSON {
		return a.json(imported{Imported: sum, Seconds: took.Seconds(), Problems: []problem{}})
	}
	_, err = fmt.Fprintf(a.out, "%d runs, %d events added in %s (%.0f events/s).\n", sum.Taken, sum.Events, took.Round(time.Millisecond),
		float64(sum.Events)/max(took.Seconds(), 1e-9))
	return err
}
