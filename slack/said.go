package slack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/google/uuid"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// fromRecord is under an answer from the read models.
const fromRecord = "From the record alone, no model was asked."

// saidReply is an answer from the read models, each line with what it rests on.
func saidReply(s answers.Said) *Reply { return saidWith(s, small(fromRecord)) }

// saidWith is one with something under it.
func saidWith(s answers.Said, under ...api.Block) *Reply {
	text, blocks := s.Title, []api.Block{header(s.Title)}
	if s.None != "" {
		return &Reply{Text: text + ": " + s.None, Blocks: append(blocks, section(Mrkdwn(s.None)))}
	}
	for _, line := range s.Lines {
		text += "\n" + strings.ReplaceAll(line.Text, "**", "")
		blocks = append(blocks, section(Mrkdwn(clip(line.Text, 2000))))
		if rests := restsOn(line); rests != "" {
			blocks = append(blocks, small(rests))
		}
	}
	return &Reply{Text: clip(text, maxSection), Blocks: append(blocks, under...)}
}

// wordedReply is one that a model was asked for words for, in a run. untaken is why its words were not taken, empty where they are.
func wordedReply(s answers.Said, run projections.RunRow, untaken string) *Reply {
	says := "Of the record, in the words of a model."
	if untaken != "" {
		says = "Of the record, in its own words: those of the model were not taken, " + inert(clip(oneLine(untaken), 200)) + "."
	}
	return saidWith(s, judgeBlock(run.Run), small(says+"  ·  "+took(run, "")))
}

// askRecordWithin is how long the record may take to say what a model is to find words for. What takes longer is answered after the
// delivery was acknowledged, by the record.
const askRecordWithin = 700 * time.Millisecond

// worded is what is wanted of a question to the record: a model's words, where one is configured and there is something to say in a place
// that an answer can be posted into.
func (d *Door) worded(ctx context.Context, r Request, asked time.Time) Wish {
	know, is := r.Wish.(Know)
	if !is || d.Phrase == nil || r.Home || r.Channel == "" {
		return r.Wish
	}
	ctx, stop := context.WithTimeout(ctx, askRecordWithin)
	defer stop()
	said, err := answers.Answer(ctx, d.Reader, know.Question)
	if err != nil {
		return r.Wish
	}
	if says := answers.Phrasing(asked, time.Time{}, said); says != nil {
		return Word{Know: know, Says: *says}
	}
	return r.Wish
}

// word starts the run in which a model finds words. Its answer is posted once it has ended, into the thread that it was asked in.
func (d *Door) word(ctx context.Context, r Request, id uuid.UUID, w Word) (done, error) {
	run := id.String()
	conversation, _, err := d.conversation(ctx, r, run)
	if err != nil {
		return done{}, err
	}
	receipt, err := d.Phrase(ctx, commands.StartRun{Meta: d.meta(r, id, 0, run), Run: run, Prompt: sound(w.Text), Phrases: &w.Says, Requester: r.person(), Conversation: conversation})
	return done{outcome: events.SlackStarted, run: run, repeated: receipt.Repeated}, err
}

// told posts the answer that comes of a run which was to find words: with those, or with the record's own. reason tells why.
func (d *Door) told(ctx context.Context, run managers.SlackRun, channel, thread string, row projections.RunRow) (ts, reason string, err error) {
	says, err := d.Phrasing(ctx, run.Workspace, run.Run)
	if err != nil {
		return "", "", err
	}
	said, untaken, err := answers.Told(ctx, d.Reader.In(run.Workspace), row.Prompt, says, row.Answer)
	if err != nil {
		return "", "", err
	}
	if row.Outcome != events.Succeeded && row.Error != "" {
		untaken = row.Error
	}
	reply := wordedReply(said, row, untaken)
	if untaken != "" {
		reason = "not worded: " + untaken
	}
	err = d.withBlocks(reply.Blocks, func(blocks api.MsgOption) error {
		ts, err = d.post(ctx, run, channel, thread, answerPart(0), api.MsgOptionText(inert(reply.Text), false), blocks)
		return err
	})
	return ts, reason, err
}

// maxPositions bounds how many log positions a line names.
const maxPositions = 5

// restsOn names what a line rests on, so that it can be looked up.
func restsOn(line answers.Line) string {
	var parts []string
	if len(line.Positions) > 0 {
		positions := line.Positions[:min(len(line.Positions), maxPositions)]
		parts = append(parts, english.PluralWord(len(positions), "log position", "")+" "+strings.Trim(strings.ReplaceAll(fmt.Sprint(positions), " ", ", "), "[]"))
	}
	if len(line.Runs) > 0 {
		parts = append(parts, english.PluralWord(len(line.Runs), "run", "")+" `"+inert(clip(strings.Join(line.Runs, "`, `"), 300))+"`")
	}
	if line.Improvement != "" {
		parts = append(parts, "proposal `"+inert(clip(line.Improvement, 100))+"`")
	}
	return strings.Join(parts, "  ·  ")
}
