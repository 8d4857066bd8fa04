package web

import (
	"context"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// readyTimeout bounds a look at the store: an orchestrator that asks gives up after a few seconds itself.
const readyTimeout = 2 * time.Second

type alive struct {
	Body struct {
		Status string `json:"status" enum:"ok"`
	}
}

type readiness struct {
	Status int
	Body   readinessBody
}

// readinessBody has pointers, so that what is not known shows as null.
type readinessBody struct {
	Ready    bool    `json:"ready"`
	Head     *uint64 `json:"head" doc:"Position of the log's last fact; null where the store does not answer."`
	Position *uint64 `json:"position" doc:"Position that the read models have seen everything up to."`
	Lag      *uint64 `json:"lag" doc:"How far the read models are behind the log."`
	Reason   string  `json:"reason,omitempty" doc:"Why it is not ready."`
}

// health registers the probes: the process lives; the store answers and the read models keep up.
func (d *door) health(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "healthz", Method: http.MethodGet, Path: "/healthz", Summary: "Whether the process lives",
	}, func(context.Context, *struct{}) (*alive, error) {
		out := &alive{}
		out.Body.Status = "ok"
		return out, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: "/readyz",
		Summary: "Whether the store answers and the read models keep up; 503 where not",
		Responses: map[string]*huma.Response{"503": {
			Description: "Not ready",
			Content: map[string]*huma.MediaType{"application/json": {
				Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[readinessBody](), true, ""),
			}},
		}},
	}, func(ctx context.Context, _ *struct{}) (*readiness, error) {
		ctx, cancel := context.WithTimeout(ctx, readyTimeout)
		defer cancel()
		return d.ready(ctx), nil
	})
}

func (d *door) ready(ctx context.Context) *readiness {
	out := &readiness{Status: http.StatusServiceUnavailable}
	// The position is read first: the log can only grow in between, so that the lag is never too small.
	position, err := d.Reader.Position(ctx)
	if err != nil {
		d.away(ctx, err)
		out.Body.Reason = "the read models do not answer: the server's log has the details"
		return out
	}
	out.Body.Position = &position
	head, err := d.Head(ctx)
	if err != nil {
		d.away(ctx, err)
		out.Body.Reason = "the store does not answer: the server's log has the details"
		return out
	}
	lag := head - min(position, head)
	out.Body.Head, out.Body.Lag = &head, &lag
	switch {
	case position > head:
		out.Body.Reason = "the read models hold what the log does not: an older backup of it was restored; put the right log back, or rebuild them with `virtuous6 replay`"
		return out
	case lag > d.MaxLag:
		out.Body.Reason = "the read models are too far behind the log"
		return out
	case d.stands(position, head) > d.MaxStand:
		out.Body.Reason = "the read models stand still while the log moves: nobody drives this store, or the one that does is stuck"
		return out
	}
	out.Body.Ready, out.Status = true, http.StatusOK
	return out
}

// standing is where the read models were when they were first seen there, behind the log's end.
type standing struct {
	sync.Mutex
	behind   bool
	position uint64
	since    time.Time
}

// stands is for how long the read models were seen at a position that the log is beyond.
func (d *door) stands(position, head uint64) time.Duration {
	s := &d.standing
	s.Lock()
	defer s.Unlock()
	now := d.Now()
	if position >= head || !s.behind || position != s.position {
		s.behind, s.position, s.since = position < head, position, now
	}
	return now.Sub(s.since)
}
