package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/virtuous6/virtuous6/orchestrator"
)

type verifyVerb struct {
	JSON bool `name:"json" help:"Print one JSON value."`
}

// Help tells what is checked.
func (verifyVerb) Help() string {
	return "Checks that positions rise strictly, every stream is gapless, no event stands twice, every fact can be read, and the read " +
		"models equal a rebuild. Exit code 1 where a problem is found.\n\nExample:\n  virtuous6 verify --json"
}

// Run checks everything and prints what it found.
func (v verifyVerb) Run(ctx context.Context, a *app) (err error) {
	if err := a.mustExist(); err != nil {
		return err
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "virtuous6-verify-")
	if err != nil {
		return fmt.Errorf("a folder for the rebuild: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fresh, err := openModels(ctx, filepath.Join(dir, "rebuild.db"))
	if err != nil {
		return err
	}
	head, err := a.store.Head(ctx)
	if err != nil {
		return errors.Join(err, fresh.Close())
	}
	bar := a.progress("verify", int64(head), "events")
	found, err := orchestrator.Verify(ctx, a.store, a.models, fresh, func(at uint64) { bar.set(int64(at)) })
	bar.done()
	if err = errors.Join(err, fresh.Close()); err != nil {
		return err
	}
	if v.JSON {
		err = a.json(found)
	} else {
		err = v.print(a, found)
	}
	if err == nil && !found.OK {
		return errSaid
	}
	return err
}

func (v verifyVerb) print(a *app, found orchestrator.Verification) error {
	fmt.Fprintf(a.out, "%d events in %d streams up to position %d\nlog %s\n", found.Events, found.Streams, found.Position, found.Digest)
	for _, p := range found.Problems {
		fmt.Fprintln(a.out, "PROBLEM:", oneLine(p))
	}
	if found.MoreProblems > 0 {
		fmt.Fprintf(a.out, "... and %d more problems\n", found.MoreProblems)
	}
	if !found.OK {
		return nil
	}
	_, err := fmt.Fprintln(a.out, "OK: streams gapless, positions rising, read models equal a rebuild")
	return err
}
