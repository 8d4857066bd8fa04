package orchestrator

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/redact"
)

// The topics of notices: who watches a run, and what was said in it so far.
const (
	watchedTopic = "watched"
	saidTopic    = "said"
)

// The pace of what is told from process to process, and for how long a notice stands that nobody renews.
const (
	tellEvery  = 200 * time.Millisecond
	noticeTime = 30 * time.Second
	// maxSaid bounds what is told of one run, in bytes. The answer itself is in the log, whole.
	maxSaid = 256 << 10
)

// overheard tells watchers in other processes what models say, as they say it: the text so far of each run that somebody
// watches, without credentials. Nothing is written while nobody does.
type overheard struct {
	models *projections.Models
	clock  Clock

	mu   sync.Mutex
	said map[string]*strings.Builder
	// fresh are the runs of which more was said, told those of which watchers were told, and over those of them that have
	// ended: their notices are taken down.
	fresh, told map[string]bool
	over        []string
}

func newOverheard(models *projections.Models, clock Clock) *overheard {
	return &overheard{models: models, clock: clock, said: map[string]*strings.Builder{}, fresh: map[string]bool{}, told: map[string]bool{}}
}

// hear takes in a piece of an answer.
func (o *overheard) hear(run, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.said[run]
	if b == nil {
		b = &strings.Builder{}
		o.said[run] = b
	}
	if b.Len() < maxSaid {
		b.WriteString(text)
		o.fresh[run] = true
	}
}

// end forgets a run.
func (o *overheard) end(run string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.said, run)
	delete(o.fresh, run)
	if o.told[run] {
		delete(o.told, run)
		o.over = append(o.over, run)
	}
}

// run tells until ctx is done. What can't be told is told a moment later: it is no more than a preview.
func (o *overheard) run(ctx context.Context) {
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = o.tell(ctx)
		}
	}
}

func (o *overheard) tell(ctx context.Context) error {
	o.mu.Lock()
	idle := len(o.fresh)+len(o.over) == 0
	o.mu.Unlock()
	if idle {
		return nil
	}
	now := o.clock()
	watched, err := o.models.Notices(ctx, watchedTopic, now)
	if err != nil {
		return err
	}
	o.mu.Lock()
	var notices []readmodel.Notice
	for _, run := range slices.Sorted(maps.Keys(o.fresh)) {
		if _, wanted := watched[run]; wanted {
			notices = append(notices, readmodel.Notice{Topic: saidTopic, Key: run, Text: redact.Text(o.said[run].String()), Until: now.Add(noticeTime)})
			delete(o.fresh, run)
			o.told[run] = true
		}
	}
	over := o.over
	o.over = nil
	o.mu.Unlock()
	if len(notices)+len(over) == 0 {
		return nil
	}
	return o.models.Post(ctx, now, notices, saidTopic, over)
}

// Overhear hands on what is said in a run that another process serves, as it comes, until ctx is done. Where the text
// begins anew, which it does when another process takes over, again is called first.
func (r Runs) Overhear(ctx context.Context, run string, now Clock, onText func(string), again func()) error {
	shown, renewed := "", time.Time{}
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	defer func() {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer stop()
		_ = r.Models.Post(ctx, now(), nil, watchedTopic, []string{run}) // it is over by itself, too
	}()
	for {
		if now().Sub(renewed) > noticeTime/3 {
			renewed = now()
			if err := r.Models.Post(ctx, renewed, []readmodel.Notice{{Topic: watchedTopic, Key: run, Until: renewed.Add(noticeTime)}}, "", nil); err != nil && ctx.Err() == nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		said, err := r.Models.Notices(ctx, saidTopic, now())
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		text, any := said[run]
		if !any || text == shown {
			continue
		}
		more, goesOn := strings.CutPrefix(text, shown)
		if !goesOn {
			again()
			more = text
		}
		onText(more)
		shown = text
	}
}
