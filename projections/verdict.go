package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// VerdictRow is a row of verdicts: what is said of whether a run was good.
type VerdictRow struct {
	Run       string `db:"run,pk"`
	Workspace string `db:"workspace,pk"`
	// Verdict is the one that counts, empty where all were taken back; Origin is where it is from, By is who said so.
	Verdict events.Outcome       `db:"verdict"`
	Origin  events.VerdictOrigin `db:"origin"`
	By      string               `db:"by"`
	// Person, Source and Rule are the latest of each, and whose it is.
	Person   events.Outcome `db:"person"`
	PersonBy string         `db:"person_by"`
	Source   events.Outcome `db:"source"`
	SourceBy string         `db:"source_by"`
	Rule     events.Outcome `db:"rule"`
	RuleBy   string         `db:"rule_by"`
	// Differ tells that they are not of one mind.
	Differ   bool      `db:"differ"`
	GivenAt  time.Time `db:"given_at"`
	Position uint64    `db:"position"`
	// waiting tells that the run has not ended yet, as far as is known here.
	waiting bool
}

var verdictTable = readmodel.NewTable("verdicts", readmodel.TableOf[named, VerdictRow]{
	Table: readmodel.Table{Large: true},
	Share: 2,
	Key:   func(r *VerdictRow) named { return named{r.Run, r.Workspace} },
	Fresh: func(k named, r *VerdictRow) { r.Run, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *VerdictRow) int { return len(r.Run) },
	Row: []readmodel.ColumnOf[VerdictRow]{
		readmodel.Key(readmodel.String("run", func(r *VerdictRow) *string { return &r.Run })),
		workspaceKey(func(r *VerdictRow) *string { return &r.Workspace }),
		readmodel.Symbol("verdict", func(r *VerdictRow) *events.Outcome { return &r.Verdict }),
		readmodel.Symbol("origin", func(r *VerdictRow) *events.VerdictOrigin { return &r.Origin }),
		readmodel.Symbol("by", func(r *VerdictRow) *string { return &r.By }),
		readmodel.Symbol("person", func(r *VerdictRow) *events.Outcome { return &r.Person }),
		readmodel.Symbol("person_by", func(r *VerdictRow) *string { return &r.PersonBy }),
		readmodel.Symbol("source", func(r *VerdictRow) *events.Outcome { return &r.Source }),
		readmodel.Symbol("source_by", func(r *VerdictRow) *string { return &r.SourceBy }),
		readmodel.Symbol("rule", func(r *VerdictRow) *events.Outcome { return &r.Rule }),
		readmodel.Symbol("rule_by", func(r *VerdictRow) *string { return &r.RuleBy }),
		readmodel.Bool("differ", func(r *VerdictRow) *bool { return &r.Differ }),
		readmodel.Time("given_at", func(r *VerdictRow) *time.Time { return &r.GivenAt }),
		readmodel.Int("position", func(r *VerdictRow) *uint64 { return &r.Position }),
		readmodel.As(readmodel.Bool("waiting", func(r *VerdictRow) *bool { return &r.waiting }), "", nil),
	},
})

// waitingRow is the row of verdicts_waiting: how many verdicts came before their runs had ended. Without it each run's end
// would look for one.
type waitingRow struct {
	key  string
	runs int64
}

var waitingTable = readmodel.NewTable("verdicts_waiting", readmodel.TableOf[string, waitingRow]{
	Key:   func(r *waitingRow) string { return r.key },
	Fresh: func(key string, r *waitingRow) { r.key = key },
	Row: []readmodel.ColumnOf[waitingRow]{
		readmodel.Key(readmodel.String("key", func(r *waitingRow) *string { return &r.key })),
		readmodel.Int("runs", func(r *waitingRow) *int64 { return &r.runs }),
	},
})

// verdicts keeps what is said of runs, and finds out for others how a run counts.
var verdicts = readmodel.Projection{
	Name: "verdicts", Version: 1, Tables: []readmodel.AnyTable{verdictTable, waitingTable},
	Lists: []readmodel.List{verdictTable.List(readmodel.List{
		Name: "verdicts", Help: "Verdicts on runs, by run: the one that counts, and the latest by a person, by the source and by a rule",
		Order: readmodel.Ascending("run"),
		Filters: []readmodel.Filter{
			{Column: "run", Help: "Only that on this run."},
			{Column: "verdict", Help: "Only those that say so.", Values: []string{string(events.Succeeded), string(events.Failed)}},
			{Column: "origin", Help: "Only those that are from there.", Values: []string{string(events.ByPerson), string(events.BySource), string(events.ByRule)}},
		},
	})},
	Bind: bindVerdicts,
}

// resultOfRun is how a run comes to count, or to count otherwise than before.
var resultOfRun = &readmodel.Find[result]{Name: "the result of a run"}

// result is how a run counts: by its verdict where it has one, else by how it ended. row is nil for a fact that changes
// nothing of it, and not to be changed.
type result struct {
	row *RunRow
	day string
	// ended tells that the run ends with this fact: nothing counted it before.
	ended bool
	// before is how it counted until now, empty where it ends now.
	before, after events.Outcome
	// judged is by how much the number of runs with a verdict changes.
	judged int64
}

// tally counts the result.
func (c *result) tally(succeeded, failed, cancelled, unrated, judged *int64) {
	tally(c.before, -1, succeeded, failed, cancelled, unrated)
	tally(c.after, 1, succeeded, failed, cancelled, unrated)
	*judged += c.judged
}

// rated tells that the run is a trial, or was one.
func (c *result) rated() bool { return rated(c.before) || rated(c.after) }

func rated(o events.Outcome) bool { return o == events.Succeeded || o == events.Failed }

// verdictFold is the fold into verdicts.
type verdictFold struct {
	verdicts *readmodel.Cache[named, VerdictRow]
	waiting  *readmodel.Cache[string, waitingRow]
	run      *runFact
	days     calendar
	*result
}

func bindVerdicts(w *readmodel.WorkingSet) readmodel.Fold {
	return (&verdictFold{
		verdicts: verdictTable.In(w), waiting: waitingTable.In(w), run: factOfRun.In(w), result: resultOfRun.Offer(w),
	}).fold
}

func (w *verdictFold) fold(f *readmodel.Fact) error {
	*w.result = result{}
	if e, ok := f.Event.(events.VerdictGiven); ok {
		return w.judge(f, e)
	}
	if !w.run.ended() {
		return nil
	}
	r := w.run.row
	*w.result = result{row: r, day: w.run.day, ended: true, after: r.Outcome}
	waiting, err := w.waiting.Row("runs")
	if err != nil || waiting.runs == 0 {
		return err
	}
	v, err := w.verdicts.Existing(named{r.Run, r.Workspace})
	if err != nil || v == nil || !v.waiting {
		return err
	}
	v.waiting = false
	waiting.runs--
	if v.Verdict != "" {
		w.after, w.judged = v.Verdict, 1
	}
	return nil
}

func (w *verdictFold) judge(f *readmodel.Fact, e events.VerdictGiven) error {
	switch {
	case e.Run != f.ID:
		return readmodel.Damaged("it names %q, another than its stream", e.Run)
	case !rated(e.Verdict) && e.Verdict != events.Unrated || e.From != events.ByPerson && e.From != events.BySource && e.From != events.ByRule:
		return readmodel.Damaged("a verdict %q from %q", e.Verdict, e.From)
	}
	v, err := w.verdicts.Row(keyOf(f))
	if err != nil {
		return err
	}
	before := v.Verdict
	v.take(e)
	v.GivenAt, v.Position = f.When, f.Envelope.Position
	r := w.run.judged
	if r == nil || r.Outcome == Running {
		if v.waiting {
			return nil
		}
		v.waiting = true
		waiting, err := w.waiting.Row("runs")
		if err == nil {
			waiting.runs++
		}
		return err
	}
	if before == v.Verdict {
		return nil
	}
	*w.result = result{row: r, day: w.days.of(r.EndedAt), before: r.Outcome, after: r.Outcome}
	if before != "" {
		w.before = before
		w.judged--
	}
	if v.Verdict != "" {
		w.after = v.Verdict
		w.judged++
	}
	return nil
}

// take takes in what is said.
func (r *VerdictRow) take(e events.VerdictGiven) {
	said, by := e.Verdict, strings.Clone(e.By)
	if said == events.Unrated {
		said, by = "", ""
	}
	switch e.From {
	case events.ByPerson:
		r.Person, r.PersonBy = said, by
	case events.BySource:
		r.Source, r.SourceBy = said, by
	case events.ByRule:
		r.Rule, r.RuleBy = said, by
	}
	r.Verdict, r.Origin, r.By, r.Differ = "", "", "", false
	for _, one := range []struct {
		said events.Outcome
		from events.VerdictOrigin
		by   string
	}{{r.Person, events.ByPerson, r.PersonBy}, {r.Source, events.BySource, r.SourceBy}, {r.Rule, events.ByRule, r.RuleBy}} {
		switch {
		case one.said == "":
		case r.Verdict == "":
			r.Verdict, r.Origin, r.By = one.said, one.from, one.by
		default:
			r.Differ = r.Differ || one.said != r.Verdict
		}
	}
}

// MarshalJSON writes the columns.
func (r VerdictRow) MarshalJSON() ([]byte, error) { return verdictTable.JSON(&r) }
