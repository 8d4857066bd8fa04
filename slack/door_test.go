package slack_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

const secret = "8f742231b10e8888abcd99yyyzzz85a5"

// house is what stands behind the door: it keeps what it is told, and has the rows that it is given.
type house struct {
	projections.Reader // what it does not have panics

	mu           sync.Mutex
	started      map[string]commands.StartRun
	commands     []commands.Command
	ids          map[string]int
	runs         []projections.RunRow
	threads      map[string]projections.SlackThreadRow
	improvements []projections.ImprovementRow
	agents       []projections.AgentRow
	approvals    []projections.ApprovalRow
	experiments  []projections.ExperimentRow
	budgets      []projections.BudgetRow
	costs        []projections.CostRow
	goals        []projections.GoalRow
	runbooks     []projections.RunbookRow
	fail         error
	// late is what the read models hear of once they are waited for.
	late func()
	// told has a place for each command that came.
	told chan struct{}
}

var errAway = errors.New("the store is away")

func (h *house) In(string) projections.Reader { return h }

func (h *house) dispatch(_ context.Context, cmds ...commands.Command) (commands.Receipt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		return commands.Receipt{}, h.fail
	}
	for _, c := range cmds {
		id := c.About().ID.String()
		if h.ids[id]++; h.ids[id] > 1 {
			return commands.Receipt{Repeated: true}, nil
		}
		h.commands = append(h.commands, c)
		select {
		case h.told <- struct{}{}:
		default:
		}
	}
	return commands.Receipt{Events: len(cmds)}, nil
}

// recorded waits for the record of an interaction.
func (h *house) recorded(t *testing.T) commands.RecordInteraction {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		if records := all[commands.RecordInteraction](h); len(records) > 0 {
			return records[0]
		}
		select {
		case <-h.told:
		case <-timeout:
			t.Fatal("the interaction was not recorded")
		}
	}
}

// forget forgets what came until now.
func (h *house) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commands = nil
}

func (h *house) start(ctx context.Context, c commands.StartRun) (commands.Receipt, error) {
	receipt, err := h.dispatch(ctx, c)
	if err == nil && !receipt.Repeated {
		h.mu.Lock()
		h.started[c.Run] = c
		h.mu.Unlock()
	}
	return receipt, err
}

// all are the commands of a type.
func all[C commands.Command](h *house) []C {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []C
	for _, c := range h.commands {
		if c, ok := c.(C); ok {
			found = append(found, c)
		}
	}
	return found
}

func (h *house) Run(_ context.Context, run string) (projections.RunRow, []projections.StepRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, row := range h.runs {
		if row.Run == run {
			return row, []projections.StepRow{{Name: "chat"}}, nil
		}
	}
	return projections.RunRow{}, nil, projections.ErrNotFound
}

func (h *house) reach(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.late != nil {
		h.late()
	}
	return ctx.Err()
}

func (h *house) Runs(_ context.Context, f projections.RunFilter) iter.Seq2[projections.RunRow, error] {
	h.mu.Lock()
	rows := slices.Clone(h.runs)
	h.mu.Unlock()
	return func(yield func(projections.RunRow, error) bool) {
		for _, row := range rows {
			if f.Conversation != "" && row.Conversation != f.Conversation || f.Outcome != "" && row.Outcome != f.Outcome {
				continue
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (h *house) Loop(context.Context) (projections.LoopRow, error) {
	return projections.LoopRow{Paused: true, By: "user:anna", Reason: "the *prices* change"}, nil
}

func (h *house) Improvements(context.Context, string) ([]projections.ImprovementRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.improvements), nil
}

func (h *house) Approvals(_ context.Context, status string) ([]projections.ApprovalRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.approvals), func(a projections.ApprovalRow) bool { return status != "" && a.Status != status }), nil
}

func (h *house) Approval(_ context.Context, id string) (projections.ApprovalRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.approvals {
		if a.Approval == id {
			return a, nil
		}
	}
	return projections.ApprovalRow{}, projections.ErrNotFound
}

func (h *house) Experiments(context.Context, string) ([]projections.ExperimentRow, error) {
	return slices.Clone(h.experiments), nil
}

func (h *house) Budgets(context.Context) ([]projections.BudgetRow, error) { return h.budgets, nil }

func (h *house) Costs(context.Context) ([]projections.CostRow, error) { return h.costs, nil }

func (h *house) Goals(context.Context) ([]projections.GoalRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.goals), nil
}

func (h *house) Runbooks(context.Context) ([]projections.RunbookRow, error) { return h.runbooks, nil }

func (h *house) Agents(context.Context) ([]projections.AgentRow, error) { return h.agents, nil }

func (h *house) thread(_ context.Context, key string) (projections.SlackThreadRow, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	row, ok := h.threads[key]
	if !ok {
		return row, projections.ErrNotFound
	}
	return row, nil
}

// newDoor is a door to a double of Slack that works until the test ends.
func newDoor(t testing.TB, change ...func(*slack.Config)) (*slack.Door, *house, *apitest.Server) {
	server := apitest.New(t)
	h := &house{told: make(chan struct{}, 1000), started: map[string]commands.StartRun{}, ids: map[string]int{}, threads: map[string]projections.SlackThreadRow{}}
	c := slack.Config{
		API: api.New("xoxb-1", api.OptionAPIURL(server.URL)), SigningSecret: secret, Reader: h, Reach: h.reach, Threads: h.thread,
		Texts:    func(context.Context, *projections.RunRow) error { return nil },
		Dispatch: h.dispatch, Start: h.start,
		Cancel: func(ctx context.Context, c commands.CancelRun) error {
			_, err := h.dispatch(ctx, c)
			return err
		},
		Runbook: func(name string, run projections.RunRow, steps []projections.StepRow) events.RunbookSaved {
			return events.RunbookSaved{Runbook: name, Workflow: run.Workflow, Run: run.Run, Steps: make([]events.RunbookStep, len(steps))}
		},
		FlushEvery: time.Millisecond,
	}
	for _, f := range change {
		f(&c)
	}
	door := slack.New(c)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- door.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return door, h, server
}

func askedRun(started time.Time) managers.SlackRun {
	return managers.SlackRun{Run: "r1", Conversation: "slack:T1:C1:1.1", Requester: "slack:T1:U1", StartedAt: started, Thread: "1.1"}
}

// answered is the row of a run that has ended.
func answered(run, text string) projections.RunRow {
	return projections.RunRow{
		Run: run, Workflow: "slack", Prompt: "how?", Answer: text, Outcome: events.Succeeded, DurationNS: 2_300_000_000, Cost: events.Cost{CostNanos: 1_234_000}, Steps: 2,
		Models: []string{"gpt-4o-mini"}, Requester: "slack:T1:U1",
	}
}

// follow shows a run under way, says text, and waits until Slack has it.
func follow(t *testing.T, door *slack.Door, server *apitest.Server, run managers.SlackRun, text string) {
	t.Helper()
	if err := door.Follow(t.Context(), managers.SlackFollow{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	for piece := range strings.SplitAfterSeq(text, " ") {
		door.OnText(run.Run, piece)
	}
	if text != "" {
		server.Message(t, "C1", "the stream", func(m apitest.Message) bool { return m.Streamed && m.Text != "" })
	}
}

func TestAnAnswerIsStreamedToItsEnd(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	run := askedRun(time.Now().Add(time.Hour))
	follow(t, door, server, run, "The answer is")
	h.runs = []projections.RunRow{answered("r1", "The answer is 42.")}
	if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	messages := server.Messages("C1")
	if len(messages) != 1 || messages[0].Text != "The answer is 42." || messages[0].Streaming || messages[0].Updates != 0 {
		t.Errorf("got %+v", messages)
	}
	posts, streams := all[commands.RecordSlackPost](h), all[commands.StartSlackStream](h)
	if len(posts) != 1 || posts[0].TS != messages[0].TS || posts[0].Reason != "" || len(streams) != 1 || streams[0].TS != messages[0].TS {
		t.Errorf("recorded: %+v, %+v", posts, streams)
	}
	if server.Status("C1", "1.1") != "active" {
		t.Errorf("the session is %q", server.Status("C1", "1.1"))
	}
}

// What is streamed is not always what stands at the end: a turn that called tools said something too.
func TestAnAnswerThatIsAnotherThanWasStreamedReplacesIt(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	run := askedRun(time.Now().Add(time.Hour))
	follow(t, door, server, run, "Let me look that up.")
	h.runs = []projections.RunRow{answered("r1", "It is 42.")}
	if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	messages := server.Messages("C1")
	if len(messages) != 1 || messages[0].Text != "It is 42." || messages[0].Updates != 1 || !strings.Contains(messages[0].Blocks, "feedback_buttons") {
		t.Errorf("got %+v", messages)
	}
}

func TestAStreamThatIsRefusedIsAMessageAndSaysSo(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	server.Refuse("chat.startStream", "missing_scope")
	run := askedRun(time.Now().Add(time.Hour))
	if err := door.Follow(t.Context(), managers.SlackFollow{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	door.OnText("r1", "The answer ")
	server.Await(t, "the refusal", func() bool { return server.Calls("chat.startStream") == 1 })
	h.runs = []projections.RunRow{answered("r1", "The answer is **42**.")}
	if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	messages := server.Messages("C1")
	if len(messages) != 1 || messages[0].Text != "The answer is *42*." || !strings.Contains(messages[0].Blocks, "not streamed: missing_scope") {
		t.Errorf("got %+v", messages)
	}
	if posts := all[commands.RecordSlackPost](h); len(posts) != 1 || posts[0].Reason != "missing_scope" {
		t.Errorf("recorded: %+v", posts)
	}
}

func TestALongAnswerIsSplitAndItsCodeStaysCode(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	line := "    fmt.Println(\"a line of code that goes on\")\n"
	long := "Look:\n\n```go\n" + strings.Repeat(line, 12_500/len(line)) + "```\n\nThat was it."
	run := askedRun(time.Now().Add(time.Hour))
	follow(t, door, server, run, long[:4000])
	h.runs = []projections.RunRow{answered("r1", long)}
	if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	messages := server.Messages("C1")
	if len(messages) != 2 || strings.Contains(messages[0].Blocks, "feedback_buttons") || !strings.Contains(messages[1].Blocks, "feedback_buttons") {
		t.Fatalf("%d messages: %+v", len(messages), messages)
	}
	for i, m := range messages {
		if strings.Count(m.Blocks, "```")%2 != 0 {
			t.Errorf("message %d leaves its code open", i)
		}
	}
}

// A rate limit holds a call up, and a failure of Slack's own too. Nothing is lost by it.
func TestWhatSlackHoldsUpComesLater(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	server.Limit("chat.appendStream", 1)
	server.Limit("chat.stopStream", 1)
	run := askedRun(time.Now().Add(time.Hour))
	follow(t, door, server, run, "The answer")
	door.OnText("r1", " is")
	h.runs = []projections.RunRow{answered("r1", "The answer is 42.")}
	if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	if messages := server.Messages("C1"); len(messages) != 1 || messages[0].Text != "The answer is 42." {
		t.Errorf("got %+v", messages)
	}
}

// The process that began a stream may have died before it could tell.
func TestAnInterruptedStreamIsPutRight(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{"that the log knows of": true, "that nobody told of": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			door, h, server := newDoor(t)
			client := api.New("xoxb-1", api.OptionAPIURL(server.URL))
			_, ts, err := client.StartStreamContext(t.Context(), "C1", api.MsgOptionTS("1.1"), api.MsgOptionMarkdownText("Half of"), api.MsgOptionRecipientTeamID("T1"), api.MsgOptionRecipientUserID("U1"))
			if err != nil {
				t.Fatal(err)
			}
			run := askedRun(time.Now().Add(-time.Hour))
			if told {
				run.Stream = ts
			}
			h.runs = []projections.RunRow{answered("r1", "All of it.")}
			if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
				t.Fatal(err)
			}
			messages := server.Messages("C1")
			if len(messages) != 1 || messages[0].Text != "All of it." || messages[0].Streaming {
				t.Errorf("got %+v", messages)
			}
		})
	}
}

// The answer of a call may be lost, and the process may die before it can record the post: nothing is posted twice.
func TestAPostIsFoundAgain(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	h.runs = []projections.RunRow{answered("r1", "The answer is 42.")}
	h.fail = errAway
	run := askedRun(time.Now().Add(-time.Hour))
	if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); !errors.Is(err, errAway) {
		t.Fatalf("got %v", err)
	}
	// Another process takes over.
	h.fail = nil
	second := slack.New(slack.Config{
		API: api.New("xoxb-1", api.OptionAPIURL(server.URL)), Reader: h, Reach: h.reach, Threads: h.thread, Texts: func(context.Context, *projections.RunRow) error { return nil },
		Dispatch: h.dispatch, Start: h.start, Cancel: func(context.Context, commands.CancelRun) error { return nil },
		Runbook: func(string, projections.RunRow, []projections.StepRow) events.RunbookSaved {
			return events.RunbookSaved{}
		},
	})
	if err := second.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	messages := server.Messages("C1")
	if posts := all[commands.RecordSlackPost](h); len(messages) != 1 || len(posts) != 1 || posts[0].TS != messages[0].TS {
		t.Errorf("posted %+v, recorded %+v", messages, posts)
	}
}

func TestAChannelThatIsGoneEndsThePost(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	server.Refuse("chat.postMessage", "channel_not_found")
	h.runs = []projections.RunRow{answered("r1", "42")}
	if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: askedRun(time.Now())}); err != nil {
		t.Fatal(err)
	}
	if posts := all[commands.RecordSlackPost](h); len(posts) != 1 || posts[0].TS != "" || posts[0].Reason != "channel_not_found" {
		t.Errorf("recorded %+v", posts)
	}
}

// A command has no thread: one is begun for it, and the answer goes there.
func TestWhatIsAskedByACommandGetsAThread(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	row := answered("r1", "42")
	row.Prompt, row.Outcome = "what is <!channel>?", projections.Running
	h.runs = []projections.RunRow{row}
	run := managers.SlackRun{Run: "r1", Conversation: "slack:T1:C1:ask:r1", Requester: "slack:T1:U1", StartedAt: time.Now().Add(time.Hour)}
	for range 2 { // it is done again where the record was lost
		if err := door.Follow(t.Context(), managers.SlackFollow{SlackRun: run}); err != nil {
			t.Fatal(err)
		}
	}
	opened := all[commands.OpenSlackThread](h)
	messages := server.Messages("C1")
	if len(messages) != 1 || len(opened) != 1 || opened[0].Thread != messages[0].TS || strings.Contains(messages[0].Text, "<!channel>") {
		t.Fatalf("posted %+v, recorded %+v", messages, opened)
	}
	run.Thread = opened[0].Thread
	h.runs[0].Outcome = events.Succeeded
	if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	if m := server.Messages("C1"); len(m) != 2 || m[1].Thread != messages[0].TS {
		t.Errorf("got %+v", m)
	}
}
