package slack

import (
	"cmp"
	"fmt"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/projections"
)

// homeView is the App Home: today's figures, and beside what is wanted of them; what was learned; what waits for a decision; the
// person's runs, and what was saved.
func homeView(today answers.Figures, checks []answers.Check, learned answers.Said, mine []projections.RunRow, runbooks []projections.RunbookRow, waiting [][]api.Block) api.HomeTabViewRequest {
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
	blocks = append(blocks, api.NewDividerBlock(), header("What you asked lately"))
	var lines []string
	for _, row := range mine {
		lines = append(lines, runLine(row))
	}
	if len(lines) == 0 {
		lines = []string{"Nothing yet: write to me under Messages, or mention me in a channel."}
	}
	blocks = append(blocks, section(strings.Join(lines, "\n")), api.NewDividerBlock(), header("Saved workflows"))
	lines = nil
	for _, row := range runbooks[:min(len(runbooks), 10)] {
		lines = append(lines, fmt.Sprintf("• *%s*, version %d, %s", strings.ReplaceAll(inert(clip(oneLine(row.Runbook), 80)), "*", ""), row.Version, countSteps(len(row.Steps))))
	}
	if len(lines) == 0 {
		lines = []string{"None yet: `/save-workflow NAME` keeps the steps of your last run."}
	}
	blocks = append(blocks, section(strings.Join(lines, "\n")))
	return api.HomeTabViewRequest{Type: api.VTHomeTab, Blocks: api.Blocks{BlockSet: blocks}}
}
