package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/redact"
)

func kinds(t *testing.T, store eventstore.Store) []string {
	t.Helper()
	var out []string
	for e, err := range store.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Kind)
	}
	return out
}

func TestDispatchAppendsAllOrNothing(t *testing.T) {
	t.Parallel()
	store, d := newLog(t)
	cmds := oneRun("r1")
	cmds[2] = commands.FinishStep{Meta: wish("x", "r1"), Run: "r1", Step: 7, Outcome: events.Succeeded}
	if _, err := d.Dispatch(t.Context(), cmds...); !errors.Is(err, aggregates.ErrInvalid) {
		t.Fatalf("got %v, want ErrInvalid", err)
	}
	if got := kinds(t, store); got != nil {
		t.Fatalf("half a run was appended: %v", got)
	}
	receipt, err := d.Dispatch(t.Context(), oneRun("r1")...)
	if err != nil || receipt.Events != 4 || receipt.Revision != 3 || receipt.Repeated {
		t.Fatalf("got %+v, %v", receipt, err)
	}
}

func TestDispatchingAgainIsARepeat(t *testing.T) {
	t.Parallel()
	store, d := newLog(t)
	first, err := d.Dispatch(t.Context(), oneRun("r1")...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.Dispatch(t.Context(), oneRun("r1")...)
	if err != nil || !again.Repeated || again.Events != 0 || again.Position != first.Position {
		t.Fatalf("got %+v, %v after %+v", again, err, first)
	}
	if got := kinds(t, store); len(got) != 4 {
		t.Fatalf("the log holds %v", got)
	}
	other := commands.StartRun{Meta: wish("another wish", "r1"), Run: "r1", Workflow: "w"}
	if _, err := d.Dispatch(t.Context(), other); !errors.Is(err, aggregates.ErrExists) {
		t.Fatalf("another command with the same run: %v", err)
	}
}

// askedFor counts the streams that are read.
type askedFor struct {
	eventstore.Store
	reads int
}

func (s *askedFor) ReadStream(ctx context.Context, stream string, o eventstore.StreamOptions) iter.Seq2[events.Envelope, error] {
	s.reads++
	return s.Store.ReadStream(ctx, stream, o)
}

// A run begins without a look whether it is there: the append finds that out, for whoever asks again or comes second.
func TestARunBeginsWithoutARead(t *testing.T) {
	t.Parallel()
	store := &askedFor{Store: eventstore.NewMemory(time.Now)}
	begin := func() *orchestrator.Dispatcher {
		return orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	}
	start := commands.StartRun{Meta: wish("start", "r1"), Run: "r1", Workflow: "w"}
	d := begin()
	first, err := d.Dispatch(t.Context(), start)
	if err != nil || first.Events != 1 || first.Revision != 0 || store.reads != 0 {
		t.Fatalf("got %+v, %v with %d reads", first, err, store.reads)
	}
	// The state that is kept is right, too.
	if _, err := d.Dispatch(t.Context(), commands.StartStep{Meta: wish("step", "r1"), Run: "r1", Step: 0, Name: "s", Type: events.ChatStep}); err != nil || store.reads != 0 {
		t.Fatalf("%v with %d reads", err, store.reads)
	}
	if again, err := begin().Dispatch(t.Context(), start); err != nil || !again.Repeated || again.Events != 0 {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	start.Meta = wish("another", "r1")
	if _, err := begin().Dispatch(t.Context(), start); !errors.Is(err, aggregates.ErrExists) {
		t.Errorf("another run of the name: %v", err)
	}
	if n := len(kinds(t, store)); n != 2 {
		t.Errorf("the log holds %d facts", n)
	}
}

func TestDispatchDecidesAgainOnConflict(t *testing.T) {
	t.Parallel()
	store, d := newLog(t)
	if _, err := d.Dispatch(t.Context(), oneRun("r1")[:1]...); err != nil {
		t.Fatal(err)
	}
	const writers = 16
	var wait sync.WaitGroup
	won := make(chan int, writers)
	for i := range writers {
		wait.Go(func() {
			cancel := commands.CancelRun{Meta: wish(fmt.Sprint("cancel", i), "r1"), Run: "r1"}
			if _, err := d.Dispatch(context.Background(), cancel); err == nil {
				won <- i
			} else if !errors.Is(err, aggregates.ErrEnded) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if len(won) != 1 {
		t.Errorf("%d writers ended the run, want exactly one", len(won))
	}
	if got := kinds(t, store); len(got) != 2 {
		t.Errorf("the log holds %v", got)
	}
}

// What another process appended meanwhile is loaded, and the command decided again on it.
func TestDispatchGoesOnBehindAnotherProcess(t *testing.T) {
	t.Parallel()
	store, one := newLog(t)
	other := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	run := oneRun("r1")
	if _, err := one.Dispatch(t.Context(), run[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Dispatch(t.Context(), run[1]); err != nil { // the step starts
		t.Fatal(err)
	}
	// It lacks the step, and would end the run without that.
	receipt, err := one.Dispatch(t.Context(), commands.CancelRun{Meta: wish("cancel", "r1"), Run: "r1"})
	if err != nil || receipt.Events != 2 || receipt.Revision != 3 {
		t.Errorf("got %+v, %v", receipt, err)
	}
	if got, want := kinds(t, store), []string{"run.started", "run.step_started", "run.step_finished", "run.cancelled"}; !slices.Equal(got, want) {
		t.Errorf("the log holds %v", got)
	}
}

// Two drivers perform one turn, and this one comes behind the other one's facts with some that are the very same. It decides
// the next on all that stands between, too.
func TestDispatchLacksNothingOfWhatAnotherProcessRecordedFirst(t *testing.T) {
	t.Parallel()
	store, one := newLog(t)
	other := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	step := func(n int) commands.Command {
		return commands.StartStep{Meta: wish(fmt.Sprint("step", n), "r1"), Run: "r1", Step: n, Name: "s", Type: events.ToolStep}
	}
	if _, err := one.Dispatch(t.Context(), oneRun("r1")[0], step(0)); err != nil {
		t.Fatal(err)
	}
	ended := commands.FinishStep{Meta: wish("ended", "r1"), Run: "r1", Step: 0, Outcome: events.Succeeded}
	if _, err := other.Dispatch(t.Context(), ended, step(1)); err != nil {
		t.Fatal(err)
	}
	receipt, err := one.Dispatch(t.Context(), step(1))
	if err != nil || !receipt.Repeated || receipt.Events != 0 || receipt.Revision != 3 {
		t.Errorf("the same again gave %+v, %v", receipt, err)
	}
	// The run's end ends what is open: step 0 is not.
	if _, err := one.Dispatch(t.Context(), commands.CancelRun{Meta: wish("cancel", "r1"), Run: "r1"}); err != nil {
		t.Fatal(err)
	}
	want := []string{"run.started", "run.step_started", "run.step_finished", "run.step_started", "run.step_finished", "run.cancelled"}
	if got := kinds(t, store); !slices.Equal(got, want) {
		t.Errorf("the log holds %v", got)
	}
}

func TestDispatchRefusesWhatItCannotPlace(t *testing.T) {
	t.Parallel()
	_, d := newLog(t)
	for name, cmds := range map[string][]commands.Command{
		"two streams":       {oneRun("r1")[0], oneRun("r2")[0]},
		"no id":             {commands.StartRun{Meta: commands.Meta{At: noon}, Run: "r", Workflow: "w"}},
		"no time":           {commands.StartRun{Meta: commands.Meta{ID: events.NameID(noon, "x")}, Run: "r", Workflow: "w"}},
		"work, not a wish":  {strange{wish("turn", "r")}},
		"a name with a NUL": {commands.StartRun{Meta: wish("nul", "r"), Run: "r\x00", Workflow: "w"}},
	} {
		if receipt, err := d.Dispatch(t.Context(), cmds...); err == nil {
			t.Errorf("%s: got %+v", name, receipt)
		}
	}
}

func TestSecretsNeverReachTheLog(t *testing.T) {
	t.Parallel()
	store, d := newLog(t)
	key := "ghp_" + strings.Repeat("a1B2", 9)
	start := commands.StartRun{Meta: wish("s", "r"), Run: "r", Workflow: "sk-region-invoice-intake-eu", Prompt: "use\n" + key + " \"quoted\""}
	if _, err := d.Dispatch(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	for e, err := range store.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		fact, err := events.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		if got := fact.(events.RunStarted); got.Prompt != "use\n[redacted] \"quoted\"" || got.Workflow != "sk-region-invoice-intake-eu" {
			t.Errorf("the log holds %+v", got)
		}
	}
	if _, err := d.Dispatch(t.Context(), commands.StartRun{Meta: wish("k", key), Run: key, Workflow: "w"}); !aggregates.Refused(err) || !errors.Is(err, redact.ErrName) {
		t.Errorf("a run that is named like a key: %v", err)
	}
}

// strange is a command that no aggregate knows.
type strange struct{ commands.Meta }

func (strange) Stream() string { return commands.RunStream("", "r") }
