package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// Summarizer is the agent that says in short what was said in a conversation, where somebody has made it. Without it that is an extract.
const Summarizer = "summarizer"

// What a run sees of its conversation, beside its bound in bytes. Where half of that is reached, or so many runs, the older ones are
// summarised until a quarter is left: what a model takes its time for is seen whole until then.
const (
	// maxEarlier bounds how many earlier runs are looked at that no summary stands for.
	maxEarlier  = 512
	summariseAt = 32
	// maxSummarised bounds what a summarizer is given of one message, in bytes.
	maxSummarised = 2 << 10
)

// spoken is an earlier run of a conversation, with what was said in it.
type spoken struct {
	run string
	// position is that of its first fact.
	position uint64
	// requester is who asked, by the log: whoever was erased has no name there.
	requester string
	said      []events.Message
	size      int
}

// earlier is what a run sees of its conversation: the latest runs whose messages fit into that, the oldest first, and how many of
// the conversation's summaries. Runs that began before it and have ended count.
func (t *turn) earlier(ctx context.Context, conversation string) (runs []string, summaries uint64, err error) {
	if err := replay.Reach(ctx, t.models, t.conversation.position); err != nil {
		return nil, 0, err
	}
	for {
		known, n, err := summariesOf(ctx, t.store, t.wish.Workspace, conversation, 0)
		if err != nil {
			return nil, 0, err
		}
		open, err := t.unsummarised(ctx, conversation, known)
		if err != nil {
			return nil, 0, err
		}
		more := false
		if older := t.older(open); older > 0 {
			if more, err = t.summarise(ctx, conversation, known, open[:older]); err != nil {
				return nil, 0, err
			}
		}
		if !more {
			return t.fitting(open), n, nil
		}
	}
}

// unsummarised are the earlier runs that no summary stands for, the oldest first.
func (t *turn) unsummarised(ctx context.Context, conversation string, known events.Summaries) (open []spoken, err error) {
	filter := projections.RunFilter{Conversation: conversation, Limit: maxEarlier}
	for row, err := range t.models.In(t.wish.Workspace).Runs(ctx, filter) {
		if err != nil {
			return nil, fmt.Errorf("read conversation %s: %w", conversation, err)
		}
		if row.FirstPosition >= t.conversation.position || row.FirstPosition <= known.Of(row.Requester).Last || row.Outcome == projections.Running {
			continue
		}
		s := spoken{run: row.Run, position: row.FirstPosition}
		if s.requester, s.said, err = t.said(ctx, s.run); err != nil {
			return nil, err
		}
		for _, m := range s.said {
			s.size += len(m.Content)
		}
		if s.position > known.Of(s.requester).Last {
			open = append(open, s)
		}
	}
	slices.Reverse(open)
	return open, nil
}

// older counts the runs that are to be summarised. The last one never is: it is what the next one is about.
func (t *turn) older(open []spoken) (n int) {
	sum := 0
	for _, s := range open {
		sum += s.size
	}
	if sum <= t.earlierBytes/2 && len(open) <= summariseAt {
		return 0
	}
	for ; n < len(open)-1 && (sum > t.earlierBytes/4 || len(open)-n > summariseAt/2); n++ {
		sum -= open[n].size
	}
	return n
}

// fitting are the latest runs that fit into what a run may see.
func (t *turn) fitting(open []spoken) []string {
	left, from := t.earlierBytes, len(open)
	for ; from > 0; from-- {
		if left -= open[from-1].size; left < 0 {
			break
		}
	}
	var runs []string
	for _, s := range open[from:] {
		runs = append(runs, s.run)
	}
	return runs
}

// summarise has older runs summarised, those of each person by themselves: with that person the text is erased. more tells that there
// are more summaries by now.
func (t *turn) summarise(ctx context.Context, conversation string, known events.Summaries, older []spoken) (more bool, err error) {
	var people []string
	of := map[string][]spoken{}
	for _, s := range older {
		if of[s.requester] == nil {
			people = append(people, s.requester)
		}
		of[s.requester] = append(of[s.requester], s)
	}
	// All that the summaries hold together is a quarter of what a run may see.
	limit := t.earlierBytes / 4 / max(len(people), len(known))
	for _, person := range people {
		fact, err := t.summary(ctx, conversation, known.Of(person), of[person], limit)
		if err != nil {
			return false, err
		}
		if fact == nil {
			continue // a model is at it
		}
		record := commands.SummariseConversation{Meta: t.meta(0, t.clock()), Fact: *fact}
		record.ID = t.nameID(fmt.Sprintf("summary from %d", fact.First))
		switch _, err := t.dispatch(ctx, record); {
		case errors.Is(err, aggregates.ErrExists): // another run of the conversation was quicker
		case err != nil:
			return false, err
		}
		more = true
	}
	return more, nil
}

// summary is in short what a person's older runs hold, together with what was summarised before. It is nil where a model thinks about it.
func (t *turn) summary(ctx context.Context, conversation string, before events.ConversationSummarised, older []spoken, limit int) (*events.ConversationSummarised, error) {
	fact := events.ConversationSummarised{
		Conversation: conversation, Requester: older[0].requester, Maker: events.SummaryByExtract,
		First: older[0].position, Last: older[len(older)-1].position, Messages: before.Messages,
	}
	earlier := before.Text
	if earlier == events.Erased {
		earlier = ""
	}
	var said []events.Message
	for _, s := range older {
		fact.Runs = append(fact.Runs, s.run)
		said = append(said, s.said...)
	}
	fact.Messages += len(said)
	said = slices.DeleteFunc(said, func(m events.Message) bool { return m.Content == events.Erased })
	if len(said) > 0 {
		asked, thinks, err := t.summarizer(ctx, fact, earlier, said, limit)
		if thinks || err != nil || asked != nil {
			return asked, err
		}
	}
	fact.Messages = max(fact.Messages, 1)
	fact.Text = cmp.Or(extract(earlier, said, limit), events.Erased)
	return &fact, nil
}

// summarizer has a model say it, in a run of its own which is that person's, like what it is about. thinks tells that the run has not
// ended. Where nobody can be asked, or nothing came of it, there is no summary.
func (t *turn) summarizer(ctx context.Context, fact events.ConversationSummarised, earlier string, said []events.Message, limit int) (made *events.ConversationSummarised, thinks bool, err error) {
	run := commands.SummaryRun(fact.Conversation, fact.First)
	for e, err := range t.store.ReadStream(ctx, commands.RunStream(t.wish.Workspace, run), eventstore.StreamOptions{}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			break
		}
		var f events.Event
		if err == nil {
			f, err = events.Decode(e)
		}
		if err != nil {
			return nil, false, fmt.Errorf("load run %s: %w", run, err)
		}
		thinks = true
		switch f := f.(type) {
		case events.RunStarted:
			made = f.Summarises
		case events.RunFinished:
			if made == nil || strings.TrimSpace(f.Answer) == "" {
				return nil, false, nil
			}
			made.Text = clipped(f.Answer, limit)
			return made, false, nil
		case events.RunFailed, events.RunCancelled:
			return nil, false, nil
		}
	}
	if thinks {
		return nil, true, nil
	}
	agent, _, err := t.agents.Agent(ctx, t.wish.Workspace, Summarizer)
	if err != nil || !agent.Live || agent.Retired {
		return nil, false, err
	}
	fact.Maker, fact.Run = events.SummaryByModel, run
	start := commands.StartRun{
		Meta: t.meta(0, t.clock()), Run: run, Workflow: "summary", Requester: fact.Requester, Agent: Summarizer, Conversation: run, Summarises: &fact,
		Prompt: summaryPrompt(earlier, said, limit),
	}
	start.ID, start.Correlation = events.NameID(time.Unix(t.wish.ID.Time().UnixTime()), "start of "+run), run
	if _, err := t.dispatch(ctx, start); err != nil && !errors.Is(err, aggregates.ErrExists) {
		return nil, false, err
	}
	return nil, true, nil
}

// summaryPrompt asks for a summary.
func summaryPrompt(earlier string, said []events.Message, limit int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Say in at most %d words what was said in this conversation: what was asked, what was answered, decided or promised, and names, numbers and "+
		"dates that matter later. Leave out what is no longer so. Answer with the summary and nothing else.\n", max(limit/8, 20))
	if earlier != "" {
		fmt.Fprintf(&b, "\nWhat was said before, in short:\n%s\n", earlier)
	}
	for _, m := range said {
		fmt.Fprintf(&b, "\n%s:\n%s\n", m.Role, clipped(m.Content, maxSummarised))
	}
	return b.String()
}

// summariesOf are the first summaries of a conversation, or all where n is 0, and how many those are.
func summariesOf(ctx context.Context, store eventstore.Store, workspace, conversation string, n uint64) (known events.Summaries, count uint64, err error) {
	stream := commands.ConversationStream(workspace, conversation)
	for e, err := range store.ReadStream(ctx, stream, eventstore.StreamOptions{Limit: int(n)}) { //nolint:gosec // a count of facts
		if errors.Is(err, eventstore.ErrNoStream) {
			break
		}
		var fact events.Event
		if err == nil {
			fact, err = events.Decode(e)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("load %s: %w", stream, err)
		}
		if f, is := fact.(events.ConversationSummarised); is {
			known = known.With(f)
		}
		count++
	}
	return known, count, nil
}
