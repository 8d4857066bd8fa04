package slack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/projections"
)

// homeView is the App Home: today's figures, and beside what is wanted of them; what was learned; what waits for a decision; the
// person's runs, and what was saved.
func homeView(today answers.Figures, checks []answers.Check, learned answers.Said, mine []projections.RunRow, runbooks []projections.RunbookRow, waiting [][]api.Block, loop []api.Block) api.HomeTabViewRequest {
	blocks := metricsReply(today).Blocks
	if len(checks) > 0 {
		blocks = append(blocks, section("*Today against the targets*\n"+checkLines(checks)))
	}
	blocks = append(blocks, api.NewDividerBlock(), header("What I learned"))
	if lines := saidLines(learned.Lines); len(lines) > 0 {
		blocks = append(blocks, section(strings.Join(lines[:min(len(lines), maxLines)], "\n")), small("“Why did you change the deploy agent?” and “What patterns did you find?” tell more, with what it rests on."))
	} else {
		blocks = append(blocks, section(Mrkdwn(cmp.Or(clip(learned.None, 2000), "Nothing yet."))))
	}
	blocks = append(blocks, api.NewDividerBlock(), header("What waits for a decision"))
	if len(waiting) == 0 {
		blocks = append(blocks, section("Nothing at the moment."))
	}
	for i, shown := range waiting {
		if i == homeProposals || len(blocks)+len(shown) > homeBlocks {
			blocks = append(blocks, small(fmt.Sprintf("and %d more", len(waiting)-i)))
			break
		}
		blocks = append(blocks, shown...)
	}
	blocks = append(blocks, loop...)
	blocks = append(blocks, api.NewDividerBlock(), header("What you asked lately"))
	var lines []string
	for _, row := range mine {
		lines = append(lines, runLine(row))
	}
	if len(lines) == 0 {
		lines = []string{"Nothing yet: write to me under Messages, or mention me in a channel."}
	}
	blocks = append(blocks, section(strings.Join(lines, "\n")), api.NewDividerBlock(), header("Saved workflows"))
	for _, row := range runbooks[:min(len(runbooks), homeRunbooks)] {
		blocks = append(blocks, runbookBlock(row))
	}
	if len(runbooks) == 0 {
		blocks = append(blocks, section("None yet: `/save-workflow NAME` keeps the steps of your last run."))
	}
	if left := len(runbooks) - homeRunbooks; left > 0 {
		blocks = append(blocks, small(fmt.Sprintf("and %d more: the shortcut “Run a workflow” of a message lists them", left)))
	}
	return api.HomeTabViewRequest{Type: api.VTHomeTab, Blocks: api.Blocks{BlockSet: blocks}}
}

// runbookBlock is a saved workflow with what runs it.
func runbookBlock(row projections.RunbookRow) api.Block {
	text := fmt.Sprintf("*%s*, version %d, %s", strings.ReplaceAll(inert(clip(oneLine(row.Runbook), 80)), "*", ""), row.Version, english.Plural(len(row.Steps), "step", ""))
	where, err := json.Marshal(origin{Runbook: row.Runbook})
	if err != nil || len(where) > 2000 { // what a button may carry
		return section(text)
	}
	return api.NewSectionBlock(marked(text), nil, api.NewAccessory(button(slotsAction, string(where), "Run")))
}
