package answers

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Period is how long a review looks back.
type Period string

// The periods.
const (
	Daily  Period = "daily"
	Weekly Period = "weekly"
)

// Review is the check of a day or the review of a week.
type Review struct {
	Period Period `json:"period"`
	// Since and Until are the first and the last UTC day, empty where no run has a time and all of history is reviewed.
	Since  string  `json:"since"`
	Until  string  `json:"until"`
	Checks []Check `json:"checks"`
	// The rest is a week's. Worked and DidNot compare it with the week before, in which Before runs ended, and tell what trials showed.
	Before   int64       `json:"runs_before"`
	Worked   []Line      `json:"worked,omitempty"`
	DidNot   []Line      `json:"did_not,omitempty"`
	Blockers []Blocker   `json:"blockers,omitempty"`
	Next     []Line      `json:"next,omitempty"`
	Targets  []Check     `json:"targets,omitempty"`
	Status   []Indicator `json:"status,omitempty"`
	// Milestones are those that were reached in the week.
	Milestones []Milestone `json:"milestones,omitempty"`
}

// Check is a figure beside what is wanted of it.
type Check struct {
	Name string `json:"name"`
	// Actual says the figure, Target what is wanted, empty where nothing is.
	Actual string `json:"actual"`
	Target string `json:"target,omitempty"`
	// Met is nil where that can't be told.
	Met *bool `json:"met"`
}

// Blocker is what keeps something from getting better, and who can do what about it.
type Blocker struct {
	What   string `json:"what"`
	Impact string `json:"impact"`
	Action string `json:"action"`
	Owner  string `json:"owner"`
	Due    string `json:"due"`
}

// Indicator is how far the system builds itself in one respect, in the period and in the one before it.
type Indicator struct {
	Name string `json:"name"`
	Says string `json:"says"`
	// Now and Before count Of.
	Of     string `json:"of"`
	Now    int64  `json:"now"`
	Before int64  `json:"before"`
}

// usd is an amount of three digits, and of a dollar or more with a tenth of a thousandth as its last one.
func usd(n events.Nanos) string {
	last := events.Nanos(1)
	for last < 100_000 && n/last >= 1000 {
		last *= 10
	}
	return "$" + (events.Add(n, last/2) / last * last).String()
}

func share(part, of int64) string { return permille((1000*part + of/2) / of) }

// shareOf is a share of rated runs with what it may be.
func shareOf(part, of int64) string {
	i := stats.Wilson(part, of, confidence)
	bound := func(x float64) string { return permille(int64(math.Round(1000 * x))) }
	return fmt.Sprintf("%s of %s (interval %s to %s)", share(part, of), english.Plural(int(of), "run", "runs"), bound(i.Low), bound(i.High))
}

func permille(n int64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/10), ".0") + "%"
}

// points are percentage points with their sign.
func points(difference float64) string { return fmt.Sprintf("%+.1f", 100*difference) }

// confidence is that of the intervals by which a review calls something a change.
const confidence = .95

// NewReview reviews the day, or the seven days that end with it, or where there is no day all of a history without times.
func NewReview(ctx context.Context, r projections.Reader, period Period, day time.Time, targets Targets) (Review, error) {
	last := day.UTC().Truncate(24 * time.Hour)
	days := 1
	if period == Weekly {
		days = 7
	}
	w := record{period: period, since: last.AddDate(0, 0, 1-days), until: last.AddDate(0, 0, 1), targets: targets.filled()}
	if day.IsZero() {
		w.since, w.until = time.Time{}, time.Time{}
	}
	if err := w.read(ctx, r, days); err != nil {
		return Review{}, err
	}
	review := Review{Period: period, Checks: w.checks()}
	if !day.IsZero() {
		review.Since, review.Until = w.since.Format(time.DateOnly), last.Format(time.DateOnly)
	}
	if period == Weekly {
		review.Before = w.before.Runs
		review.Worked, review.DidNot = w.moved()
		review.Blockers = w.blockers()
		review.Next = proposals(w.waiting())
		review.Targets = w.actuals()
		review.Status = w.status()
		for _, m := range Milestones(w.improvements, w.experiments, w.feedback) {
			if w.in(m.At) {
				review.Milestones = append(review.Milestones, m)
			}
		}
	}
	return review, nil
}

func check(name, actual, target string, met bool) Check {
	return Check{Name: name, Actual: actual, Target: target, Met: &met}
}

// checks are the daily ones, of whatever period.
func (w *record) checks() []Check {
	m := w.report.Metrics
	list := []Check{{Name: "workflow runs", Actual: fmt.Sprintf("%d, of %s", m.Runs, english.Plural(len(w.report.ByWorkflow), "workflow", "workflows"))}}
	list = append(list, Check{Name: "new patterns", Actual: fmt.Sprintf("%d (ways that more than one run took, none before)", w.newPatterns())})
	given, acted := w.listened(w.in)
	switch {
	case given == 0:
		list = append(list, Check{Name: "feedback acted on", Actual: "none was given"})
	default:
		list = append(list, check("feedback acted on", fmt.Sprintf("%d of %d", acted, given), "any", acted > 0))
	}
	list = append(list, w.budget()...)
	if rated := m.Succeeded + m.Failed; rated > 0 {
		list = append(list, check("errors", shareOf(m.Failed, rated)+" failed", "under "+permille(w.targets.ErrorsPermille), 1000*m.Failed < w.targets.ErrorsPermille*rated))
	} else {
		list = append(list, Check{Name: "errors", Actual: "no run ended with a verdict"})
	}
	if p50, p95 := m.Duration.P50, m.Duration.P95; p50 != nil && p95 != nil {
		list = append(list, check("response", fmt.Sprintf("%s at the median, %s at p95", lasting(*p50), lasting(*p95)), "under "+w.targets.Response.String(), *p50 < w.targets.Response.Seconds()))
	}
	if all, _ := prevention(w.experiments); all != nil {
		list = append(list, Check{Name: "known fixes", Actual: all.Says()})
	}
	return list
}

func wayKey(workflow string, steps []string) string {
	return workflow + "\x00" + strings.Join(steps, "\x00")
}

// newPatterns counts the ways that more than one run took, all of them in the period.
func (w *record) newPatterns() int64 {
	var n int64
	for _, p := range w.patterns {
		if w.ways[wayKey(p.Workflow, p.Steps)] == p.Runs {
			n++
		}
	}
	return n
}

// listened counts what people said in a period, and how much of it stands in the evidence of a proposal.
func (w *record) listened(in func(time.Time) bool) (given, acted int64) {
	cited := map[uint64]bool{}
	for _, row := range w.improvements {
		for _, p := range row.Evidence.Positions {
			cited[p] = true
		}
	}
	for _, row := range w.feedback {
		if in(row.GivenAt) {
			given++
			if cited[row.Position] {
				acted++
			}
		}
	}
	return given, acted
}

// budget tells what was spent, and whether a limit was reached.
func (w *record) budget() []Check {
	spent := w.report.Say(usd(w.report.CostNanos))
	if w.unspent() {
		spent = "no call of a model is known"
	}
	var list []Check
	for _, b := range w.budgets {
		target := fmt.Sprintf("%s%s (%s)", b.Limits(), b.Per(), b.Budget)
		list = append(list, check("cost", spent, target, !w.reached(b)))
	}
	if len(list) == 0 {
		list = append(list, Check{Name: "cost", Actual: spent + ", and no budget is set"})
	}
	return list
}

// unspent tells that nothing is known to have been asked of a model: then nothing is known of what that cost, either.
func (w *record) unspent() bool {
	m := w.report.Metrics
	return m.CostNanos == 0 && m.Whole() && m.InputTokens+m.OutputTokens == 0 && len(w.report.ByModel) == 0
}

// reached tells whether a budget was in the period, which may be a part of the budget's own.
func (w *record) reached(b projections.BudgetRow) bool {
	from := w.since
	switch b.Period {
	case events.Monthly:
		from = time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC)
	case events.Total:
		return b.Exhausted != ""
	case events.Daily:
	}
	return b.Exhausted >= from.Format(time.DateOnly) && b.Exhausted < w.until.Format(time.DateOnly)
}

// moved tells which workflows went better or worse than in the period before, and what trials showed. Of a comparison in time
// it says since when, never why.
func (w *record) moved() (worked, didNot []Line) {
	for _, e := range w.experiments {
		if e.Status == projections.ExperimentHeldBack {
			if line, better, ok := heldBack(e); ok && better {
				worked = append(worked, line)
			} else if ok {
				didNot = append(didNot, line)
			}
		}
		if e.Proof == nil || !w.in(e.EndedAt) {
			continue
		}
		text := fmt.Sprintf("%s: a trial of %s at %s, %s points of success (%.0f%% interval %s to %s)", strings.ReplaceAll(e.Status, "_", " "), e.Kind, e.Subject(),
			points(e.Proof.Difference), 100*e.Proof.Confidence, points(e.Proof.Low), points(e.Proof.High))
		line := Line{Text: text, Positions: []uint64{e.Position}, Improvement: e.Improvement}
		if e.Status == projections.ExperimentPromoted {
			worked = append(worked, line)
		} else {
			didNot = append(didNot, line)
		}
	}
	_, fixes := prevention(w.experiments)
	for _, p := range fixes {
		line := Line{Text: fmt.Sprintf("the fix %s of %s %s", p.Fix, p.Agent, p.Says()), Positions: []uint64{p.position}}
		switch {
		case p.Low > 0:
			worked = append(worked, line)
		case p.High < 0:
			didNot = append(didNot, line)
		}
	}
	names := slices.Sorted(maps.Keys(w.report.ByWorkflow))
	for _, name := range names {
		a, b := w.report.ByWorkflow[name], w.before.ByWorkflow[name]
		if a.Succeeded+a.Failed == 0 || b.Succeeded+b.Failed == 0 {
			continue
		}
		// Many workflows are compared: each gets its share of what may be said wrongly.
		d, i := stats.Newcombe(a.Succeeded, a.Succeeded+a.Failed, b.Succeeded, b.Succeeded+b.Failed, 1-(1-confidence)/float64(len(names)))
		text := fmt.Sprintf("**%s** succeeded in %s since %s, before that in %s (%s points, interval %s to %s)", name, share(a.Succeeded, a.Succeeded+a.Failed),
			w.since.Format("2 January"), share(b.Succeeded, b.Succeeded+b.Failed), points(d), points(i.Low), points(i.High))
		switch {
		case i.Low > 0:
			worked = append(worked, Line{Text: text})
		case i.High < 0:
			didNot = append(didNot, Line{Text: text})
		}
	}
	return worked, didNot
}

// heldBack is what all changes together did to an agent, by the runs that stayed without them. ok is false where the interval
// leaves it open.
func heldBack(e projections.ExperimentRow) (line Line, better, ok bool) {
	arms := map[string]events.ArmCount{}
	for _, arm := range e.Arms {
		arms[arm.Arm] = arm
	}
	with, without := arms[events.CurrentArm], arms[events.FrozenArm]
	n, m := with.Runs-with.Unrated, without.Runs-without.Unrated
	if n == 0 || m == 0 {
		return line, false, false
	}
	d, i := stats.Newcombe(with.Succeeded, n, without.Succeeded, m, confidence)
	line = Line{Positions: []uint64{e.Position}, Text: fmt.Sprintf("because of its changes %s succeeds in %s, without them in %s (%s points, interval %s to %s, by the runs held back)",
		e.Subject(), share(with.Succeeded, n), share(without.Succeeded, m), points(d), points(i.Low), points(i.High))}
	return line, i.Low > 0, i.Low > 0 || i.High < 0
}

// blockers are what waits for somebody.
func (w *record) blockers() []Blocker {
	due := w.until.AddDate(0, 0, 6).Format(time.DateOnly)
	var list []Blocker
	if waiting := w.waiting(); len(waiting) > 0 {
		impact := "nothing of it is tried"
		if best := slices.MinFunc(waiting, projections.ByWorth); best.Worth != nil {
			impact += fmt.Sprintf("; the first may bring %s to %s", Gain(best.Worth), cmp.Or(best.Workflow, best.Agent))
		}
		list = append(list, Blocker{
			What: fmt.Sprintf("%s for a decision", english.Plural(len(waiting), "proposal waits", "proposals wait")), Impact: impact,
			Action: "virtuous6 improvements, then approve or reject", Owner: "who may approve", Due: due,
		})
	}
	for _, e := range w.experiments {
		if e.Status == projections.ExperimentProved {
			list = append(list, Blocker{
				What: fmt.Sprintf("the trial of %s at %s is decided", e.Kind, e.Subject()), Impact: fmt.Sprintf("%s points of success wait", points(e.Proof.Difference)),
				Action: "virtuous6 experiments promote " + e.Experiment, Owner: "who may approve", Due: due,
			})
		}
	}
	for _, b := range w.budgets {
		if w.reached(b) {
			list = append(list, Blocker{
				What: "the budget of " + b.Budget + " was reached", Impact: "calls to models are refused until it is raised or its period ends",
				Action: "virtuous6 budget " + b.Budget, Owner: "who pays", Due: due,
			})
		}
	}
	return list
}

// waiting are the proposals that nobody has decided.
func (w *record) waiting() []projections.ImprovementRow {
	return slices.DeleteFunc(slices.Clone(w.improvements), func(row projections.ImprovementRow) bool { return row.Status != projections.Proposed })
}

// improved counts the improvements that came to be in a period.
func (w *record) improved(since, until time.Time) int64 {
	var n int64
	for _, row := range w.improvements {
		if row.Status == projections.Applied && !row.UpdatedAt.Before(since) && row.UpdatedAt.Before(until) {
			n++
		}
	}
	return n
}

// status is how far the system builds itself: what it sees, proposes, changes, remembers and hears.
func (w *record) status() []Indicator {
	span := w.until.Sub(w.since)
	proposed := func(in func(time.Time) bool) (n int64) {
		for _, row := range w.improvements {
			if in(row.ProposedAt) {
				n++
			}
		}
		return n
	}
	saved := func(in func(time.Time) bool) (n int64) {
		for _, row := range w.runbooks {
			if in(row.SavedAt) {
				n++
			}
		}
		return n
	}
	given, acted := w.listened(w.in)
	before, _ := w.listened(w.earlier)
	return []Indicator{
		{Name: "sees", Of: "runs", Says: fmt.Sprintf("%s that more than one run took, %d of them new", english.Plural(len(w.patterns), "way", "ways"), w.newPatterns()), Now: w.report.Runs, Before: w.before.Runs},
		{Name: "proposes", Of: "proposals", Says: fmt.Sprintf("%s for a decision", english.Plural(len(w.waiting()), "proposal waits", "proposals wait")), Now: proposed(w.in), Before: proposed(w.earlier)},
		{Name: "changes", Of: "improvements applied", Says: fmt.Sprintf("%d in all", w.improved(time.Time{}, w.until)), Now: w.improved(w.since, w.until), Before: w.improved(w.since.Add(-span), w.since)},
		{Name: "remembers", Of: "runbooks saved", Says: fmt.Sprintf("%s, %d of them used", english.Plural(len(w.runbooks), "runbook", "runbooks"), w.automated()), Now: saved(w.in), Before: saved(w.earlier)},
		{Name: "hears", Of: "judgements and wishes", Says: fmt.Sprintf("%d of %d acted on", acted, given), Now: given, Before: before},
	}
}
