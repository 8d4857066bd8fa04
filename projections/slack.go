package projections

import (
	"context"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// SlackThreadRow is a row of slack_threads: a conversation in Slack, by its own name and by that of its thread. Its runs are
// those of RunFilter.Conversation.
type SlackThreadRow struct {
	// Key is the conversation, or SlackThreadKey of its channel and thread.
	Key          string `db:"key,pk"`
	Workspace    string `db:"workspace,pk"`
	Conversation string `db:"conversation"`
	Team         string `db:"team"`
	Channel      string `db:"channel"`
	// Thread is the time stamp of the first message, empty where that is not known yet.
	Thread   string `db:"thread"`
	Position uint64 `db:"position"`
}

// SlackThreadKey names a thread by what Slack tells of it.
func SlackThreadKey(channel, thread string) string { return channel + "/" + thread }

var slackThreadTable = readmodel.NewTable("slack_threads", readmodel.TableOf[named, SlackThreadRow]{
	Key: func(r *SlackThreadRow) named { return named{r.Key, r.Workspace} },
	Fresh: func(k named, r *SlackThreadRow) {
		r.Key, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace)
	},
	Row: []readmodel.ColumnOf[SlackThreadRow]{
		readmodel.Key(readmodel.String("key", func(r *SlackThreadRow) *string { return &r.Key })),
		workspaceKey(func(r *SlackThreadRow) *string { return &r.Workspace }),
		readmodel.String("conversation", func(r *SlackThreadRow) *string { return &r.Conversation }),
		readmodel.Symbol("team", func(r *SlackThreadRow) *string { return &r.Team }),
		readmodel.Symbol("channel", func(r *SlackThreadRow) *string { return &r.Channel }),
		readmodel.String("thread", func(r *SlackThreadRow) *string { return &r.Thread }),
		readmodel.Int("position", func(r *SlackThreadRow) *uint64 { return &r.Position }),
	},
})

// slackThreads keeps which conversation a thread in Slack is.
var slackThreads = readmodel.Projection{
	Name: "slack_threads", Version: 4, Tables: []readmodel.AnyTable{slackThreadTable},
	Bind: bindSlackThreads,
}

func bindSlackThreads(w *readmodel.WorkingSet) readmodel.Fold {
	threads := slackThreadTable.In(w)
	return func(f *readmodel.Fact) error {
		switch e := f.Event.(type) {
		case events.RunStarted:
			if e.Source == nil {
				return talk(threads, e.Conversation, f)
			}
		case events.GoalCreated:
			return talk(threads, e.Conversation, f)
		case events.SlackThreadOpened:
			thread, err := events.ParseSlackThread(e.Conversation)
			if err != nil {
				return readmodel.Damaged("%q is no thread in Slack", e.Conversation)
			}
			thread.TS, thread.Channel = e.Thread, e.Channel // who may not be answered where they asked is answered directly
			r, err := threads.Row(named{e.Conversation, f.Workspace})
			if err != nil {
				return err
			}
			r.begin(e.Conversation, thread, f.Envelope.Position)
			return alias(threads, e.Conversation, thread, f)
		}
		return nil
	}
}

// talk keeps a conversation that is one in Slack.
func talk(threads *readmodel.Cache[named, SlackThreadRow], conversation string, f *readmodel.Fact) error {
	thread, err := events.ParseSlackThread(conversation)
	if err != nil {
		return nil //nolint:nilerr // it is none in Slack
	}
	r, err := threads.Row(named{conversation, f.Workspace})
	if err != nil || r.Channel != "" {
		return err
	}
	r.begin(conversation, thread, f.Envelope.Position)
	if thread.TS == "" {
		return nil
	}
	return alias(threads, conversation, thread, f)
}

func (r *SlackThreadRow) begin(conversation string, thread events.SlackThread, position uint64) {
	r.Conversation, r.Team, r.Channel, r.Thread, r.Position = conversation, thread.Team, thread.Channel, thread.TS, position
}

// alias lets a thread be found by its channel and time stamp. What was there first stays: a thread is one conversation.
func alias(threads *readmodel.Cache[named, SlackThreadRow], conversation string, thread events.SlackThread, f *readmodel.Fact) error {
	r, err := threads.Row(named{SlackThreadKey(thread.Channel, thread.TS), f.Workspace})
	if err == nil && r.Conversation == "" {
		r.begin(conversation, thread, f.Envelope.Position)
	}
	return err
}

// SlackThread is a row of a workspace's slack_threads by its key. It returns ErrNotFound where there is none.
func (m *Models) SlackThread(ctx context.Context, workspace, key string) (SlackThreadRow, error) {
	var found *SlackThreadRow
	var err error
	for row, failed := range readmodel.Rows(ctx, m.Models.View, slackThreadTable, readmodel.Query{Where: (&reader{workspace: workspace}).where(readmodel.Only("key", key))}) {
		found, err = &row, failed
	}
	if err == nil && found == nil {
		err = ErrNotFound
	}
	if err != nil {
		return SlackThreadRow{}, fmt.Errorf("read thread %s: %w", key, err)
	}
	return *found, nil
}
