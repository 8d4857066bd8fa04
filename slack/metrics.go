package slack

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

var spanNames = map[answers.Span]string{
	answers.All: "all runs", answers.Today: "today", answers.Week: "the last 7 days", answers.ByAgent: "by agent", answers.ByWorkflow: "by workflow",
}

var healthMarks = map[answers.Health]string{
	answers.Good: ":large_green_circle: good", answers.Fair: ":large_yellow_circle: fair", answers.Poor: ":red_circle: poor", answers.Unknown: ":white_circle: not known yet",
}

// metricsReply is what /metrics shows.
func metricsReply(f answers.Figures) *Reply {
	title := "How runs go: " + spanNames[f.Span]
	if f.Runs == 0 {
		text := title + ": there are none yet. Ask me something, or import a history with `virtuous6 import`."
		return &Reply{Text: text, Blocks: []api.Block{header(title), section("There are no runs yet. Ask me something, or import a history with `virtuous6 import`.")}}
	}
	fields := []*api.TextBlockObject{
		field("Health", healthMarks[f.Health]),
		field("Success", rate(f.Group)),
		field("Runs", counts(f.Group)),
		field("Cost", cost(f.Group)),
		field("Errors", share(f.Failed, f.Rated())),
		field("Time", times(f.Group)),
		field("Satisfaction", satisfaction(f)),
	}
	blocks := []api.Block{header(title), api.NewSectionBlock(nil, fields, nil)}
	if len(f.Groups) > 0 {
		blocks = append(blocks, section(groups(f)))
	}
	blocks = append(blocks, section(trend(f.Trend)))
	if len(f.Patterns) > 0 {
		blocks = append(blocks, section(patterns(f.Patterns)))
	}
	said := fmt.Sprintf("%s: %s, success %s, cost %s", title, f.Health, rate(f.Group), cost(f.Group))
	return &Reply{Text: said, Blocks: append(blocks, small("Days are UTC. What has no price is unknown, not free. An agent's time is that of its steps. `/metrics today|week|agent|workflow`"))}
}

func field(name, value string) *api.TextBlockObject {
	return api.NewTextBlockObject(api.MarkdownType, clip("*"+name+"*\n"+value, 2000), false, true)
}

func rate(g answers.Group) string {
	if g.Rated() == 0 {
		return "not known yet"
	}
	return share(g.Succeeded, g.Rated())
}

// share is a part of a whole, as both counts tell it.
func share(part, whole int64) string {
	if whole == 0 {
		return "none of 0"
	}
	permille := (1000*part + whole/2) / whole
	return fmt.Sprintf("%d.%d %% (%d of %d)", permille/10, permille%10, part, whole)
}

func counts(g answers.Group) string {
	parts := []string{strconv.FormatInt(g.Runs, 10)}
	if g.Running > 0 {
		parts = append(parts, fmt.Sprintf("%d under way", g.Running))
	}
	if g.Cancelled > 0 {
		parts = append(parts, fmt.Sprintf("%d stopped", g.Cancelled))
	}
	return strings.Join(parts, ", ")
}

func cost(g answers.Group) string {
	total := spent(g.Cost)
	if g.Runs > 0 && g.Whole() {
		total += " (" + dollars(g.CostNanos/events.Nanos(g.Runs)) + " a run)"
	}
	return total
}

func times(g answers.Group) string {
	if g.P50 == nil || g.P95 == nil {
		return "time not known"
	}
	return fmt.Sprintf("half within %s, 95 %% within %s", seconds(*g.P50), seconds(*g.P95))
}

func satisfaction(f answers.Figures) string {
	if f.Judged == 0 {
		return "nobody has said yet"
	}
	return share(f.Liked, f.Judged) + " liked"
}

func groups(f answers.Figures) string {
	var b strings.Builder
	for _, g := range f.Groups {
		fmt.Fprintf(&b, "• *%s*: %s runs, success %s, %s, %s\n", strings.ReplaceAll(inert(clip(oneLine(g.Name), 80)), "*", ""), counts(g), rate(g), spent(g.Cost), times(g))
	}
	if f.Left > 0 {
		fmt.Fprintf(&b, "and %d more\n", f.Left)
	}
	return strings.TrimRight(b.String(), "\n")
}

// bars are the heights of a line of text, the lowest first.
var bars = []rune("▁▂▃▄▅▆▇█")

// line draws numbers as a line of text, up to the greatest of them.
func line(values []int64, most int64) string {
	var b strings.Builder
	for _, v := range values {
		switch {
		case most == 0 || v < 0:
			b.WriteRune('·')
		default:
			b.WriteRune(bars[int(float64(v)/float64(most)*float64(len(bars)-1))])
		}
	}
	return b.String()
}

// trend is a small picture of the last days: how many runs there were, and how many of the rated ones succeeded.
func trend(days []answers.Day) string {
	runs, good, spent := make([]int64, len(days)), make([]int64, len(days)), make([]int64, len(days))
	var most, dear int64
	for i, d := range days {
		runs[i], good[i], spent[i] = d.Runs, -1, int64(d.CostNanos)
		if rated := d.Succeeded + d.Failed; rated > 0 {
			good[i] = 1000 * d.Succeeded / rated
		}
		most, dear = max(most, d.Runs), max(dear, int64(d.CostNanos))
	}
	first, last := days[0].Day, days[len(days)-1].Day
	return fmt.Sprintf("*%s to %s*\n```runs     %s  most %d\nsuccess  %s  top is 100 %%\ncost     %s  most %s```", first, last, line(runs, most), most, line(good, 1000), line(spent, dear), dollars(events.Nanos(dear)))
}

func patterns(all []answers.Pattern) string {
	var b strings.Builder
	b.WriteString("*The ways that runs take most*\n")
	for _, p := range all {
		steps := inert(clip(oneLine(strings.Join(p.Steps, " → ")), 160))
		fmt.Fprintf(&b, "• %s: %d runs, %s\n", steps, p.Runs, rate(answers.Group{Succeeded: p.Succeeded, Failed: p.Failed}))
	}
	return strings.TrimRight(b.String(), "\n")
}

func runLine(row projections.RunRow) string {
	mark := map[string]string{"succeeded": ":white_check_mark:", "failed": ":x:", "cancelled": ":no_entry_sign:", "running": ":hourglass_flowing_sand:"}[string(row.Result())]
	return strings.TrimSpace(mark + " " + inert(clip(oneLine(row.Prompt), 120)))
}

func seconds(s float64) string { return duration(time.Duration(s * 1e9)) }
