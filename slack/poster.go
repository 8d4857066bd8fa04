package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// postMeta is that of a command which tells what became of a run's post.
func (d *Door) postMeta(run managers.SlackRun, id uuid.UUID) commands.Meta {
	return commands.Meta{ID: id, At: d.Now().UTC(), Actor: "door:slack", Workspace: run.Workspace, Correlation: run.Run}
}

// Follow shows that a run is under way: its thread, the status of its session, and its answer as it comes.
func (d *Door) Follow(ctx context.Context, w managers.SlackFollow) error {
	channel, thread, err := d.place(ctx, w.SlackRun)
	if err != nil {
		return err
	}
	title, err := d.title(ctx, w.SlackRun)
	if err != nil {
		return err
	}
	if err := d.session(ctx, channel, thread, title, w.Workspace, w.Run); err != nil {
		return err
	}
	if d.streams.ended(w.Run) {
		// The end came meanwhile, and what was said of it may have come before this.
		late, stop := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer stop()
		d.status(late, channel, thread, "active")
		return nil
	}
	if w.Phrases {
		return nil // nothing is shown of it before it was looked at
	}
	if w.Stream, err = d.stream(ctx, w.SlackRun, channel, thread); err != nil {
		return err
	}
	if ctx.Err() == nil {
		d.streams.begin(ctx, w.SlackRun, channel, thread)
	}
	return nil
}

// FollowGaveUp ends what could not be begun.
func (d *Door) FollowGaveUp(ctx context.Context, w managers.SlackFollow, reason string) error {
	return d.undelivered(ctx, w.SlackRun, errors.New(reason))
}

// AnswerGaveUp ends what could not be posted.
func (d *Door) AnswerGaveUp(ctx context.Context, w managers.SlackAnswer, reason string) error {
	return d.undelivered(ctx, w.SlackRun, errors.New(reason))
}

// undelivered records that nothing comes of a post.
func (d *Door) undelivered(ctx context.Context, run managers.SlackRun, why error) error {
	d.streams.end(run.Run)
	thread, _ := events.ParseSlackThread(run.Conversation)
	d.Log.Error("an answer could not be posted", "run", run.Run, "channel", thread.Channel, "reason", reasonOf(why), "remedy", remedy(why))
	return d.posted(ctx, run, thread.Channel, thread.TS, "", reasonOf(why))
}

func (d *Door) posted(ctx context.Context, run managers.SlackRun, channel, thread, ts, reason string) error {
	_, err := d.Dispatch(ctx, commands.RecordSlackPost{
		Meta: d.postMeta(run, events.NameID(run.StartedAt, "the post of "+run.Run)), Post: run.Run, Run: run.Run, Channel: channel, Thread: thread, TS: ts,
		Reason: clip(reason, 500),
	})
	if err != nil && d.Refused(err) {
		return nil // another process has told it
	}
	return err
}

// place is where a run is answered. The thread of what came without one is begun here, once.
func (d *Door) place(ctx context.Context, run managers.SlackRun) (channel, thread string, err error) {
	at, err := events.ParseSlackThread(run.Conversation)
	switch {
	case err != nil:
		return "", "", err
	case at.TS != "" || run.Thread != "":
		return cmp.Or(run.Channel, at.Channel), cmp.Or(at.TS, run.Thread), nil
	case at.Ask != run.Run:
		return d.begun(ctx, run.Workspace, run.Conversation)
	}
	row, err := d.run(ctx, run, false)
	if err != nil {
		return "", "", err
	}
	_, user := personOf(run.Requester)
	text, blocks := asked(user, row.Prompt)
	channel = at.Channel
	thread, err = d.post(ctx, run, channel, "", "asked", api.MsgOptionText(text, false), api.MsgOptionBlocks(blocks...))
	if why := troubleOf(err); why.here {
		// A command works in channels that the app is not in: who gave it is answered among the app's messages.
		channel, thread, err = d.turnTo(ctx, run, at.Channel, row.Prompt, why)
	}
	if err != nil {
		return "", "", err
	}
	_, err = d.Dispatch(ctx, commands.OpenSlackThread{
		Meta: d.postMeta(run, events.NameID(run.StartedAt, "the thread of "+run.Run)), Post: run.Run, Run: run.Run, Conversation: run.Conversation,
		Channel: channel, Thread: thread,
	})
	return channel, thread, err
}

// begun is where the thread of a conversation is that a message of the app's has begun.
func (d *Door) begun(ctx context.Context, workspace, conversation string) (channel, thread string, err error) {
	row, err := d.Threads(ctx, workspace, conversation)
	if err == nil && row.Thread == "" {
		err = errors.New("the thread has not begun yet")
	}
	return row.Channel, row.Thread, err
}

// postedEvent names the messages that are told apart by the post and the part that they are.
const postedEvent = "virtuous6_post"

// post posts a part of what a run comes to, once: what an earlier try posted is found.
func (d *Door) post(ctx context.Context, run managers.SlackRun, channel, thread, part string, options ...api.MsgOption) (ts string, err error) {
	if ts, err := d.earlier(ctx, run, channel, thread, part); err != nil || ts != "" {
		return ts, err
	}
	options = append(options, partOf(run.Run, part), api.MsgOptionDisableLinkUnfurl())
	if thread != "" {
		options = append(options, api.MsgOptionTS(thread))
	}
	err = d.limits.call(ctx, "chat.postMessage", channel, func(ctx context.Context) error {
		_, ts, err = d.API.PostMessageContext(ctx, channel, options...)
		return err
	})
	if err == nil {
		d.sent.keep(sentKey(run.Run, channel, part), ts)
	}
	return ts, err
}

// earlier is what an earlier try posted, empty where there was none.
func (d *Door) earlier(ctx context.Context, run managers.SlackRun, channel, thread, part string) (ts string, err error) {
	if ts, known := d.sent.of(sentKey(run.Run, channel, part)); known {
		return ts, nil
	}
	// A run of this process's own time has no earlier try but those that sent knows.
	if d.own(run.StartedAt) {
		return "", nil
	}
	return d.find(ctx, channel, thread, run, func(m api.Message) bool { return isPart(m, run.Run, part) })
}

// isPart tells that a message is marked as that part of a post.
func isPart(m api.Message, post, part string) bool {
	return m.Metadata.EventType == postedEvent && m.Metadata.EventPayload["post"] == post && m.Metadata.EventPayload["part"] == part
}

// answerPart names a part of an answer that is posted and not streamed.
func answerPart(i int) string { return fmt.Sprintf("answer %d", i) }

// partOf marks a message as a part of a post.
func partOf(post, part string) api.MsgOption {
	return api.MsgOptionMetadata(api.SlackMetadata{EventType: postedEvent, EventPayload: map[string]any{"post": post, "part": part}})
}

// stream is the message that an earlier process has begun to stream a run's answer into. It may have died before it could
// tell: then it is the message of ours in the thread that says of no post that it is a part of it, and that nobody adds to. Where
// it has posted the answer whole, that is the message: nothing is streamed beside it.
func (d *Door) stream(ctx context.Context, run managers.SlackRun, channel, thread string) (ts string, err error) {
	if run.Stream != "" || d.own(run.StartedAt) {
		return run.Stream, nil
	}
	me, err := d.self(ctx)
	if err != nil {
		return "", err
	}
	return d.find(ctx, channel, thread, run, func(m api.Message) bool {
		return isPart(m, run.Run, answerPart(0)) || m.BotID == me && m.Timestamp != thread && m.Metadata.EventType == "" && !d.streams.writing(m.Timestamp)
	})
}

// self is the bot that the app is.
func (d *Door) self(ctx context.Context) (bot string, err error) {
	d.mu.Lock()
	bot = d.bot
	d.mu.Unlock()
	if bot != "" {
		return bot, nil
	}
	err = d.limits.call(ctx, "auth.test", "", func(ctx context.Context) error {
		who, err := d.API.AuthTestContext(ctx)
		if err == nil {
			bot = who.BotID
		}
		return err
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bot = bot
	return bot, err
}

// find looks for a message that an earlier process posted. Where the app may not look, nothing is found, and said once.
func (d *Door) find(ctx context.Context, channel, thread string, run managers.SlackRun, is func(api.Message) bool) (string, error) {
	var messages []api.Message
	method := "conversations.history"
	if thread != "" {
		method = "conversations.replies"
	}
	if !d.able(method) {
		return "", nil
	}
	oldest := fmt.Sprintf("%d.000000", run.StartedAt.Unix()-1)
	err := d.limits.call(ctx, method, channel, func(ctx context.Context) error {
		if thread != "" {
			var err error
			messages, _, _, err = d.API.GetConversationRepliesContext(ctx, &api.GetConversationRepliesParameters{
				ChannelID: channel, Timestamp: thread, Oldest: oldest, Limit: 200, IncludeAllMetadata: true,
			})
			return err
		}
		found, err := d.API.GetConversationHistoryContext(ctx, &api.GetConversationHistoryParameters{
			ChannelID: channel, Oldest: oldest, Limit: 200, IncludeAllMetadata: true,
		})
		if err == nil {
			messages = found.Messages
		}
		return err
	})
	if err != nil {
		if d.learn(method, err) {
			err = nil
		}
		return "", err
	}
	for _, m := range messages {
		if is(m) {
			return m.Timestamp, nil
		}
	}
	return "", nil
}

// run is the row of a run with its whole texts, once the read models have it, and its end where that is asked for.
func (d *Door) run(ctx context.Context, run managers.SlackRun, whole bool) (projections.RunRow, error) {
	for {
		row, _, err := d.Reader.In(run.Workspace).Run(ctx, run.Run)
		switch {
		case err != nil && !errors.Is(err, projections.ErrNotFound):
			return row, err
		case err == nil && (!whole || row.Outcome != projections.Running):
			return row, d.Texts(ctx, &row)
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return row, err
		}
	}
}

// Answer posts what a run came to: the rest of what was streamed, or all of it.
func (d *Door) Answer(ctx context.Context, w managers.SlackAnswer) error {
	channel, thread, err := d.place(ctx, w.SlackRun)
	if err != nil {
		return err
	}
	row, err := d.run(ctx, w.SlackRun, true)
	if err != nil {
		return err
	}
	shown := d.streams.end(w.Run)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	say := func() (ts, reason string, err error) {
		if w.Phrases {
			return d.told(ctx, w.SlackRun, channel, thread, row)
		}
		return d.answer(ctx, w.SlackRun, channel, thread, row, shown)
	}
	at, in := channel, thread
	ts, reason, err := say()
	if why := troubleOf(err); why.here && channel[0] != 'D' {
		from, refused := channel, reasonOf(err)
		d.Log.Warn("an answer can't be posted where it was asked for: who asked is answered directly", "run", w.Run, "channel", channel, "reason", refused, "remedy", why.do)
		if channel, thread, err = d.turnTo(ctx, w.SlackRun, from, row.Prompt, why); err == nil {
			shown = &stream{reason: interrupted}
			ts, _, err = say()
		}
		reason = refused
	}
	var refused api.SlackErrorResponse
	switch {
	case errors.As(err, &refused):
		return d.undelivered(ctx, w.SlackRun, err)
	case err != nil:
		return err
	}
	d.status(ctx, at, in, "active")
	if err := d.posted(ctx, w.SlackRun, channel, thread, ts, reason); err != nil {
		return err
	}
	d.sent.forget(w.Run)
	return nil
}

// interrupted is why a stream is not gone on with that another process began.
const interrupted = "interrupted"

// answer brings a run's answer to where it belongs. reason tells why it was not streamed to its end.
func (d *Door) answer(ctx context.Context, run managers.SlackRun, channel, thread string, row projections.RunRow, shown *stream) (ts, reason string, err error) {
	says := ended(row)
	parts := fenced(says, maxMessage)
	last := len(parts) - 1
	if ts, known := d.sent.of(run.Run + "/stream"); known {
		return ts, "", nil
	}
	if shown == nil {
		shown = &stream{}
		if shown.ts, err = d.stream(ctx, run, channel, thread); err != nil {
			return "", "", err
		}
		if shown.ts != "" {
			shown.reason = interrupted
		}
	}
	reason = shown.reason
	if shown.ts != "" && reason == "" && last == 0 {
		if rest, ok := strings.CutPrefix(says, shown.text.String()[:shown.sent]); ok {
			err = d.finish(ctx, channel, shown.ts, rest, partOf(run.Run, "stream"), footer(row, ""))
			if err == nil {
				d.sent.keep(run.Run+"/stream", shown.ts)
				return shown.ts, "", nil
			}
			reason = reasonOf(err)
		}
	}
	note := ""
	if reason != "" && reason != interrupted && !strings.HasPrefix(reason, "longer") {
		note = "not streamed: " + reason
	}
	for i, part := range parts {
		blocks := []api.Block{api.NewMarkdownBlock("", harmless(part))}
		if i == last {
			blocks = append(blocks, footer(row, note)...)
		}
		text, name := api.MsgOptionText(clip(Mrkdwn(part), maxSection), false), answerPart(i)
		err = d.withBlocks(blocks, func(blocks api.MsgOption) error {
			if i == 0 && shown.ts != "" {
				if ts, err = d.replace(ctx, channel, shown.ts, []api.MsgOption{text, blocks, partOf(run.Run, name)}); err != nil || ts != "" {
					return err
				}
			}
			ts, err = d.post(ctx, run, channel, thread, name, text, blocks)
			return err
		})
		if err != nil {
			return "", "", err
		}
	}
	return ts, reason, nil
}

// finish ends a stream with the rest of its text and what stands under it.
func (d *Door) finish(ctx context.Context, channel, ts, rest string, mark api.MsgOption, under []api.Block) error {
	options := []api.MsgOption{mark}
	if rest != "" {
		options = append(options, api.MsgOptionMarkdownText(harmless(rest)))
	}
	return d.withBlocks(under, func(blocks api.MsgOption) error {
		return d.limits.call(ctx, "chat.stopStream", channel, func(ctx context.Context) error {
			_, _, err := d.API.StopStreamContext(ctx, channel, ts, append(options, blocks)...)
			return err
		})
	})
}

// replace puts what is right in the place of what a stream has shown. Without a message to replace it returns no time stamp.
func (d *Door) replace(ctx context.Context, channel, ts string, options []api.MsgOption) (string, error) {
	err := d.limits.call(ctx, "chat.stopStream", channel, func(ctx context.Context) error {
		_, _, err := d.API.StopStreamContext(ctx, channel, ts)
		return err
	})
	var refused api.SlackErrorResponse
	if err != nil && !errors.As(err, &refused) {
		return "", err
	}
	err = d.limits.call(ctx, "chat.update", channel, func(ctx context.Context) error {
		_, _, _, err := d.API.UpdateMessageContext(ctx, channel, ts, options...)
		return err
	})
	if errors.As(err, &refused) && !badBlocks(refused) {
		d.Log.Warn("a message could not be put right: it is posted anew", "channel", channel, "ts", ts, "error", refused.Err)
		return "", nil
	}
	return ts, err
}

// status tells the state of the thread's session, where the app has sessions.
func (d *Door) status(ctx context.Context, channel, thread, status string) {
	d.titled(ctx, channel, thread, status, "")
}

// title is what a session is called: what was asked first in its thread. Later runs leave it as it is, whoever called it so.
func (d *Door) title(ctx context.Context, run managers.SlackRun) (title string, err error) {
	if err := d.Reach(ctx); err != nil {
		return "", err
	}
	for row, err := range d.Reader.In(run.Workspace).Runs(ctx, projections.RunFilter{Conversation: run.Conversation, Limit: 2}) {
		if err != nil || row.Run != run.Run {
			return "", err
		}
		title = clip(oneLine(row.Prompt), maxTitle)
	}
	return title, nil
}

// maxTitle is how long a title may be, in characters.
const maxTitle = 200

// titled is status, and gives the session a title where there is one.
func (d *Door) titled(ctx context.Context, channel, thread, status, title string) {
	const method = "agents.sessions.setStatus"
	if thread == "" || !d.able(method) {
		return
	}
	err := d.limits.call(ctx, method, channel, func(ctx context.Context) error {
		_, err := d.API.SetAgentSessionStatusContext(ctx, api.AgentSessionSetStatusParameters{Status: status, ChannelID: channel, ThreadTS: thread, Title: title})
		return err
	})
	if err != nil && ctx.Err() == nil && !d.learn(method, err) {
		d.Log.Debug("the session has no status", "channel", channel, "thread", thread, "error", err)
	}
}
