package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdb"
	"github.com/virtuous6/virtuous6/eventstore/postgres"
	"github.com/virtuous6/virtuous6/eventstore/sqlite"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	postgresmodels "github.com/virtuous6/virtuous6/readmodel/postgres"
	sqlitemodels "github.com/virtuous6/virtuous6/readmodel/sqlite"
	"github.com/virtuous6/virtuous6/replay"
)

// engine is the kind of store that a URL names.
type engine int

const (
	sqliteEngine engine = iota
	postgresEngine
	esdbEngine
)

// address is where a log or its read models are. url is what the engine opens: for SQLite the file's path. It may hold
// a password, so it is never shown.
type address struct {
	engine engine
	url    string
}

// parseAddress reads a URL of a log. What it can't make out may hold a password, and is not shown.
func parseAddress(flag, url string) (address, error) {
	at, wrong := readAddress(url)
	if wrong != "" {
		return at, usage("%s %s", flag, wrong)
	}
	return at, nil
}

// parseModels reads a URL of read models.
func parseModels(flag, url string) (address, error) {
	at, wrong := readModelsAddress(url)
	if wrong != "" {
		return at, usage("%s %s", flag, wrong)
	}
	return at, nil
}

// readAddress reads a URL, or tells what is wrong with it.
func readAddress(url string) (at address, wrong string) {
	scheme, rest, ok := strings.Cut(url, ":")
	switch {
	case ok && scheme == "sqlite" && strings.HasPrefix(rest, "//"):
		return at, "has slashes too many: a path follows sqlite: at once, as in sqlite:log.db or sqlite:/data/log.db"
	case ok && scheme == "sqlite" && strings.Contains(rest, "://"):
		return at, "has another URL behind sqlite: give sqlite:PATH, or that URL without sqlite: before it"
	case ok && scheme == "sqlite" && rest != "":
		return address{sqliteEngine, rest}, ""
	case ok && (scheme == "postgres" || scheme == "postgresql"):
		return address{postgresEngine, url}, ""
	case ok && (scheme == "esdb" || scheme == "esdb+discover"):
		return address{esdbEngine, url}, ""
	}
	return at, "can't be read: it is sqlite:PATH, postgres://... or esdb://..."
}

func readModelsAddress(url string) (at address, wrong string) {
	at, wrong = readAddress(url)
	if scheme, _, _ := strings.Cut(url, ":"); at.engine == esdbEngine && wrong == "" || wrong != "" && scheme != "sqlite" {
		return at, "can't be read: read models are in sqlite:PATH or postgres://..."
	}
	return at, wrong
}

func (a address) String() string {
	switch a.engine {
	case sqliteEngine:
		return a.url
	case postgresEngine:
		return "the PostgreSQL database"
	case esdbEngine:
		return "the EventStoreDB cluster"
	}
	return "the store"
}

// log is where the configured log is, made ready for a file that is to be in the user's data folder.
func (a *app) log() (address, error) {
	for _, url := range []string{a.flags.Store, a.config.Store} {
		if url != "" {
			return parseAddress("--store", url)
		}
	}
	return dataFile("virtuous6.db")
}

// readModels is where the read models of a log are: in its own file or database, or in a file beside EventStoreDB.
func (a *app) readModels(log address) (address, error) {
	for _, url := range []string{a.flags.ReadModels, a.config.ReadModels} {
		if url == "" {
			continue
		}
		return parseModels("--read-models", url)
	}
	if log.engine != esdbEngine {
		return log, nil
	}
	return dataFile("read-models-" + log.fingerprint() + ".db")
}

// fingerprint tells servers apart, whoever connects to them: what the user's name and password are is left out.
func (a address) fingerprint() string {
	_, rest, _ := strings.Cut(a.url, "://")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	rest = rest[strings.LastIndexByte(rest[:end], '@')+1:]
	sum := sha256.Sum256([]byte(rest))
	return hex.EncodeToString(sum[:4])
}

// dataFile is a file in the user's data folder, which is made.
func dataFile(name string) (address, error) {
	dir := os.Getenv("XDG_DATA_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return address{}, fmt.Errorf("no data folder is known (%w): give --store sqlite:PATH", err)
		}
		dir = filepath.Join(home, ".local", "share")
	}
	dir = filepath.Join(dir, "virtuous6")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return address{}, fmt.Errorf("make the data folder: %w", err)
	}
	return address{sqliteEngine, filepath.Join(dir, name)}, nil
}

// openLog opens a log, and makes it where it is not there, unless it is to be there. EventStoreDB has nothing to be made.
func (a *app) openLog(ctx context.Context, at address, existing bool) (eventstore.Store, error) {
	store, err := a.openEventStore(ctx, at, existing)
	if errors.Is(err, eventstore.ErrNoLog) {
		err = fmt.Errorf("there is no store at %s yet: `virtuous6 import FILE`, `ask` or `serve` make one", at)
	}
	return store, err
}

func (a *app) openEventStore(ctx context.Context, at address, existing bool) (eventstore.Store, error) {
	// Each engine's own type, so that a failure is no store that is nil inside.
	switch at.engine {
	case sqliteEngine:
		store, err := sqlite.Open(ctx, at.url, sqlite.Config{Now: a.clock, Ticker: a.world.Ticker, KeepSchema: a.flags.KeepSchema, Existing: existing})
		if err != nil {
			return nil, err
		}
		return store, nil
	case postgresEngine:
		store, err := postgres.Open(ctx, at.url, postgres.Config{Now: a.clock, KeepSchema: a.flags.KeepSchema, Existing: existing})
		if err != nil {
			return nil, err
		}
		return store, nil
	case esdbEngine:
		store, err := esdb.Open(ctx, at.url, esdb.Config{})
		if err != nil {
			return nil, err
		}
		if existing {
			return store, nil
		}
		crowded, err := store.Crowded(ctx)
		if err != nil {
			return nil, errors.Join(err, store.Close())
		}
		if crowded {
			a.note("note: %s holds other programs' events, and the log begins among them: prefix=NAME/ in the URL keeps it apart, if it is there from the first event on", at)
		}
		return store, nil
	}
	return nil, fmt.Errorf("no engine opens %s", at)
}

// openModels opens read models, and makes their tables where they are not there.
func openModels(ctx context.Context, at address, o readmodel.Options) (*projections.Models, error) {
	engine, err := openEngine(ctx, at)
	if err != nil {
		return nil, err
	}
	models, err := projections.Open(ctx, engine, o)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return models, nil
}

func openEngine(ctx context.Context, at address) (readmodel.Engine, error) {
	switch at.engine {
	case sqliteEngine:
		engine, err := sqlitemodels.Open(ctx, at.url, sqlitemodels.Options{})
		if err != nil {
			return nil, err
		}
		return engine, nil
	case postgresEngine:
		engine, err := postgresmodels.Open(ctx, at.url, postgresmodels.Options{})
		if err != nil {
			return nil, err
		}
		return engine, nil
	case esdbEngine:
	}
	return nil, usage("read models can't be in EventStoreDB: give sqlite:PATH or postgres://...")
}

// open opens the configured store for writing, and makes it where it is not there. Nothing is written to a log that is not
// the one of the read models: two histories would be mixed.
func (a *app) open(ctx context.Context) error {
	if err := a.openStore(ctx, false); err != nil {
		return err
	}
	return replay.Belong(ctx, a.store, a.models)
}

// openExisting is open for a store that must be there.
func (a *app) openExisting(ctx context.Context) error {
	if err := a.openStore(ctx, true); err != nil {
		return err
	}
	return replay.Belong(ctx, a.store, a.models)
}

// openStore opens the store as it is: its read models may be another log's.
func (a *app) openStore(ctx context.Context, existing bool) error {
	log, err := a.log()
	if err != nil {
		return err
	}
	models, err := a.readModels(log)
	if err != nil {
		return err
	}
	stored, err := a.openLog(ctx, log, existing)
	if err != nil {
		return err
	}
	if a.store, err = a.veiled(stored, log); err != nil {
		return errors.Join(err, stored.Close())
	}
	a.models, err = openModels(ctx, models, readmodel.Options{SnapshotEvery: a.config.SnapshotEvery})
	return err
}
