package slack_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

// newDoor is a door to a double of Slack that works until the test ends.
func newDoor(t testing.TB, change ...func(*slack.Config)) (*slack.Door, *house, *apitest.Server) {
	server := apitest.New(t)
	door, h := doorTo(t, api.New("xoxb-1", api.OptionAPIURL(server.URL)), change...)
	return door, h, server
}

// doorTo is a door to whatever a client calls.
func doorTo(t testing.TB, client *api.Client, change ...func(*slack.Config)) (*slack.Door, *house) {
	h := &house{told: make(chan struct{}, 1000), started: map[string]commands.StartRun{}, ids: map[string]int{}, threads: map[string]projections.SlackThreadRow{}}
	c := slack.Config{
		API: client, SigningSecret: secret, Reader: h, Reach: h.reach, Threads: h.thread,
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
	return door, h
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
	for name, c := range map[string]struct{ told, standby bool }{"that the log knows of": {told: true}, "that nobody told of": {}, "by the one that this one stood by": {standby: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			door, h, server := newDoor(t, func(c *slack.Config) { c.Now = func() time.Time { return now } })
			client := api.New("xoxb-1", api.OptionAPIURL(server.URL))
			_, ts, err := client.StartStreamContext(t.Context(), "C1", api.MsgOptionTS("1.1"), api.MsgOptionMarkdownText("Half of"), api.MsgOptionRecipientTeamID("T1"), api.MsgOptionRecipientUserID("U1"))
			if err != nil {
				t.Fatal(err)
			}
			run := askedRun(now.Add(-time.Hour))
			if c.told {
				run.Stream = ts
			}
			if c.standby {
				run.StartedAt = now.Add(time.Hour)
				now = now.Add(2 * time.Hour)
				door.Drives()
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

// A session is called by what was asked first in its thread, and keeps that name.
func TestASessionIsCalledByWhatWasAskedFirst(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	title := func(run string, prompt string) string {
		row := answered(run, "")
		row.Prompt, row.Outcome, row.Conversation = prompt, projections.Running, "slack:T1:C1:1.1"
		h.mu.Lock()
		h.runs = append(h.runs, row)
		h.mu.Unlock()
		asked := askedRun(time.Now().Add(time.Hour))
		asked.Run = run
		if err := door.Follow(t.Context(), managers.SlackFollow{SlackRun: asked}); err != nil {
			t.Fatal(err)
		}
		return server.Last("agents.sessions.setStatus").Get("title")
	}
	if got := title("r1", "how do I\nrotate the keys? "+strings.Repeat("Soon, please. ", 30)); !strings.HasPrefix(got, "how do I rotate the keys? Soon") || len([]rune(got)) != 200 {
		t.Errorf("it is called %q", got)
	}
	if got := title("r2", "and the certificates?"); got != "" {
		t.Errorf("what was said next calls it %q", got)
	}
}

// Models may answer before there is a place for it, several at once: each answer is whole, and what is blank at its beginning begins no message.
func TestWhatIsSaidEarlyIsKeptForEachRun(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	var runs []managers.SlackRun
	for i := range 5 {
		run := askedRun(time.Now().Add(time.Hour))
		run.Run, run.Thread = fmt.Sprint("r", i), fmt.Sprint(i, ".1")
		run.Conversation = "slack:T1:C1:" + run.Thread
		row := answered(run.Run, "It is "+run.Run+".")
		row.Outcome = projections.Running
		runs, h.runs = append(runs, run), append(h.runs, row)
	}
	for _, piece := range []string{"\n\n", "It is ", "r%"} {
		for i, run := range runs {
			door.OnText(run.Run, strings.ReplaceAll(piece, "r%", fmt.Sprint("r", i)))
		}
	}
	for i, run := range runs {
		if err := door.Follow(t.Context(), managers.SlackFollow{SlackRun: run}); err != nil {
			t.Fatal(err)
		}
		if i == 0 { // what is left of a turn that only calls tools is blank
			door.OnText(run.Run, "")
		}
		server.Message(t, "C1", "the stream of "+run.Run, func(m apitest.Message) bool { return m.Thread == run.Thread && m.Text == "It is "+run.Run })
		h.mu.Lock()
		h.runs[i].Outcome = events.Succeeded
		h.mu.Unlock()
		if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range server.Messages("C1") {
		if m.Updates != 0 || m.Streaming || !strings.HasSuffix(m.Text, ".") {
			t.Errorf("got %+v", m)
		}
	}
}
