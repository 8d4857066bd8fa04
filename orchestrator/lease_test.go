package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

// cable is the way to the read models of one process. It can be cut, and be pulled so that nothing comes back.
type cable struct {
	readmodel.Engine
	mu   sync.Mutex
	cut  bool
	hung chan struct{}
}

func (c *cable) Update(ctx context.Context, f func(readmodel.Tx) error) error {
	c.mu.Lock()
	cut, hung := c.cut, c.hung
	c.mu.Unlock()
	if hung != nil {
		<-hung
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if cut {
		return fmt.Errorf("%w: the cable is cut", readmodel.ErrUnavailable)
	}
	return c.Engine.Update(ctx, f)
}

func (c *cable) set(cut bool, hung chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut, c.hung = cut, hung
}

func (c *cable) Close() error { return nil }

// town is one store with several processes at it.
type town struct {
	*house
	engine readmodel.Engine
}

func newTown(t *testing.T) *town {
	t.Helper()
	engine := readmodel.NewMemory()
	models, err := projections.Open(t.Context(), engine, readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store := eventstore.NewMemory(time.Now)
	d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	h := &house{store: store, models: models, dispatch: d.Dispatch, agents: d}
	h.spawn(t, events.Assistant, events.AgentConfig{Tools: []string{"calculate", "clock"}})
	return &town{engine: engine, house: h}
}

// process is one that drives, or stands by.
type process struct {
	cable  *cable
	model  *counting
	config orchestrator.DriveConfig
	// driving hears of each lease that it got, ended of each that it lost.
	driving, ended chan *orchestrator.Lease
	standby        chan string
	// store is how it reaches the log. Default the town's.
	store eventstore.Store
	// clock is the process's own. Default time.Now.
	clock orchestrator.Clock
	// around, if any, runs in place of the orchestrator.
	around func(context.Context, *orchestrator.Lease) error
}

func newProcess(name string, town *town) *process {
	p := &process{
		store: town.store, cable: &cable{Engine: town.engine}, model: &counting{Model: agents.Scripted{}},
		driving: make(chan *orchestrator.Lease, 10), ended: make(chan *orchestrator.Lease, 10), standby: make(chan string, 10),
	}
	p.config = orchestrator.DriveConfig{Holder: name, OnStandby: func(l readmodel.Lease) { p.standby <- l.Holder }}
	return p
}

// start begins to drive. stop ends that gracefully.
func (p *process) start(t *testing.T, town *town) (stop func()) {
	t.Helper()
	models, err := projections.Open(t.Context(), p.cable, readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := orchestrator.NewDispatcher(p.store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- orchestrator.Drive(ctx, models, p.config, func(ctx context.Context, l *orchestrator.Lease) error {
			p.driving <- l
			defer func() { p.ended <- l }()
			if p.around != nil {
				return p.around(ctx, l)
			}
			return orchestrator.New(orchestrator.Config{
				Store: p.store, Models: models, Dispatch: d.Dispatch, Agents: d, Model: events.ScriptedModel, Lease: l, Turns: 2, Clock: p.clock,
				Runner: agents.Runner{Model: p.model, Tools: agents.BuiltIn(time.Now)},
			}).Run(ctx)
		})
	}()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s ended with %v", p.config.Holder, err)
		}
	}
}

// deaf is a model that takes its time whatever its caller does.
type deaf struct {
	agents.Model
	time time.Duration
}

func (d deaf) Chat(ctx context.Context, r agents.Request, onDelta func(string)) (agents.Answer, error) {
	time.Sleep(d.time) // the fake clock's
	return d.Model.Chat(context.WithoutCancel(ctx), r, onDelta)
}

var wholeRun = []string{
	"run.started", "run.assigned", "run.step_started", "run.llm_called", "run.step_finished", "run.step_started", "run.tool_called", "run.step_finished",
	"run.step_started", "run.llm_called", "run.step_finished", "run.finished",
}

func TestAStandbyTakesOverFromADriverThatIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		town := newTown(t)
		defer town.close(t)
		first, second := newProcess("first", town), newProcess("second", town)
		// It is in the middle of a call when it loses touch, and hears nothing of it.
		first.model.Model = deaf{agents.Scripted{}, 12 * time.Second}
		stopFirst := first.start(t, town)
		<-first.driving
		stopSecond := second.start(t, town)
		if who := <-second.standby; who != "first" {
			t.Errorf("it stands by for %q", who)
		}
		town.ask(t, "r1", "calculate 6 * 7")
		synctest.Wait()
		first.cable.set(true, nil)
		cut := time.Now()
		<-second.driving
		if waited := time.Since(cut); waited < 3*time.Second || waited > orchestrator.DefaultLease+time.Second {
			t.Errorf("it took over after %v", waited)
		}
		time.Sleep(time.Second) // the fake clock's
		synctest.Wait()
		if got := town.kinds(t, "run-r1"); !slices.Equal(got, wholeRun) {
			t.Errorf("the run's stream holds %v", got)
		}
		// The first one's answer comes when all is over. It goes nowhere.
		<-first.ended
		first.cable.set(false, nil)
		if who := <-first.standby; who != "second" {
			t.Errorf("the first one stands by for %q", who)
		}
		synctest.Wait()
		if got := town.kinds(t, "run-r1"); !slices.Equal(got, wholeRun) {
			t.Errorf("behind a late answer the run's stream holds %v", got)
		}
		if a, b := first.model.calls.Load(), second.model.calls.Load(); a != 1 || b != 2 {
			t.Errorf("the models were asked %d and %d times, want 1 and 2", a, b)
		}
		// A graceful end is no wait for the next one.
		stopSecond()
		gone := time.Now()
		<-first.driving
		if waited := time.Since(gone); waited > time.Second {
			t.Errorf("it took over after %v", waited)
		}
		stopFirst()
		row, steps, err := town.models.Run(t.Context(), "r1")
		if err != nil || row.Outcome != events.Succeeded || len(steps) != 3 {
			t.Errorf("the read models show %+v with %d steps (%v)", row, len(steps), err)
		}
	})
}

func TestADriverWhoseRenewalHangsStopsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		town := newTown(t)
		defer town.close(t)
		p := newProcess("first", town)
		p.config.TTL, p.config.Every = 10*time.Second, time.Second
		p.around = func(ctx context.Context, l *orchestrator.Lease) error {
			<-ctx.Done()
			if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, orchestrator.ErrLeaseLost) {
				t.Errorf("it ended for %v", err)
			}
			return ctx.Err()
		}
		stop := p.start(t, town)
		<-p.driving
		time.Sleep(time.Minute) // the fake clock's: it renews and goes on
		hung := make(chan struct{})
		p.cable.set(false, hung)
		begun := time.Now()
		<-p.ended
		if waited := time.Since(begun); waited < 9*time.Second || waited > 10*time.Second {
			t.Errorf("it drove on for %v", waited)
		}
		p.cable.set(false, nil)
		close(hung)
		<-p.driving // nobody else wanted the lease
		synctest.Wait()
		stop()
	})
}

func TestAProcessThatWasStoppedFindsItsLeaseOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		town := newTown(t)
		defer town.close(t)
		p := newProcess("first", town)
		// Its timers have not run yet when it goes on.
		var mu sync.Mutex
		var asleep time.Duration
		p.config.Clock = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(asleep)
		}
		var checks []error
		p.around = func(ctx context.Context, l *orchestrator.Lease) error {
			if len(checks) > 0 { // the next time it stays awake
				<-ctx.Done()
				return nil
			}
			checks = append(checks, l.Check())
			mu.Lock()
			asleep += orchestrator.DefaultLease
			mu.Unlock()
			checks = append(checks, l.Check())
			<-ctx.Done()
			return nil
		}
		stop := p.start(t, town)
		<-p.driving
		<-p.ended
		stop()
		if len(checks) < 2 || checks[0] != nil || !errors.Is(checks[1], orchestrator.ErrLeaseLost) {
			t.Errorf("it was told %v", checks)
		}
	})
}

// What a process dispatches after it was stopped for long is the next driver's to do, also before its timers tell it so.
func TestAProcessThatWasStoppedDispatchesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		town := newTown(t)
		defer town.close(t)
		town.ask(t, "r1", "clock")
		before, err := town.store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p := newProcess("first", town)
		var asleep atomic.Int64
		p.config.Clock = func() time.Time { return time.Now().Add(time.Duration(asleep.Load())) }
		p.around = func(ctx context.Context, l *orchestrator.Lease) error {
			synctest.Wait() // its timers are set
			asleep.Store(int64(orchestrator.DefaultLease))
			defer asleep.Store(0)
			return orchestrator.New(orchestrator.Config{
				// Its read models are nobody else's, so that nothing but the lease stands between it and the log.
				Store: town.store, Models: town.models, Dispatch: town.dispatch, Model: events.ScriptedModel, Lease: l,
				Runner: agents.Runner{Model: p.model, Tools: agents.BuiltIn(time.Now)},
			}).Run(ctx)
		}
		stop := p.start(t, town)
		<-p.driving
		<-p.ended
		stop()
		if after, err := town.store.Head(t.Context()); err != nil || after != before {
			t.Errorf("the log went on from position %d to %d, %v", before, after, err)
		}
	})
}

// A lease that is taken while its holder is told to stop is no reason for it to fail.
func TestADriverThatIsStoppedAsItIsFencedEndsWell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		town := newTown(t)
		defer town.close(t)
		p := newProcess("first", town)
		p.around = func(ctx context.Context, _ *orchestrator.Lease) error {
			<-ctx.Done()
			return fmt.Errorf("pump: %w", readmodel.ErrFenced)
		}
		stop := p.start(t, town)
		<-p.driving
		stop()
	})
}

func TestADriverGoesOnOverASwap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		town := newTown(t)
		defer town.close(t)
		p := newProcess("first", town)
		stop := p.start(t, town)
		<-p.driving
		for i := range 3 {
			run := fmt.Sprint("r", i)
			town.ask(t, run, "calculate 6 * 7")
			synctest.Wait()
			if err := replay.RebuildModels(t.Context(), town.store, town.models, nil); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		town.ask(t, "last", "calculate 6 * 7")
		synctest.Wait()
		stop()
		if len(p.ended) != 1 {
			t.Errorf("it lost its lease %d times", len(p.ended)-1)
		}
		for run, err := range town.models.Runs(t.Context(), projections.RunFilter{}) {
			if err != nil || run.Outcome != events.Succeeded {
				t.Errorf("got %+v, %v", run, err)
			}
		}
		if _, _, err := town.models.Run(t.Context(), "last"); err != nil {
			t.Error(err)
		}
	})
}

// TestTwoAnswersToOneTurnLeaveOne has two drivers perform one turn, as where one hung behind its last look at its lease.
func TestTwoAnswersToOneTurnLeaveOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	defer h.close(t)
	h.ask(t, "r1", "hello")
	wish, at := events.NameID(time.Now(), "wish"), time.Now()
	meta := func(slot int) commands.Meta {
		return commands.Meta{ID: events.DeriveID(wish, slot), At: at, Actor: "agent:assistant", Correlation: "r1", Causation: wish}
	}
	answer := func(m events.Message, rest ...commands.Command) []commands.Command {
		step := 0
		return append([]commands.Command{
			commands.RecordLLMCall{Meta: meta(2), Run: "r1", Step: &step, Model: "m", Asked: []events.Message{{Role: "user", Content: "hello"}}, Answered: []events.Message{m}},
			commands.FinishStep{Meta: meta(3), Run: "r1", Step: step, Outcome: events.Succeeded},
		}, rest...)
	}
	if _, err := h.dispatch(t.Context(), commands.StartStep{Meta: meta(1), Run: "r1", Name: "chat", Type: events.ChatStep}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.dispatch(t.Context(), answer(events.Message{Role: "assistant", Content: "a tool, please"})...); err != nil {
		t.Fatal(err)
	}
	late := answer(events.Message{Role: "assistant", Content: "done"},
		commands.FinishRun{Meta: meta(4), Run: "r1", Outcome: events.Succeeded, Answer: "done"})
	receipt, err := h.dispatch(t.Context(), late...)
	if err != nil || !receipt.Repeated || receipt.Events != 0 {
		t.Errorf("the late answer gave %+v, %v", receipt, err)
	}
	if got := h.kinds(t, "run-r1"); !slices.Equal(got, []string{"run.started", "run.step_started", "run.llm_called", "run.step_finished"}) {
		t.Errorf("the run's stream holds %v", got)
	}
}

// TestADriverThatLostItsLeaseUnawaresWritesNothing has another process take the lease for over: what the first one folds and
// remembers from then on would stand beside what the second one writes.
func TestADriverThatLostItsLeaseUnawaresWritesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		town := newTown(t)
		defer town.close(t)
		p := newProcess("first", town)
		p.config.TTL, p.config.Every = time.Minute, 30*time.Second // for long it does not ask whether the lease is its own
		stop := p.start(t, town)
		<-p.driving
		town.ask(t, "r1", "hello")
		time.Sleep(10 * time.Second) // the fake clock's
		synctest.Wait()
		written := func() (position uint64, remembered readmodel.Managed) {
			models, err := projections.Open(t.Context(), town.engine, readmodel.Options{})
			if err == nil {
				remembered, err = models.Managed(t.Context(), "run")
			}
			if err == nil {
				position, err = models.Position(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			return position, remembered
		}
		position, remembered := written()
		if head, err := town.store.Head(t.Context()); err != nil || position != head {
			t.Fatalf("the read models are at %d, the log at %d, %v", position, head, err)
		}
		var fast atomic.Int64
		fast.Store(int64(2 * time.Minute))
		taking, err := projections.Open(t.Context(), apart{town.engine, &fast}, readmodel.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := taking.Acquire(t.Context(), orchestrator.DriverLease, "second", time.Minute); err != nil {
			t.Fatal(err)
		}
		town.ask(t, "r2", "hello")
		<-p.ended
		if after, late := written(); after != position || !reflect.DeepEqual(late, remembered) {
			t.Errorf("the read models went on from %d to %d, what is remembered from %+v to %+v", position, after, remembered, late)
		}
		stop()
	})
}
