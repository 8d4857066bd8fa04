// Package esdb keeps the log in an EventStoreDB (also named KurrentDB) node or cluster, over the gRPC interface that
// EventStore-Client-Go/v4 generates. docs/decisions/eventstoredb.md tells why, and what was proven against what.
//
// An event's type is its kind, its event number its revision, and its commit position its position. The server also
// knows a prepare position, which differs only for events of explicit transactions: its gRPC interface has none, so
// that for every event of ours both are the same number.
package esdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	grpcmetadata "google.golang.org/grpc/metadata"

	"github.com/virtuous6/virtuous6/eventstore"
)

// Store is a log in EventStoreDB. It owns a goroutine a chain of submissions under way, for which Close waits.
type Store struct {
	own
	config  Config
	cluster *cluster
	memory  *memory
	ends    ends
	names   names

	// reading is done once the store is closed, and ends reads and subscriptions; appending is done when Close lost its
	// patience with the appends under way.
	reading, appending  context.Context
	stopReading, giveUp context.CancelCauseFunc
	// slots holds a token for each append under way.
	slots   chan struct{}
	working sync.WaitGroup
	mu      sync.Mutex
	// chains are what waits in those that have appends under way, nil that of submissions without a chain.
	chains map[*eventstore.Chain][]*request
	closed bool
}

var _ eventstore.Store = (*Store)(nil)

// Open connects to the server that url names: "esdb://user:password@host:2113", several hosts of a cluster separated by
// commas, or "esdb+discover://" with a DNS name of the cluster. prefix=NAME/ keeps the log apart from what else the server
// holds: it stands before the name of each of its streams. lanes=N is how many appends may be under way at once, 32 where
// it is left out. The other settings are those of EventStoreDB's connection strings (tls, tlsCaFile, tlsVerifyCert,
// userCertFile, userKeyFile, keepAliveInterval, keepAliveTimeout, gossipTimeout, defaultDeadline; discoveryInterval and
// maxDiscoverAttempts yield to Config.Patience).
//
// It returns ErrURL, ErrUnavailable or ErrSchema, each with what to do and none with the password. It asks the server
// for its version and the end of the log, so that a wrong user shows here.
func Open(ctx context.Context, url string, c Config) (*Store, error) {
	parsed, own, err := parse(url)
	if err != nil {
		return nil, err
	}
	cluster, err := newCluster(parsed)
	if err != nil {
		return nil, err
	}
	s := &Store{config: c.filled(parsed.DefaultDeadline), own: own, cluster: cluster, chains: make(map[*eventstore.Chain][]*request)}
	s.slots = make(chan struct{}, s.lanes)
	s.memory = newMemory(s.config.Remembered)
	// The store outlives ctx, which is for opening only.
	s.reading, s.stopReading = context.WithCancelCause(context.WithoutCancel(ctx))
	s.appending, s.giveUp = context.WithCancelCause(context.WithoutCancel(ctx))
	if err := s.check(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the log: %w", err), s.Close())
	}
	return s, nil
}

// check asks for the server's version and reads the end of the log.
func (s *Store) check(ctx context.Context) error {
	ctx, cancel := bind(ctx, s.reading)
	defer cancel()
	version := ""
	err := s.callFor(ctx, s.config.Patience/4, s.config.Timeout, func(ctx context.Context, n *node) (err error) {
		version, err = n.version(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if release, known := parseRelease(version); known && release.before(oldest) {
		return fmt.Errorf("%w: the server is EventStoreDB %s: this program needs 20.10 or newer", eventstore.ErrSchema, version)
	}
	_, err = s.Head(ctx)
	return err
}

// bind is ctx, ended also by life.
func bind(ctx, life context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(life, func() { cancel(context.Cause(life)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// ended is the error of a bound context: that of whoever ended it.
func ended(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), eventstore.ErrUnavailable) {
		return context.Cause(ctx)
	}
	return ctx.Err()
}

// call makes a call on the leader, again and again while no node answers and there is patience left. What f does must
// be safe to repeat.
func (s *Store) call(ctx context.Context, f func(context.Context, *node) error) error {
	return s.callFor(ctx, s.config.Patience, s.config.Timeout, f)
}

// callFor begins no other attempt once patience has ended. Each may take as long as timeout.
func (s *Store) callFor(ctx context.Context, patience, timeout time.Duration, f func(context.Context, *node) error) error {
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := s.once(ctx, timeout, f)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ended(ctx)
		case !passing(err) || s.config.Wait(patient, pause) != nil:
			if ctx.Err() != nil {
				return ended(ctx)
			}
			return s.explain(outOfTime(err))
		}
	}
}

var errNoAnswer = errors.New("no answer in time")

// outOfTime keeps a call's own deadline apart from that of its caller, whose error is passed on as it is.
func outOfTime(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errNoAnswer
	}
	return err
}

// patiently asks again and again until f is true, and is false where patience ended before.
func (s *Store) patiently(ctx context.Context, f func() (bool, error)) (bool, error) {
	patient, cancel := context.WithTimeout(ctx, s.config.Patience)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if ok, err := f(); ok || err != nil {
			return ok, err
		}
		if s.config.Wait(patient, pause) != nil {
			if ctx.Err() != nil {
				return false, ended(ctx)
			}
			return false, nil
		}
	}
}

func (s *Store) once(ctx context.Context, timeout time.Duration, f func(context.Context, *node) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	n, err := s.cluster.use(ctx, s.config.Timeout)
	if err != nil {
		return err
	}
	if err = f(onLeader(ctx), n); err != nil {
		err = errors.Join(err, s.cluster.failed(n, err))
	}
	return errors.Join(err, s.cluster.give(n))
}

// onLeader asks for an answer by the leader: a follower may not have seen the last append yet.
func onLeader(ctx context.Context) context.Context {
	return grpcmetadata.AppendToOutgoingContext(ctx, "requires-leader", "true")
}

func (s *Store) identifier(stream string) *shared.StreamIdentifier {
	return &shared.StreamIdentifier{StreamName: []byte(s.prefix + stream)}
}

func (s *Store) system(stream string) bool {
	return s.prefix == "" && (strings.HasPrefix(stream, "$") || strings.HasPrefix(stream, markStream) || stream == namesStream)
}

// Close implements eventstore.Store. Appends under way have as long as Config.Patience.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return fmt.Errorf("close the log: %w", errClosed)
	}
	s.closed = true
	s.mu.Unlock()
	s.stopReading(errClosed)
	late := time.AfterFunc(s.config.Patience, func() { s.giveUp(errClosed) })
	s.working.Wait()
	late.Stop()
	s.giveUp(errClosed)
	if err := s.cluster.close(); err != nil {
		return fmt.Errorf("close the log: %w", err)
	}
	return nil
}
