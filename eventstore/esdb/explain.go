package esdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"google.golang.org/grpc/codes"
	grpcmetadata "google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/virtuous6/virtuous6/eventstore"
)

var (
	errClosed   = fmt.Errorf("%w: it was closed", eventstore.ErrUnavailable)
	errNoLeader = errors.New("it knows no living leader: see the cluster's gossip page")
)

// failure is the error that a call ended with, and what the server told beside it.
type failure struct {
	err error
	// exception is the server's own name of the error, such as "not-leader". It may be empty.
	exception string
	// leader is where the leader is, if the node that was asked knows it and is none.
	leader string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// failed takes up what the server wrote into the trailers of a call.
func failed(err error, trailer grpcmetadata.MD) error {
	if err == nil {
		return nil
	}
	first := func(key string) string {
		if list := trailer.Get(key); len(list) > 0 {
			return list[0]
		}
		return ""
	}
	f := &failure{err: err, exception: first("exception")}
	if host, port := first("leader-endpoint-host"), first("leader-endpoint-port"); f.exception == notLeader && host != "" && port != "" {
		f.leader = net.JoinHostPort(host, port)
	}
	return f
}

// The names that the server gives its errors.
const (
	notLeader     = "not-leader"
	streamDeleted = "stream-deleted"
	tooLarge      = "maximum-append-" // -size-exceeded of a batch, -event-size-exceeded of an event
)

func exception(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.exception
	}
	return ""
}

// passing tells that a call may succeed when it is made again. Canceled is among them: a connection that is closed
// under a call ends it so. Whoever asks has looked at the call's own context before.
func passing(err error) bool {
	if untrusted(err) {
		return false
	}
	if exception(err) == notLeader || errors.Is(err, errNoLeader) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	switch code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Aborted, codes.Canceled, codes.Internal:
		return true
	case codes.Unknown: // what the server says while it elects a leader, and when a handler of its own fails
		return !misplaced(err)
	}
	return false
}

// refused tells that the server knows who asks, and says no. Asking again changes nothing.
func refused(err error) bool {
	c := code(err)
	return c == codes.Unauthenticated || c == codes.PermissionDenied
}

// untrusted tells that a node showed a certificate that is not trusted here. gRPC hands that on as text only.
func untrusted(err error) bool {
	return err != nil && strings.Contains(err.Error(), "tls: failed to verify certificate")
}

// misplaced tells that the server could not read from the position that it was given: it names no record of the log.
// Servers before 23 say so as an unknown error that names the result of a read.
func misplaced(err error) bool {
	switch code(err) {
	case codes.InvalidArgument, codes.OutOfRange:
		return exception(err) == ""
	case codes.Unknown:
		return strings.Contains(err.Error(), "ReadAllResult")
	}
	return false
}

// code is the status of an error that comes from gRPC, OK for one that does not.
func code(err error) codes.Code {
	var s interface{ GRPCStatus() *status.Status }
	if errors.As(err, &s) {
		return s.GRPCStatus().Code()
	}
	return codes.OK
}

// explain turns the server's errors into the port's, and says what to do.
func (s *Store) explain(err error) error {
	is := func(kind error, advice string) error { return fmt.Errorf("%w: %s (%w)", kind, advice, err) }
	for _, known := range []error{
		eventstore.ErrUnavailable, eventstore.ErrCorrupt, eventstore.ErrSchema, eventstore.ErrInvalid, eventstore.ErrNoStream,
		eventstore.ErrConflict,
	} {
		if err == nil || errors.Is(err, known) {
			return err
		}
	}
	where := strings.Join(s.cluster.seeds, ", ")
	switch name := exception(err); {
	case untrusted(err):
		return is(eventstore.ErrUnavailable, "the certificate of "+where+" is not trusted: name the file of the authority that signed it by tlsCaFile=FILE in the URL, and the host as the certificate does; or take any certificate by tlsVerifyCert=false, which lets whoever stands in between read and write all")
	case strings.HasPrefix(name, tooLarge):
		return is(eventstore.ErrTooLarge, "the server takes no batch of that size at once: raise its MaxAppendSize, which is 1 MiB by default")
	case name == streamDeleted:
		return is(eventstore.ErrCorrupt, "the stream was deleted for good at the server, and a log keeps all: restore a backup")
	}
	switch code(err) {
	case codes.OK:
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	case codes.Unauthenticated:
		return is(eventstore.ErrUnavailable, where+" refuses the user and password of the URL: correct them")
	case codes.PermissionDenied:
		return is(eventstore.ErrUnavailable, "the user of the URL may not do this at "+where+": by default only admins may read $all, so have the right to read it granted in the server's access policy")
	case codes.Unimplemented:
		return is(eventstore.ErrSchema, where+" does not know this call: it needs EventStoreDB 20.10 or newer")
	case codes.ResourceExhausted:
		return is(eventstore.ErrUnavailable, fmt.Sprintf("%s sent more than %d MiB as one message", where, maxMessage>>20))
	}
	return is(eventstore.ErrUnavailable, where+" does not answer as it should: see that the server runs and is ready, that the URL names it, and that both or none of the two use TLS; then try again")
}
