package feedback

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// View is all that the feedback analyst looks at.
type View struct {
	// Said are what people said of runs, by position.
	Said []Said
	// Taught are agents that could be shown examples of what they did well, by name.
	Taught []Taught
	// Showing are agents that are shown examples, by name.
	Showing []Showing
	// Pupils are agents that can be told what people ask of their answers, by name.
	Pupils []Pupil
	// Advised are the positions of what was said that stands behind a fix for an error, proposed or decided: it is said there.
	Advised map[uint64]bool
	// Position is the log position that was seen.
	Position uint64
}

// Said is one thing that somebody said of a run, or of an agent without one: then it has neither run nor workflow.
type Said struct {
	Feedback, Run, Workflow string
	// Agents are those of the run, sorted; User is who said it.
	Agents []string
	User   string
	// Liked is whether the answer was, nil where that was not said.
	Liked *bool
	// Wish is what was wished for, empty where nothing was.
	Wish string
	// Week is the Monday (2026-11-23, UTC) of the week in which it was said, empty where that is not known.
	Week     string
	Position uint64
}

// Load reads the view.
func Load(ctx context.Context, r projections.Reader) (View, error) {
	var v View
	var err error
	if v.Position, err = r.Position(ctx); err != nil {
		return v, err
	}
	proposed, err := r.Improvements(ctx, "")
	if err != nil {
		return v, fmt.Errorf("load improvements: %w", err)
	}
	v.Advised = map[uint64]bool{}
	for i := range proposed {
		if row := &proposed[i]; row.Status != projections.Withdrawn && len(row.Claim.Subject) > 0 && row.Claim.Subject[0] == evidence.Advised {
			for _, position := range row.Evidence.Positions {
				v.Advised[position] = true
			}
		}
	}
	rows, err := r.Feedback(ctx, "")
	if err != nil {
		return v, fmt.Errorf("load feedback: %w", err)
	}
	agents, err := r.Agents(ctx)
	if err != nil {
		return v, fmt.Errorf("load agents: %w", err)
	}
	observed := sync.OnceValues(func() ([]*projections.Observation, error) {
		runs, err := r.Observations(ctx)
		if err != nil {
			return nil, fmt.Errorf("load runs: %w", err)
		}
		v.Pupils = pupils(agents, runs)
		return runs, nil
	})
	if len(rows) == 0 {
		v.Taught, v.Showing, err = taught(ctx, r, agents, observed, nil)
		return v, err
	}
	runs, err := observed()
	if err != nil {
		return v, err
	}
	about := map[string]*projections.Observation{}
	for i := range rows {
		about[rows[i].Run] = nil
	}
	for _, o := range runs {
		if _, ok := about[o.Run]; ok {
			about[o.Run] = o
		}
	}
	for i := range rows {
		row := &rows[i]
		s := Said{Feedback: row.Feedback, Run: row.Run, User: row.User, Position: row.Position}
		switch run := about[row.Run]; {
		case run != nil:
			s.Workflow, s.Agents = run.Workflow, slices.Sorted(slices.Values(run.Agents))
		case row.Run == "" && row.Agent != "":
			s.Agents = []string{row.Agent} // of all that it does
		default:
			continue // a judgement of what is not in the log
		}
		if liked, judged := events.Judged(row.Name, row.User, row.Score); judged {
			s.Liked = &liked
		}
		// A text beside a score tells why it was given, and is no wish.
		if s.Wish = cmp.Or(row.Wish, row.Better); s.Wish == "" && row.Score == nil {
			s.Wish = row.Text
		}
		if !readable(s.Wish) {
			s.Wish = "" // whoever wished for it was forgotten
		}
		if !row.GivenAt.IsZero() {
			s.Week = events.Week(row.GivenAt).Format(time.DateOnly)
		}
		if s.Liked != nil || s.Wish != "" {
			v.Said = append(v.Said, s)
		}
	}
	slices.SortStableFunc(v.Said, func(a, b Said) int { return cmp.Compare(a.Position, b.Position) })
	v.Taught, v.Showing, err = taught(ctx, r, agents, observed, v.Said)
	return v, err
}
