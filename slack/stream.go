package slack

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// streams are the runs whose answers are shown as they come.
type streams struct {
	door *Door
	mu   sync.Mutex
	open map[string]*stream
	// over are runs whose streams have ended, so that none begins behind its end.
	over map[string]bool
	// early is what was said in runs before their streams were opened, the oldest run first.
	early []earlyText
	// ctx is that of the streams' writers, nil while the door does not run.
	ctx     context.Context
	ready   chan struct{} // closed once the door runs
	writers sync.WaitGroup
}

type earlyText struct {
	run  string
	text []byte // no strings.Builder, which may not be moved
}

// The bounds of what is kept for streams that are not open yet.
const (
	maxEarly     = 64
	maxEarlyText = 64 << 10
)

// maxMessage is how many characters a message may hold, with room for the marks of Markdown that a split leaves open.
const maxMessage = 11_500

// flushAt is how much text is worth a call of its own.
const flushAt = 256

// stream is an answer on its way into a message.
type stream struct {
	run     managers.SlackRun
	channel string
	thread  string
	// more tells the writer of text, or of the end.
	more chan struct{}
	// over is closed once the writer is.
	over chan struct{}

	mu sync.Mutex
	// text is all that was said, sent how much of it Slack has, in bytes.
	text  strings.Builder
	ended bool

	// shown is ts, for whoever else asks.
	shown atomic.Pointer[string]

	// What follows is the writer's until over is closed.
	sent   int
	length int // in characters
	ts     string
	reason string
}

func newStreams(d *Door) *streams {
	return &streams{door: d, open: map[string]*stream{}, ready: make(chan struct{}), over: map[string]bool{}}
}

// run lets streams write until ctx is done, and waits for them.
func (s *streams) run(ctx context.Context) error {
	s.mu.Lock()
	s.ctx = ctx
	s.mu.Unlock()
	close(s.ready)
	<-ctx.Done()
	s.mu.Lock()
	s.ctx = nil
	s.mu.Unlock()
	s.writers.Wait()
	return nil
}

// OnText hears a piece of a run's answer. It never waits.
func (d *Door) OnText(run, text string) {
	s := d.streams
	s.mu.Lock()
	open := s.open[run]
	if open == nil {
		s.keep(run, text)
	}
	s.mu.Unlock()
	if open != nil {
		open.say(text)
	}
}

// keep remembers what was said before its stream was opened. Where that is too much it is left out: the answer is posted
// whole at the end.
func (s *streams) keep(run, text string) {
	for i := range s.early {
		if e := &s.early[i]; e.run == run {
			if len(e.text)+len(text) <= maxEarlyText {
				e.text = append(e.text, seen(len(e.text), text)...)
			}
			return
		}
	}
	if len(s.early) >= maxEarly {
		s.early = append(s.early[:0:0], s.early[1:]...)
	}
	s.early = append(s.early, earlyText{run, []byte(seen(0, text))})
}

// writing tells of a message that is being streamed into here.
func (s *streams) writing(ts string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, open := range s.open {
		if now := open.shown.Load(); now != nil && *now == ts {
			return true
		}
	}
	return false
}

// begin opens the stream of a run. A run that has one keeps it.
func (s *streams) begin(ctx context.Context, run managers.SlackRun, channel, thread string) {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[run.Run] != nil || s.over[run.Run] || s.ctx == nil {
		return
	}
	open := &stream{run: run, channel: channel, thread: thread, more: make(chan struct{}, 1), over: make(chan struct{}), ts: run.Stream}
	for i := range s.early {
		if s.early[i].run == run.Run {
			open.text.Write(s.early[i].text)
			s.early = append(s.early[:i:i], s.early[i+1:]...)
			open.more <- struct{}{}
			break
		}
	}
	if run.Stream != "" {
		// The process that began it has died, and what it showed is not known: the answer is posted over it at the end.
		open.reason = interrupted
	}
	s.open[run.Run] = open
	writing := s.ctx
	s.writers.Go(func() {
		defer close(open.over)
		open.write(writing, s.door)
	})
}

// ended tells of a run whose stream has ended.
func (s *streams) ended(run string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over[run]
}

// end closes the stream of a run once all is written that is being written, and forgets it. It returns nil where there is none.
func (s *streams) end(run string) *stream {
	s.mu.Lock()
	open := s.open[run]
	delete(s.open, run)
	if len(s.over) >= maxSent {
		clear(s.over)
	}
	s.over[run] = true
	for i := range s.early {
		if s.early[i].run == run {
			s.early = append(s.early[:i:i], s.early[i+1:]...)
			break
		}
	}
	s.mu.Unlock()
	if open == nil {
		return nil
	}
	open.mu.Lock()
	open.ended = true
	open.mu.Unlock()
	open.wake()
	<-open.over
	return open
}

func (o *stream) say(text string) {
	o.mu.Lock()
	o.text.WriteString(seen(o.text.Len(), text))
	o.mu.Unlock()
	o.wake()
}

// seen is what is shown of a text behind so many bytes. It begins with something that can be seen: what parts it from a turn before that only
// called tools begins no message.
func seen(said int, text string) string {
	if said == 0 {
		return strings.TrimLeftFunc(text, unicode.IsSpace)
	}
	return text
}

func (o *stream) wake() {
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// unsent is what Slack does not have yet. What stands at the end of an unfinished answer is kept back where it may be the
// beginning of a call that is to be broken.
func (o *stream) unsent() (text string, ended bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	text = o.text.String()[o.sent:]
	return strings.TrimSuffix(text, "<"), o.ended
}

// write brings what is said to Slack, in pieces that are worth a call.
func (o *stream) write(ctx context.Context, d *Door) {
	last := time.Now().Add(-d.FlushEvery)
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.more:
		}
		for {
			text, ended := o.unsent()
			if ended || text == "" || o.reason != "" {
				break
			}
			if wait := d.FlushEvery - time.Since(last); wait > 0 && len(text) < flushAt {
				// More may come meanwhile, or the end.
				timer := time.NewTimer(wait)
				select {
				case <-ctx.Done():
					timer.Stop()
					return
				case <-o.more:
					timer.Stop()
					continue
				case <-timer.C:
				}
			}
			last = time.Now()
			o.show(ctx, d, text)
		}
		if _, ended := o.unsent(); ended {
			return
		}
	}
}

// show adds a text to the message, and begins one first where there is none. After a refusal nothing more is shown: the
// answer comes as a message of its own.
func (o *stream) show(ctx context.Context, d *Door, text string) {
	if o.length+utf8.RuneCountInString(text) > maxMessage {
		o.reason = "longer than a message"
		return
	}
	var err error
	if o.ts == "" {
		err = o.start(ctx, d, text)
	} else {
		err = d.limits.call(ctx, "chat.appendStream", o.channel, func(ctx context.Context) error {
			_, _, err := d.API.AppendStreamContext(ctx, o.channel, o.ts, api.MsgOptionMarkdownText(harmless(text)))
			return err
		})
	}
	switch {
	case err == nil:
		o.sent, o.length = o.sent+len(text), o.length+utf8.RuneCountInString(text)
	case ctx.Err() == nil:
		o.reason = reasonOf(err)
		if !d.learn("chat.startStream", err) {
			d.Log.Warn("an answer is not streamed: it comes as a whole", "run", o.run.Run, "error", err)
		}
	}
}

func (o *stream) start(ctx context.Context, d *Door, text string) error {
	if !d.able("chat.startStream") {
		return errors.New("streaming is not allowed to this app")
	}
	options := []api.MsgOption{api.MsgOptionTS(o.thread), api.MsgOptionMarkdownText(harmless(text))}
	if team, user := personOf(o.run.Requester); user != "" && !strings.HasPrefix(o.channel, "D") {
		options = append(options, api.MsgOptionRecipientTeamID(team), api.MsgOptionRecipientUserID(user))
	}
	err := d.limits.call(ctx, "chat.startStream", o.channel, func(ctx context.Context) error {
		_, ts, err := d.API.StartStreamContext(ctx, o.channel, options...)
		o.ts = ts
		o.shown.Store(&ts)
		return err
	})
	if err != nil {
		return err
	}
	_, err = d.Dispatch(ctx, commands.StartSlackStream{
		Meta: d.postMeta(o.run, events.NameID(d.Now(), o.run.Run+"/"+o.ts)), Post: o.run.Run, Run: o.run.Run, Channel: o.channel, Thread: o.thread, TS: o.ts,
	})
	return err
}

// personOf takes a requester in Slack apart.
func personOf(requester string) (team, user string) {
	parts := strings.Split(requester, ":")
	if len(parts) != 3 || parts[0] != "slack" {
		return "", ""
	}
	return parts[1], parts[2]
}

// reasonOf is an error in a few words.
func reasonOf(err error) string {
	var refused api.SlackErrorResponse
	if errors.As(err, &refused) {
		return refused.Err
	}
	return clip(err.Error(), 200)
}
