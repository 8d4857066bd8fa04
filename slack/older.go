package slack

import (
	"errors"
	"strings"

	api "github.com/slack-go/slack"
)

// newerBlocks stands, among the methods that the app may not use, for the blocks that older workspaces don't know.
const newerBlocks = "blocks: plan, markdown, feedback"

// withBlocks sends a message with its blocks. Where Slack refuses those it is sent with ordinary ones, and where it says that it
// does not know their types, all later ones too.
func (d *Door) withBlocks(blocks []api.Block, send func(api.MsgOption) error) error {
	plain := ordinary(blocks)
	if len(plain) == 0 {
		return send(api.MsgOptionBlocks(blocks...))
	}
	if d.able(newerBlocks) {
		err := send(api.MsgOptionBlocks(blocks...))
		var refused api.SlackErrorResponse
		if !errors.As(err, &refused) || !badBlocks(refused) {
			return err
		}
		if strings.Contains(strings.Join(refused.ResponseMetadata.Messages, " "), "unsupported type") {
			d.without(newerBlocks, "This workspace does not know Slack's newer blocks: messages have ordinary ones", refused.Err)
		}
	}
	return send(api.MsgOptionBlocks(plain...))
}

// badBlocks tells that a message was refused for its blocks.
func badBlocks(refused api.SlackErrorResponse) bool {
	return strings.HasPrefix(refused.Err, "invalid_blocks")
}

// ordinary says with the blocks that every workspace knows what newer ones say. It is nil where there are none of those.
func ordinary(blocks []api.Block) (plain []api.Block) {
	newer := false
	for _, block := range blocks {
		switch b := block.(type) {
		case *api.PlanBlock:
			newer = true
			for _, part := range pieces(planText(b), maxSection) {
				plain = append(plain, section(part))
			}
		case *api.MarkdownBlock:
			newer = true
			for _, part := range fenced(Mrkdwn(b.Text), maxSection-fenceRoom) {
				plain = append(plain, section(part))
			}
		case *api.ContextActionsBlock:
			newer = true
			plain = append(plain, tapped(b)...)
		default:
			plain = append(plain, block)
		}
	}
	if !newer {
		return nil
	}
	return plain
}

// planText is a plan as lines, one a task.
func planText(plan *api.PlanBlock) string {
	lines := []string{"*" + strings.ReplaceAll(inert(plan.Title), "*", "") + "*"}
	for _, t := range plan.Tasks {
		mark := map[api.TaskCardStatus]string{
			api.TaskCardStatusComplete: ":white_check_mark:", api.TaskCardStatusInProgress: ":hourglass_flowing_sand:", api.TaskCardStatusError: ":x:",
		}[t.Status]
		if mark == "" {
			mark = ":white_circle:"
		}
		line := mark + " " + inert(t.Title)
		if t.Details != nil {
			for _, e := range t.Details.Elements {
				if s, ok := e.(*api.RichTextSection); ok {
					for _, e := range s.Elements {
						if text, ok := e.(*api.RichTextSectionTextElement); ok {
							line += "  _" + strings.ReplaceAll(inert(text.Text), "_", " ") + "_"
						}
					}
				}
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// tapped are buttons that do what those for feedback do.
func tapped(b *api.ContextActionsBlock) []api.Block {
	var blocks []api.Block
	for _, e := range b.Elements.ElementSet {
		if f, ok := e.(*api.FeedbackButtonsBlockElement); ok {
			blocks = append(blocks, api.NewActionBlock(b.BlockID,
				button(f.ActionID+"_good", f.PositiveButton.Value, f.PositiveButton.Text.Text), button(f.ActionID+"_bad", f.NegativeButton.Value, f.NegativeButton.Text.Text)))
		}
	}
	return blocks
}
