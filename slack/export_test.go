package slack

import (
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// What the messages look like, for their golden files.

func AnswerBlocks(row projections.RunRow) []api.Block {
	return append([]api.Block{api.NewMarkdownBlock("", harmless(ended(row)))}, footer(row, "")...)
}
func MetricsReply(f answers.Figures) *Reply { return metricsReply(f) }
func SaidReply(s answers.Said) *Reply       { return saidReply(s) }
func WordedReply(s answers.Said, run projections.RunRow, untaken string) *Reply {
	return wordedReply(s, run, untaken)
}
func HelpReply() *Reply                                   { return helpReply() }
func BadReply(run string) *Reply                          { return badReply(run) }
func EvidenceReply(row projections.ImprovementRow) *Reply { return evidenceReply(row) }
func ProposalBlocks(row projections.ImprovementRow, now projections.AgentRow) []api.Block {
	return proposalBlocks(row, now)
}
func ApprovalBlocks(row projections.ApprovalRow, prompt string) []api.Block {
	return approvalBlocks(row, prompt)
}
func ExperimentBlocks(row projections.ExperimentRow) []api.Block { return experimentBlocks(row) }
func BudgetBlocks(row projections.BudgetRow, w managers.SlackCard) []api.Block {
	_, blocks := budgetBlocks(row, "2026-11-28", managers.SlackBudget{SlackCard: w})
	return blocks
}
func AlertBlocks(w managers.SlackAlert) []api.Block {
	_, blocks := alertBlocks(w)
	return blocks
}
func MarkBlocks(w managers.SlackAlert, row projections.BudgetRow) []api.Block {
	_, blocks := markBlocks(w, row)
	return blocks
}
func MilestoneBlocks(m answers.Milestone) []api.Block {
	_, blocks := milestoneBlocks(m)
	return blocks
}
func ReviewedBlocks(row projections.ReviewRow, prompt, answer string) []api.Block {
	_, blocks := reviewedBlocks(row, prompt, answer)
	return blocks
}
func ReviewView(metadata string, j events.Judgement) api.ModalViewRequest {
	return reviewView(metadata, j)
}
func LimitView(metadata string, was events.Nanos) api.ModalViewRequest {
	return limitView(metadata, was)
}
func PauseView(metadata string) api.ModalViewRequest { return pauseView(metadata) }
func WorkflowView(metadata string, rows []projections.RunbookRow) api.ModalViewRequest {
	return workflowView(metadata, rows)
}
func LoopBlocks(loop projections.LoopRow, decides bool) []api.Block { return loopBlocks(loop, decides) }
func WrongView(metadata, prompt string) api.ModalViewRequest        { return wrongView(metadata, prompt) }
func GoalBlocks(row projections.GoalRow, results string, now time.Time) []api.Block {
	return goalBlocks(row, results, now)
}
func ReviewBlocks(r answers.Review) []api.Block {
	_, blocks := reviewBlocks(r)
	return blocks
}
func LaunchReply(runbook string, slots []string) *Reply {
	return launchReply(runbook, slots, `{"runbook":"r"}`)
}
func SlotsView(runbook string, slots []string) api.ModalViewRequest {
	return slotsView("{}", runbook, slots)
}
func Digest(row projections.ImprovementRow) string { return digest(row) }
func ExpiredBlocks(blocks []api.Block) []api.Block { return expiredBlocks(blocks) }
func Elsewhere(channel, prompt, refused string) []api.Block {
	_, blocks := elsewhere(channel, prompt, troubles[refused])
	return blocks
}
func BetterView(metadata, prompt string) api.ModalViewRequest { return betterView(metadata, prompt) }
func Asked(user, prompt string) []api.Block {
	_, blocks := asked(user, prompt)
	return blocks
}
func HomeView(today answers.Figures, checks []answers.Check, learned answers.Said, mine []projections.RunRow, runbooks []projections.RunbookRow, waiting [][]api.Block, loop []api.Block) api.HomeTabViewRequest {
	return homeView(today, checks, learned, mine, runbooks, waiting, loop)
}
func Line(values []int64, most int64) string  { return line(values, most) }
func Fenced(markdown string) []string         { return fenced(markdown, maxMessage) }
func Ordinary(blocks []api.Block) []api.Block { return ordinary(blocks) }
