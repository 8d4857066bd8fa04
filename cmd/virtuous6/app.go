package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/sqlite"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	readmodels "github.com/virtuous6/virtuous6/projections/sqlite"
)

var timeNow = time.Now

// app is one command line at work: what it was told, and what it opened.
type app struct {
	in       io.Reader
	out, err io.Writer
	flags    *verbs
	config   config
	clock    orchestrator.Clock
	ids      orchestrator.IDs

	store  eventstore.Store
	models *projections.Models
}

// storePath is the file of the configured store.
func (a *app) storePath() (path string, byDefault bool, err error) {
	url := a.flags.Store
	if url == "" {
		url = a.config.Store
	}
	if url == "" {
		home, err := dataFolder()
		if err != nil {
			return "", true, err
		}
		return filepath.Join(home, "virtuous6.db"), true, nil
	}
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok || path == "" {
		scheme, _, _ := strings.Cut(url, ":") // an address may hold a password: it is not repeated
		return "", false, usage("--store %s:...: the store is sqlite:PATH", scheme)
	}
	return path, false, nil
}

func dataFolder() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "virtuous6"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no data folder is known (%w): give --store sqlite:PATH", err)
	}
	return filepath.Join(home, ".local", "share", "virtuous6"), nil
}

// open opens the store for writing, and makes it where it is not there.
func (a *app) open(ctx context.Context) error {
	path, byDefault, err := a.storePath()
	if err != nil {
		return err
	}
	if byDefault {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("make the data folder: %w", err)
		}
	}
	store, err := sqlite.Open(ctx, path, sqlite.Config{Now: a.clock})
	if err != nil {
		return err
	}
	a.store = store
	a.models, err = openModels(ctx, path)
	return err
}

// openModels opens the read models in a file.
func openModels(ctx context.Context, path string) (*projections.Models, error) {
	engine, err := readmodels.Open(ctx, path, readmodels.Options{})
	if err != nil {
		return nil, err
	}
	models, err := projections.Open(ctx, engine, projections.Options{})
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return models, nil
}

// read opens a store that must be there, brings the read models up to date, and returns their reader.
func (a *app) read(ctx context.Context) (projections.Reader, error) {
	if err := a.mustExist(); err != nil {
		return nil, err
	}
	if err := a.open(ctx); err != nil {
		return nil, err
	}
	if err := a.catchUp(ctx); err != nil {
		return nil, err
	}
	return a.models, nil
}

func (a *app) mustExist() error {
	path, _, err := a.storePath()
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no store at %s yet: `virtuous6 import FILE`, `ask` or `serve` make one", path)
	}
	return nil
}

// catchUp folds what the read models have not seen yet, with a progress bar where that takes a while.
func (a *app) catchUp(ctx context.Context) error {
	head, err := a.store.Head(ctx)
	if err != nil {
		return err
	}
	from, err := a.models.Position(ctx)
	if err != nil && !errors.Is(err, projections.ErrOutdated) {
		return err
	}
	bar := a.progress("read models", int64(head-min(from, head)), "events")
	defer bar.done()
	return orchestrator.CatchUp(ctx, a.store, a.models, func(at uint64) { bar.set(int64(at - min(from, at))) })
}

func (a *app) dispatcher() *orchestrator.Dispatcher {
	return orchestrator.NewDispatcher(a.store, aggregates.All(a.config.Policy.policy()))
}

// meta is what a command of the one at the terminal carries.
func (a *app) meta(run string) commands.Meta {
	return commands.Meta{ID: a.ids(), At: a.clock(), Actor: "user:" + a.config.user(), Correlation: run}
}

func (a *app) close() error {
	var err error
	if a.models != nil {
		err = a.models.Close()
	}
	if a.store != nil {
		err = errors.Join(err, a.store.Close())
	}
	a.models, a.store = nil, nil
	return err
}

// json prints one value to standard output.
func (a *app) json(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// note tells something on standard error that is not part of the result.
func (a *app) note(format string, args ...any) {
	if !a.flags.Quiet {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}
