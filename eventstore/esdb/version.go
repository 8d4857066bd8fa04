package esdb

import (
	"context"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcmetadata "google.golang.org/grpc/metadata"
)

// release is a server's version: major, minor, patch.
type release [3]int

var (
	// oldest is the first release whose gRPC interface reads with a filter.
	oldest = release{20}
	// telling is the first release at which an append was seen to answer its last event's position, for a batch and for its
	// repeat too.
	telling = release{23, 10, 6}
)

// parseRelease reads what stands before a version's suffix.
func parseRelease(version string) (r release, known bool) {
	n, _ := fmt.Sscanf(version, "%d.%d.%d", &r[0], &r[1], &r[2])
	return r, n > 0
}

func (r release) before(other release) bool {
	for i := range r {
		if r[i] != other[i] {
			return r[i] < other[i]
		}
	}
	return false
}

// version asks a node for its version, which is empty where it is older than 21.6.
func (n *node) version(ctx context.Context) (string, error) {
	var trailer grpcmetadata.MD
	methods, err := serverfeatures.NewServerFeaturesClient(n.conn).GetSupportedMethods(ctx, &shared.Empty{}, grpc.Trailer(&trailer))
	err = failed(err, trailer)
	if c := code(err); c == codes.Unimplemented || c == codes.NotFound && exception(err) == "" {
		return "", nil // the reads that follow tell whether it is old enough to fail
	}
	return methods.GetEventStoreServerVersion(), err
}

// tellsLast is whether the position that the node answers for a batch is its last event's. A node that does not say how
// old it is, is not believed, and asked again.
func (n *node) tellsLast(ctx context.Context) bool {
	if known := n.last.Load(); known != nil {
		return *known
	}
	version, err := n.version(ctx)
	if err != nil {
		return false
	}
	r, known := parseRelease(version)
	tells := known && !r.before(telling)
	n.last.Store(&tells)
	return tells
}
