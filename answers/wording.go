package answers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// PhrasingWorkflow is that of runs in which a model finds words for what the record says.
const PhrasingWorkflow = "phrasing"

// WordsSchema is what a model's words for lines have to be.
const WordsSchema = `{"type":"object","properties":{"lines":{"type":"array","items":{"type":"string"}}},"required":["lines"],"additionalProperties":false}`

// Phrasing is what there is to find words for of an answer, nil where there is nothing. Nobody's words but those of who asked are given to a
// model: lines that quote somebody are left out, and put back by Told.
func Phrasing(asked, since time.Time, said Said) *events.Phrasing {
	p := events.Phrasing{Asked: asked.UTC(), Since: since, Title: said.Title}
	for _, line := range said.Lines {
		if !line.Quoted {
			p.Lines = append(p.Lines, events.PhrasingLine{Text: line.Text, Positions: line.Positions, Runs: line.Runs, Improvement: line.Improvement})
		}
	}
	if len(p.Lines) == 0 || said.None != "" {
		return nil
	}
	return &p
}

// ToWord is what a model is told that is to find words.
func ToWord(question string, p events.Phrasing) (string, error) {
	lines := make([]string, len(p.Lines))
	for i, line := range p.Lines {
		lines[i] = line.Text
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(map[string]any{"question": question, "title": p.Title, "lines": lines})
	return strings.TrimSpace(b.String()), err
}

// Ask is the question of a text at a time, from another day on where that is given.
func Ask(text string, asked, since time.Time) (q Question, ok bool) {
	if q, ok = Understand(text, asked); ok && !since.IsZero() {
		q.Since, q.When, q.Unsaid = since, "since "+since.Format(time.DateOnly), false
	}
	return q, ok
}

// Told is the answer to a question that a model was asked for words for: with those where they hold, else with the record's own. untaken
// is why they were not taken, empty where they were. What people said stands behind it, as the read models have it now.
func Told(ctx context.Context, r projections.Reader, question string, p events.Phrasing, words string) (said Said, untaken string, err error) {
	said.Title = p.Title
	for _, line := range p.Lines {
		said.Lines = append(said.Lines, Line{Text: line.Text, Positions: line.Positions, Runs: line.Runs, Improvement: line.Improvement})
	}
	names, err := namesOf(ctx, r)
	if err != nil {
		return said, "", err
	}
	if lines, err := reworded(said, words, names); err != nil {
		untaken = err.Error()
	} else {
		for i := range lines {
			said.Lines[i].Text = lines[i]
		}
	}
	q, ok := Ask(question, p.Asked, p.Since)
	if !ok {
		return said, untaken, nil
	}
	now, err := Answer(ctx, r, q)
	if err != nil {
		return said, "", err
	}
	for _, line := range now.Lines {
		if line.Quoted {
			said.Lines = append(said.Lines, line)
		}
	}
	return said, untaken, nil
}

// namesOf are the names in the record that a reader would take as known: a line may tell of no other than its own.
func namesOf(ctx context.Context, r projections.Reader) (names []string, err error) {
	agents, err := r.Agents(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range agents {
		names = append(names, row.Agent)
	}
	books, err := r.Runbooks(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range books {
		names = append(names, row.Runbook)
	}
	report, err := r.Report(ctx, projections.MetricsFilter{})
	if err != nil {
		return nil, err
	}
	for _, of := range []map[string]projections.Metrics{report.ByWorkflow, report.ByModel, report.ByTool} {
		for name := range of {
			names = append(names, name)
		}
	}
	return names, nil
}

// The bounds of a line in other words, in characters.
const (
	leastLine = 8
	mostLine  = 600
	wordier   = 160
)

// reworded takes a model's words for lines, or tells why not. They may say what a line says in other words, and nothing else.
func reworded(said Said, words string, names []string) ([]string, error) {
	var answer struct {
		Lines []string `json:"lines"`
	}
	if strings.TrimSpace(words) == "" {
		return nil, errors.New("no words came")
	}
	if err := ReadStrict(words, &answer); err != nil {
		return nil, err
	}
	if len(answer.Lines) != len(said.Lines) {
		return nil, fmt.Errorf("it has %d lines for %d", len(answer.Lines), len(said.Lines))
	}
	for i, line := range answer.Lines {
		line = strings.TrimSpace(line)
		from := said.Lines[i].Text
		if n := utf8.RuneCountInString(line); n < leastLine || n > min(mostLine, 2*utf8.RuneCountInString(from)+wordier) {
			return nil, fmt.Errorf("line %d has %d characters", i+1, n)
		}
		if err := holds(said.Title+"\n"+from, from, line, names); err != nil {
			return nil, fmt.Errorf("line %d %w", i+1, err)
		}
		answer.Lines[i] = line
	}
	return answer.Lines, nil
}

// holds tells what a line in other words says that what it was given does not, or leaves out that it may not.
func holds(given, line, words string, names []string) error {
	have, want, must := termsOf(given), termsOf(words), termsOf(line)
	r, unseen := events.Unseen(words)
	if i := strings.IndexAny(words, "\n\t"); i >= 0 { // it is one line
		r, unseen = rune(words[i]), true
	}
	if unseen {
		return fmt.Errorf("holds the character %U", r)
	}
	// In another order they would say something else: 3 of 20 is not 20 of 3.
	for i, n := range want.numbers {
		if i >= len(must.numbers) || must.numbers[i] != n {
			return fmt.Errorf("says %s where the record does not", n)
		}
	}
	if len(want.numbers) < len(must.numbers) {
		return fmt.Errorf("leaves out %s", must.numbers[len(want.numbers)])
	}
	for _, n := range want.names {
		if !have.has(n) && !have.word(n) {
			return fmt.Errorf("names %s, which the record does not", n)
		}
	}
	for _, name := range names {
		if mentions(words, name) && !mentions(given, name) {
			return fmt.Errorf("names %s, of which the record says something else", name)
		}
	}
	for _, sense := range slices.Sorted(maps.Keys(want.senses)) {
		if !have.senses[sense] {
			return fmt.Errorf("tells of %s, which the record does not", sense)
		}
	}
	for _, sense := range []string{"success", "failure", "denial"} {
		if must.senses[sense] && !want.senses[sense] {
			return fmt.Errorf("leaves out its %s", sense)
		}
	}
	for _, bold := range must.bold {
		if !strings.Contains(words, bold) {
			return fmt.Errorf("leaves out %s", bold)
		}
	}
	return nil
}
