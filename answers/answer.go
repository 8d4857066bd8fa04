package answers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Said is the answer to a question.
type Said struct {
	Title string `json:"title"`
	Lines []Line `json:"lines"`
	// None says that there is nothing to tell, and what would change that. It is empty where there are lines.
	None string `json:"none,omitempty"`
}

// Line is one thing that an answer says, with what it rests on.
type Line struct {
	// Text is Markdown.
	Text string `json:"text"`
	// Positions are those in the log that it rests on, Runs some runs, Improvement the proposal that tells more.
	Positions   []uint64 `json:"positions,omitempty"`
	Runs        []string `json:"runs,omitempty"`
	Improvement string   `json:"improvement,omitempty"`
	// Quoted tells that it holds what a person said: no model is given that.
	Quoted bool `json:"-"`
}

// The bounds of what an answer says, and of what it looks at.
const (
	maxLines    = 5
	maxRunsSeen = 20_000
	maxExamples = 3
)

// Answer answers a question from the read models alone. The same read models give the same answer.
func Answer(ctx context.Context, r projections.Reader, q Question) (Said, error) {
	switch q.Topic {
	case WhatPatterns:
		return latest(ctx, r, q, patternsFound)
	case HowToImprove:
		return improvable(ctx, r)
	case WhatLearned:
		return latest(ctx, r, q, learned)
	case WhyChanged:
		return why(ctx, r, q)
	}
	return Said{}, fmt.Errorf("nothing is known of %q", q.Topic)
}

// latest answers of the time that is asked of. Where nobody said of which, and nothing is to be told of these seven days, it is of the latest
// seven in which something ran, or of all of a history without times.
func latest(ctx context.Context, r projections.Reader, q Question, answer func(context.Context, projections.Reader, Question) (Said, error)) (Said, error) {
	said, err := answer(ctx, r, q)
	if err != nil || said.None == "" || !q.Unsaid {
		return said, err
	}
	day, runs, err := Latest(ctx, r)
	switch {
	case err != nil:
		return said, err
	case runs == 0 || !day.Before(q.Since):
		return said, nil
	case day.IsZero():
		q.Since, q.Until, q.When = time.Time{}, time.Time{}, "in all of a history without times"
	default:
		q.Since, q.Until, q.When = day.AddDate(0, 0, -6), day.AddDate(0, 0, 1), "in the week to "+day.Format("2 January 2006")+", the latest in which something ended"
	}
	return answer(ctx, r, q)
}

// way is a way that runs of a workflow took.
type way struct {
	workflow  string
	trace     string
	runs      []string
	positions []uint64
	n         Group
}

// patternsFound tells which ways runs took in a period, and how they went beside the other runs of their workflows.
func patternsFound(ctx context.Context, r projections.Reader, q Question) (Said, error) {
	said := Said{Title: "Patterns " + q.When}
	ways, whole := map[string]*way{}, map[string]*Group{}
	seen := 0
	for row, err := range r.Runs(ctx, projections.RunFilter{Since: q.Since, Until: q.Until, Limit: maxRunsSeen}) {
		if err != nil {
			return said, err
		}
		seen++
		if len(row.Trace) == 0 || row.Outcome == projections.Running || row.Workflow == PhrasingWorkflow {
			continue
		}
		trace := strings.Join(row.Path(), " → ")
		key := row.Workflow + "\x00" + trace
		w, all := ways[key], whole[row.Workflow]
		if w == nil {
			w = &way{workflow: row.Workflow, trace: trace}
			ways[key] = w
		}
		if all == nil {
			all = &Group{}
			whole[row.Workflow] = all
		}
		for _, g := range []*Group{&w.n, all} {
			g.Runs++
			switch row.Result() {
			case events.Succeeded:
				g.Succeeded++
			case events.Failed:
				g.Failed++
			}
		}
		if len(w.runs) < maxExamples {
			w.runs, w.positions = append(w.runs, row.Run), append(w.positions, row.LastPosition)
		}
	}
	var list []*way
	for _, w := range ways {
		if w.n.Runs > 1 {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, func(a, b *way) int {
		return cmp.Or(cmp.Compare(b.n.Runs, a.n.Runs), cmp.Compare(a.workflow, b.workflow), cmp.Compare(a.trace, b.trace))
	})
	for _, w := range list[:min(len(list), maxLines)] {
		all := *whole[w.workflow]
		text := fmt.Sprintf("**%s**, in %d of the %d runs of %s: %s succeeded", w.trace, w.n.Runs, all.Runs, w.workflow, outOf(w.n))
		if rest := (Group{Succeeded: all.Succeeded - w.n.Succeeded, Failed: all.Failed - w.n.Failed}); rest.Rated() > 0 {
			text += ", of the others " + outOf(rest)
		}
		slices.Sort(w.positions)
		said.Lines = append(said.Lines, Line{Text: text + ".", Positions: w.positions, Runs: w.runs})
	}
	switch {
	case seen == 0:
		err := outOfReach(ctx, r, q, &said)
		return said, err
	case len(said.Lines) == 0:
		said.None = "There is no way that two runs took " + q.When + ". `virtuous6 patterns` looks at all of history."
	case seen == maxRunsSeen:
		said.Lines = append(said.Lines, Line{Text: fmt.Sprintf("There are more runs: the latest %d were looked at. `virtuous6 patterns` looks at all of them.", seen)})
	}
	return said, nil
}

// outOfReach tells that nothing is known of a period in which nothing ran, and what there is.
func outOfReach(ctx context.Context, r projections.Reader, q Question, said *Said) error {
	day, runs, err := Latest(ctx, r)
	switch {
	case err != nil:
		return err
	case runs == 0:
		said.None = "I can't tell: I know of no run that ended. Ask me something, or bring history in by `virtuous6 import`."
	case day.IsZero():
		said.None = "I can't tell: no run that I know of has a time."
	case !day.Before(q.Since):
		said.None = fmt.Sprintf("Nothing that I can tell: no run began %s, and those that ended began before.", q.When)
	default:
		said.None = fmt.Sprintf("I can't tell: no run began %s. The latest that I know of ended on %s.", q.When, day.Format("2 January 2006"))
	}
	return nil
}

func outOf(g Group) string {
	if g.Rated() == 0 {
		return "nobody knows how many"
	}
	return fmt.Sprintf("%d of %d", g.Succeeded, g.Rated())
}

// improvable tells what is proposed and not decided, what may bring most first.
func improvable(ctx context.Context, r projections.Reader) (Said, error) {
	said := Said{Title: "What I would change"}
	rows, err := r.Improvements(ctx, projections.Proposed)
	if err != nil {
		return said, err
	}
	said.Lines = proposals(rows)
	if len(said.Lines) == 0 {
		said.None = "Nothing that the evidence carries: no proposal is open. More runs, and a word on how they were, would let me find out."
	}
	return said, nil
}

// proposals are improvements that wait, what may bring most first.
func proposals(rows []projections.ImprovementRow) []Line {
	rows = slices.SortedFunc(slices.Values(rows), projections.ByWorth)
	var lines []Line
	for _, row := range rows[:min(len(rows), maxLines)] {
		lines = append(lines, Line{Text: proposed(row), Positions: row.Evidence.Positions, Improvement: row.Improvement})
	}
	if len(rows) > maxLines {
		lines = append(lines, Line{Text: fmt.Sprintf("and %d more.", len(rows)-maxLines)})
	}
	return lines
}

func proposed(row projections.ImprovementRow) string {
	text := row.Reason
	if row.Change.Instruction != "" {
		text += " **" + strings.TrimRight(row.Change.Instruction, ".") + ".**"
	}
	brings := ""
	if row.Worth != nil {
		brings = "may bring " + Gain(row.Worth) + "; "
	}
	return fmt.Sprintf("%s (%s%s evidence, %d runs)", text, brings, strings.ReplaceAll(string(row.Strength), "_", " "), row.Evidence.N)
}

// news orders improvements by what they teach: what was made or taken back, then what else was decided, then what is proposed; in each
// what may bring most first.
func news(a, b projections.ImprovementRow) int {
	rank := func(row projections.ImprovementRow) int {
		switch row.Status {
		case projections.Applied, projections.RolledBack:
			return 0
		case projections.Proposed:
			return 2
		}
		return 1
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), projections.ByWorth(a, b))
}

// learned tells what became of proposals in a period, and what people said.
func learned(ctx context.Context, r projections.Reader, q Question) (Said, error) {
	said := Said{Title: "What I learned " + q.When}
	rows, err := r.Improvements(ctx, "")
	if err != nil {
		return said, err
	}
	in := func(t time.Time) bool { return !t.Before(q.Since) && (q.Until.IsZero() || t.Before(q.Until)) }
	moved := slices.DeleteFunc(slices.Clone(rows), func(row projections.ImprovementRow) bool { return !in(row.UpdatedAt) && !in(row.ProposedAt) })
	slices.SortFunc(moved, news)
	for _, row := range moved[:min(len(moved), maxLines)] {
		said.Lines = append(said.Lines, Line{
			Text: "*" + strings.ReplaceAll(row.Status, "_", " ") + "*: " + proposed(row), Positions: row.Evidence.Positions, Improvement: row.Improvement,
		})
	}
	if rest := len(moved) - maxLines; rest > 0 {
		said.Lines = append(said.Lines, Line{Text: fmt.Sprintf("and %d more.", rest)})
	}
	feedback, err := r.Feedback(ctx, "")
	if err != nil {
		return said, err
	}
	if liked, judged := satisfaction(feedback, in); judged > 0 {
		said.Lines = append(said.Lines, Line{Text: fmt.Sprintf("%d of %d answers that people judged were liked.", liked, judged)})
	}
	said.Lines = append(said.Lines, saying(feedback, in)...)
	if len(said.Lines) == 0 {
		ran, err := anyRun(ctx, r, q)
		if err != nil {
			return said, err
		}
		if !ran {
			err := outOfReach(ctx, r, q, &said)
			return said, err
		}
		said.None = "Nothing new " + q.When + ": no proposal moved, and nobody said how an answer was."
	}
	return said, nil
}

// saying is what people wished and said in a period: what was said most often first, the same words once.
func saying(feedback []projections.FeedbackRow, in func(time.Time) bool) (quoted []Line) {
	type words struct {
		how, text, run string
		position       uint64
		times          int
	}
	at := map[[2]string]int{}
	var all []words
	for _, row := range slices.Backward(feedback) {
		// A text beside a score tells why it was given, and is no wish.
		how, text := "wished", cmp.Or(row.Wish, row.Better)
		if text == "" {
			if text = row.Text; row.Score != nil || row.Label != "" {
				how = "said"
			}
		}
		if text == "" || text == events.Erased || !in(row.GivenAt) {
			continue
		}
		key := [2]string{how, strings.ToLower(short(text))}
		i, there := at[key]
		if !there {
			i = len(all)
			at[key] = i
			all = append(all, words{how: how, text: short(text), run: row.Run, position: row.Position})
		}
		all[i].times++
	}
	slices.SortStableFunc(all, func(a, b words) int { return cmp.Or(cmp.Compare(b.how, a.how), cmp.Compare(b.times, a.times)) })
	for _, w := range all[:min(len(all), maxExamples)] {
		text := fmt.Sprintf("Somebody %s: “%s”", w.how, w.text)
		if w.times > 1 {
			text = fmt.Sprintf("%d times somebody %s: “%s”", w.times, w.how, w.text)
		}
		quoted = append(quoted, Line{Text: text, Positions: []uint64{w.position}, Runs: []string{w.run}, Quoted: true})
	}
	if rest := len(all) - maxExamples; rest > 0 {
		quoted = append(quoted, Line{Text: "and " + english.Plural(rest, "other word", "other words") + " of people.", Quoted: true})
	}
	return quoted
}

// anyRun tells whether something ran in a period.
func anyRun(ctx context.Context, r projections.Reader, q Question) (bool, error) {
	for _, err := range r.Runs(ctx, projections.RunFilter{Since: q.Since, Until: q.Until, Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}

// short is a person's words on one line, without what Markdown would make of them.
func short(text string) string {
	text = strings.NewReplacer("*", "", "_", " ", "`", "'", "<", "‹", ">", "›").Replace(strings.Join(strings.Fields(text), " "))
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:199]) + "…"
	}
	return text
}

// why tells how an agent came to be what it is.
func why(ctx context.Context, r projections.Reader, q Question) (Said, error) {
	said := Said{Title: "Why " + q.Subject + " is what it is"}
	versions, err := r.AgentVersions(ctx, "")
	if err != nil {
		return said, err
	}
	improvements, err := r.Improvements(ctx, "")
	if err != nil {
		return said, err
	}
	var names []string
	for _, v := range slices.Backward(versions) {
		if !slices.Contains(names, v.Agent) {
			names = append(names, v.Agent)
		}
		if !named(v.Agent, q.Subject) || len(said.Lines) == maxLines {
			continue
		}
		text := fmt.Sprintf("**%s, version %d**, %s, by %s", v.Agent, v.Version, v.MadeAt.UTC().Format("2 January 2006 15:04 UTC"), cmp.Or(v.Author, "nobody who is known"))
		if v.Reason != "" {
			text += ": " + v.Reason
		}
		line := Line{Text: text, Positions: []uint64{v.Position}, Improvement: v.Improvement}
		for _, row := range improvements {
			if row.Improvement == v.Improvement && v.Improvement != "" {
				line.Text += " — " + proposed(row)
				line.Positions = append(line.Positions, row.Evidence.Positions...)
			}
		}
		said.Lines = append(said.Lines, line)
	}
	if len(said.Lines) == 0 {
		slices.Sort(names)
		said.None = fmt.Sprintf("I know no agent called %q. There are: %s.", q.Subject, cmp.Or(strings.Join(names[:min(len(names), 10)], ", "), "none yet"))
	}
	return said, nil
}

// named tells whether a person means an agent by a name: its own, or a word of it.
func named(agent, asked string) bool {
	agent = strings.ToLower(agent)
	return agent == asked || slices.Contains(strings.FieldsFunc(agent, func(r rune) bool { return r == '-' || r == '_' || r == ' ' || r == '.' }), asked)
}
