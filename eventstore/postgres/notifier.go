package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// noticeEvery is how often other processes are told of appends at most.
const noticeEvery = 2 * time.Millisecond

// notifier tells other processes that the log has grown. It does so behind the appends: a NOTIFY inside an append's
// transaction would add a sixth to what a single append takes. What gets lost, because this process dies right after its commit,
// is made up for by the others' polling.
type notifier struct {
	pool    *pgxpool.Pool
	due     chan struct{}
	stop    chan struct{}
	stopped chan struct{}
}

func newNotifier(pool *pgxpool.Pool) *notifier {
	n := &notifier{pool: pool, due: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{})}
	go n.run()
	return n
}

// notify never blocks. It may be called until close.
func (n *notifier) notify() {
	select {
	case n.due <- struct{}{}:
	default:
	}
}

// close tells of the last append, and waits for that.
func (n *notifier) close() {
	close(n.stop)
	<-n.stopped
}

func (n *notifier) run() {
	defer close(n.stopped)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-n.due:
			n.tell()
		case <-n.stop:
			select {
			case <-n.due:
				n.tell()
			default:
			}
			return
		}
		pause.Reset(noticeEvery)
		select {
		case <-pause.C:
		case <-n.stop:
		}
	}
}

func (n *notifier) tell() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = n.pool.Exec(ctx, "NOTIFY "+Channel) // an error is the poll's to make up for
}
