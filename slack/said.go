package slack

import (
	"fmt"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
)

// saidReply is an answer from the read models, each line with what it rests on.
func saidReply(s answers.Said) *Reply {
	text, blocks := s.Title, []api.Block{header(s.Title)}
	if s.None != "" {
		return &Reply{Text: text + ": " + s.None, Blocks: append(blocks, section(Mrkdwn(s.None)))}
	}
	for _, line := range s.Lines {
		text += "\n" + line.Text
		blocks = append(blocks, section(Mrkdwn(clip(line.Text, 2000))))
		if rests := restsOn(line); rests != "" {
			blocks = append(blocks, small(rests))
		}
	}
	return &Reply{Text: clip(text, maxSection), Blocks: append(blocks, small("From the record alone, no model was asked."))}
}

// maxPositions bounds how many log positions a line names.
const maxPositions = 5

// restsOn names what a line rests on, so that it can be looked up.
func restsOn(line answers.Line) string {
	var parts []string
	if len(line.Positions) > 0 {
		positions := line.Positions[:min(len(line.Positions), maxPositions)]
		parts = append(parts, "log positions "+strings.Trim(strings.ReplaceAll(fmt.Sprint(positions), " ", ", "), "[]"))
	}
	if len(line.Runs) > 0 {
		parts = append(parts, "runs `"+inert(clip(strings.Join(line.Runs, "`, `"), 300))+"`")
	}
	if line.Improvement != "" {
		parts = append(parts, "proposal `"+inert(clip(line.Improvement, 100))+"`")
	}
	return strings.Join(parts, "  ·  ")
}
