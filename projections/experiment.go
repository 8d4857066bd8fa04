package projections

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// The statuses of an experiment. A held-back one never ends: it is what an agent's changes together are measured by.
const (
	ExperimentPlanned    = "planned"
	ExperimentRunning    = "running"
	ExperimentProved     = "proved"
	ExperimentPromoted   = "promoted"
	ExperimentRolledBack = "rolled_back"
	ExperimentStopped    = "stopped"
	ExperimentExpired    = "expired"
	ExperimentHeldBack   = "held_back"
)

// ExperimentRow is a row of experiments.
type ExperimentRow struct {
	Experiment string `db:"experiment,pk"`
	Workspace  string `db:"workspace,pk"`
	// Agent is empty where a runbook is tried, which Runbook names, and Book is the version of it that is.
	Agent       string               `db:"agent"`
	Runbook     string               `db:"runbook"`
	Book        *events.RunbookSaved `db:"book"`
	Improvement string               `db:"improvement"`
	Kind        string               `db:"kind"`
	Status      string               `db:"status"` // planned, running, proved, promoted, rolled_back, stopped, expired, held_back
	Share       int64                `db:"share_permille"`
	// Shares are those of all arms, in their order, where there are several candidates.
	Shares    []int              `db:"shares_permille"`
	MaxShare  int64              `db:"max_share_permille"`
	LetBy     string             `db:"let_by"`
	DecidedBy string             `db:"decided_by"`
	Guardrail string             `db:"guardrail"`
	Reason    string             `db:"reason"`
	Config    events.AgentConfig `db:"config"`
	// Others are the configurations of further candidates, Promoted is the arm that was promoted, or may be.
	Others   []events.AgentConfig  `db:"others"`
	Promoted string                `db:"promoted"`
	Plan     events.ExperimentPlan `db:"plan"`
	// Level is the chance of a promotion of what is no better, as exact text.
	Level float64 `db:"level"`
	// Arms are the runs that have ended, by the arm that they were drawn into. Proof is what the latest decision rests on, nil
	// where none was made.
	Arms      []events.ArmCount `db:"arms"`
	Proof     *events.Proof     `db:"proof"`
	PlannedAt time.Time         `db:"planned_at"`
	StartedAt time.Time         `db:"started_at"`
	EndedAt   time.Time         `db:"ended_at"`
	Position  uint64            `db:"position"`
}

var experimentTable = readmodel.NewTable("experiments", readmodel.TableOf[named, ExperimentRow]{
	Key: func(r *ExperimentRow) named { return named{r.Experiment, r.Workspace} },
	Fresh: func(k named, r *ExperimentRow) {
		r.Experiment, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace)
	},
	Weigh: func(r *ExperimentRow) int { return len(r.Config.Prompt) + len(r.Reason) + 1024 },
	Row: []readmodel.ColumnOf[ExperimentRow]{
		readmodel.Key(readmodel.String("experiment", func(r *ExperimentRow) *string { return &r.Experiment })),
		workspaceKey(func(r *ExperimentRow) *string { return &r.Workspace }),
		readmodel.Symbol("agent", func(r *ExperimentRow) *string { return &r.Agent }),
		readmodel.String("improvement", func(r *ExperimentRow) *string { return &r.Improvement }),
		readmodel.Symbol("kind", func(r *ExperimentRow) *string { return &r.Kind }),
		readmodel.Symbol("status", func(r *ExperimentRow) *string { return &r.Status }),
		readmodel.Int("share_permille", func(r *ExperimentRow) *int64 { return &r.Share }),
		readmodel.Int("max_share_permille", func(r *ExperimentRow) *int64 { return &r.MaxShare }),
		readmodel.Symbol("let_by", func(r *ExperimentRow) *string { return &r.LetBy }),
		readmodel.Symbol("decided_by", func(r *ExperimentRow) *string { return &r.DecidedBy }),
		readmodel.Symbol("guardrail", func(r *ExperimentRow) *string { return &r.Guardrail }),
		readmodel.String("reason", func(r *ExperimentRow) *string { return &r.Reason }),
		readmodel.Time("planned_at", func(r *ExperimentRow) *time.Time { return &r.PlannedAt }),
		readmodel.Time("started_at", func(r *ExperimentRow) *time.Time { return &r.StartedAt }),
		readmodel.Time("ended_at", func(r *ExperimentRow) *time.Time { return &r.EndedAt }),
		readmodel.Int("position", func(r *ExperimentRow) *uint64 { return &r.Position }),
		readmodel.Document("config", func(r *ExperimentRow) *events.AgentConfig { return &r.Config }),
		readmodel.As(readmodel.Document("others", func(r *ExperimentRow) *[]events.AgentConfig { return &r.Others }), "others", func(r *ExperimentRow) any { return jsonList(r.Others) }),
		readmodel.As(readmodel.Document("shares_permille", func(r *ExperimentRow) *[]int { return &r.Shares }), "shares_permille", func(r *ExperimentRow) any { return jsonList(r.Shares) }),
		readmodel.Symbol("promoted", func(r *ExperimentRow) *string { return &r.Promoted }),
		readmodel.Document("plan", func(r *ExperimentRow) *events.ExperimentPlan { return &r.Plan }),
		readmodel.Document("level", func(r *ExperimentRow) *float64 { return &r.Level }),
		readmodel.As(readmodel.Document("arms", func(r *ExperimentRow) *[]events.ArmCount { return &r.Arms }), "arms", func(r *ExperimentRow) any { return jsonList(r.Arms) }),
		readmodel.Document("proof", func(r *ExperimentRow) **events.Proof { return &r.Proof }),
		readmodel.Symbol("runbook", func(r *ExperimentRow) *string { return &r.Runbook }),
		readmodel.Document("book", func(r *ExperimentRow) **events.RunbookSaved { return &r.Book }),
	},
})

// Subject names what is tried of: the agent, or the runbook.
func (r ExperimentRow) Subject() string { return cmp.Or(r.Agent, r.Runbook) }

// drawnRow is a row of drawn_runs: a run that takes part in experiments.
type drawnRow struct {
	run, workspace string
	arms           []events.Arm
	at             time.Time
	ended          bool
	// met tells that it met an error that a fix is known for.
	met bool
}

var drawnTable = readmodel.NewTable("drawn_runs", readmodel.TableOf[named, drawnRow]{
	Table: readmodel.Table{Large: true},
	Key:   func(r *drawnRow) named { return named{r.run, r.workspace} },
	Fresh: func(k named, r *drawnRow) { r.run, r.workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *drawnRow) int { return 64 + 96*len(r.arms) },
	Row: []readmodel.ColumnOf[drawnRow]{
		readmodel.Key(readmodel.String("run", func(r *drawnRow) *string { return &r.run })),
		workspaceKey(func(r *drawnRow) *string { return &r.workspace }),
		readmodel.Time("drawn_at", func(r *drawnRow) *time.Time { return &r.at }),
		readmodel.Bool("ended", func(r *drawnRow) *bool { return &r.ended }),
		readmodel.Document("arms", func(r *drawnRow) *[]events.Arm { return &r.arms }),
		readmodel.Bool("met", func(r *drawnRow) *bool { return &r.met }),
	},
})

// experiments keeps what is tried on a part of the runs, and what they came to.
var experiments = readmodel.Projection{
	Name: "experiments", Version: 7, Tables: []readmodel.AnyTable{experimentTable, drawnTable, drawnGoalTable},
	Lists: []readmodel.List{experimentTable.List(readmodel.List{
		Name: "experiments", Help: "Changes that are tried on a part of the runs, and what these came to, the latest first",
		Order: []readmodel.Order{{Column: "position", Descending: true}},
		Filters: []readmodel.Filter{{
			Column: "status", Help: "Only experiments that stand there.", Values: []string{
				ExperimentPlanned, ExperimentRunning, ExperimentProved, ExperimentPromoted, ExperimentRolledBack, ExperimentStopped,
				ExperimentExpired, ExperimentHeldBack,
			},
		}},
	})},
	Bind: bindExperiments,
}

// experimentFold is the fold into experiments.
type experimentFold struct {
	experiments *readmodel.Cache[named, ExperimentRow]
	drawn       *readmodel.Cache[named, drawnRow]
	goals       *readmodel.Cache[named, drawnGoal]
	*result
}

func bindExperiments(w *readmodel.WorkingSet) readmodel.Fold {
	return (&experimentFold{experimentTable.In(w), drawnTable.In(w), drawnGoalTable.In(w), resultOfRun.In(w)}).fold
}

func (w *experimentFold) fold(f *readmodel.Fact) error {
	switch e := f.Event.(type) {
	case events.RunAssigned:
		return w.draw(f, e)
	case events.RunFixKnown:
		return w.meet(f, e)
	case events.Experiment:
		return w.experiment(f, e)
	case events.Goal:
		return w.goal(f, e)
	}
	// Imported runs are never assigned.
	if w.row != nil && w.row.Source == "" {
		return w.count(f)
	}
	return nil
}

func (w *experimentFold) draw(f *readmodel.Fact, e events.RunAssigned) error {
	if len(e.Arms) == 0 {
		return nil
	}
	r, err := w.drawn.Row(keyOf(f))
	if err != nil {
		return err
	}
	r.arms, r.at = e.Arms, f.When
	for _, arm := range e.Arms {
		agent, is := strings.CutPrefix(arm.Experiment, events.Holdback(""))
		if !is {
			continue
		}
		if _, err := w.heldBack(f, arm.Experiment, agent, "", events.CurrentArm, events.FrozenArm); err != nil {
			return err
		}
	}
	return nil
}

// heldBack opens an experiment that never ends.
func (w *experimentFold) heldBack(f *readmodel.Fact, experiment, agent, kind string, arms ...string) (*ExperimentRow, error) {
	x, err := w.experiments.Row(named{experiment, f.Workspace})
	if err != nil {
		return nil, err
	}
	if x.Status == "" {
		x.Agent, x.Kind, x.Status, x.StartedAt, x.PlannedAt = agent, kind, ExperimentHeldBack, f.When, f.When
		for _, arm := range arms {
			x.Arms = append(x.Arms, events.ArmCount{Arm: arm})
		}
	}
	x.Position = f.Envelope.Position
	return x, nil
}

// meet notes that a run met an error that a fix is known for. It counts for the first one only, in the arm that it was drawn into before.
func (w *experimentFold) meet(f *readmodel.Fact, e events.RunFixKnown) error {
	r, err := w.drawn.Existing(keyOf(f))
	if err != nil || r == nil || r.met {
		return err
	}
	for i, arm := range r.arms {
		if arm.Arm != events.GivenArm && arm.Arm != events.HeldOutArm {
			continue
		}
		r.met = true
		r.arms = slices.Clone(r.arms)
		agent := strings.TrimPrefix(arm.Experiment, events.Prevention("", ""))
		r.arms[i].Experiment = events.Prevention(agent, e.Fix)
		_, err := w.heldBack(f, r.arms[i].Experiment, agent, string(events.ChangeFixes), events.GivenArm, events.HeldOutArm)
		return err
	}
	return nil
}

// count counts a run where it ends, and otherwise than before where a verdict on it comes later.
func (w *experimentFold) count(f *readmodel.Fact) error {
	run := w.row
	r, err := w.drawn.Existing(named{run.Run, run.Workspace})
	if err != nil || r == nil || r.ended == w.ended {
		return err
	}
	r.ended = true
	for _, arm := range r.arms {
		x, err := w.experiments.Existing(named{arm.Experiment, f.Workspace})
		if err != nil {
			return err
		}
		if x == nil {
			continue
		}
		x.Arms = slices.Clone(x.Arms)
		for i := range x.Arms {
			if a := &x.Arms[i]; a.Arm == arm.Arm {
				var failed int64
				tally(w.before, -1, &a.Succeeded, &failed, &a.Unrated, &a.Unrated)
				tally(w.after, 1, &a.Succeeded, &failed, &a.Unrated, &a.Unrated)
				a.Judged += w.judged
				if w.ended {
					a.Runs++
					spent := a.Cost().Plus(run.Cost)
					a.CostNanos, a.UnpricedCalls = spent.CostNanos, spent.UnpricedCalls
					a.Milliseconds += max(f.When.Sub(r.at).Milliseconds(), 0)
				}
			}
		}
	}
	return nil
}

func (w *experimentFold) experiment(f *readmodel.Fact, e events.Experiment) error {
	if e, ok := e.(events.ExperimentPlanned); ok {
		if err := f.Opens(e.Experiment); err != nil {
			return err
		}
		r, err := w.experiments.Row(keyOf(f))
		if err != nil {
			return err
		}
		*r = ExperimentRow{
			Experiment: e.Experiment, Workspace: r.Workspace, Agent: e.Agent, Improvement: e.Improvement, Kind: string(e.Change), Status: ExperimentPlanned,
			MaxShare: int64(e.MaxShare), LetBy: e.By, Config: e.Config, Plan: e.Plan, PlannedAt: f.When, Position: f.Envelope.Position,
			Others: e.Others, Arms: []events.ArmCount{{Arm: events.ControlArm}, {Arm: events.CandidateArm}},
		}
		if e.Book != nil {
			r.Runbook, r.Book = e.Book.Runbook, e.Book
		}
		for i := range e.Others {
			r.Arms = append(r.Arms, events.ArmCount{Arm: events.Candidate(i + 1)})
		}
		return nil
	}
	r, err := w.experiments.Existing(keyOf(f))
	if err != nil {
		return err
	}
	if r == nil {
		return readmodel.Damaged("the experiment was never planned")
	}
	r.Position = f.Envelope.Position
	end := func(status string, proof *events.Proof) {
		r.Status, r.EndedAt, r.Proof, r.Share, r.Shares = status, f.When, proof, 0, nil
	}
	switch e := e.(type) {
	case events.ExperimentPlanned:
	case events.ExperimentStarted:
		r.Status, r.Share, r.Level, r.StartedAt = ExperimentRunning, int64(e.Share), e.Level, f.When
		if n := 1 + len(r.Others); n > 1 {
			r.Shares = slices.Repeat([]int{e.Share}, n+1)
			r.Shares[0] = 1000 - n*e.Share
			r.Share = int64(n * e.Share)
		}
	case events.ExperimentAllocated:
		if len(e.Shares) != len(r.Arms) {
			return readmodel.Damaged("it gives shares to other arms than there are")
		}
		r.Shares, r.Share, r.Proof = e.Shares, int64(1000-e.Shares[0]), &e.Proof
	case events.ExperimentMoved:
		r.Share, r.Proof = int64(e.Share), &e.Proof
	case events.ExperimentProved:
		r.Status, r.Proof, r.Promoted = ExperimentProved, &e.Proof, e.Arm
	case events.ExperimentPromoted:
		end(ExperimentPromoted, &e.Proof)
		r.DecidedBy, r.Share, r.Promoted = e.By, 1000, e.Arm
	case events.ExperimentRolledBack:
		end(ExperimentRolledBack, &e.Proof)
		r.Guardrail, r.Reason = e.Guardrail, e.Reason
	case events.ExperimentStopped:
		end(ExperimentStopped, r.Proof)
		r.DecidedBy, r.Reason = e.By, e.Reason
	case events.ExperimentExpired:
		end(ExperimentExpired, &e.Proof)
		r.Reason = e.Reason
	}
	return nil
}
