package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// The states of a trigger.
const (
	TriggerActive  = "active"
	TriggerRemoved = "removed"
)

// TriggerRow is a row of triggers: what starts runs by itself.
type TriggerRow struct {
	Trigger   string `db:"trigger,pk"`
	Workspace string `db:"workspace,pk"`
	Status    string `db:"status"`
	// Cron and Zone are those of a clock, Webhook and Secret those of deliveries: how they are signed, and the environment variable
	// that holds the secret.
	Cron     string `db:"cron"`
	Zone     string `db:"zone"`
	Webhook  string `db:"webhook"`
	Secret   string `db:"secret_env"`
	Agent    string `db:"agent"`
	Workflow string `db:"workflow"`
	Goal     bool   `db:"goal"`
	Prompt   string `db:"prompt"`
	// Configured tells that it stands in the configuration.
	Configured bool      `db:"configured"`
	SetBy      string    `db:"set_by"`
	SetAt      time.Time `db:"set_at"`
	// Started counts the runs and goals that it started, Last is the latest.
	Started   int64     `db:"started"`
	Last      string    `db:"last"`
	LastAt    time.Time `db:"last_at"`
	TickAt    time.Time `db:"tick_at"` // the last tick of its clock that something came of
	Missed    int64     `db:"missed"`  // ticks for which nobody was there
	LastError string    `db:"last_error"`
	Position  uint64    `db:"position"`
}

var triggerTable = readmodel.NewTable("triggers", readmodel.TableOf[named, TriggerRow]{
	Key: func(r *TriggerRow) named { return named{r.Trigger, r.Workspace} },
	Fresh: func(k named, r *TriggerRow) {
		r.Trigger, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace)
	},
	Weigh: func(r *TriggerRow) int { return len(r.Prompt) + len(r.LastError) + 512 },
	Row: []readmodel.ColumnOf[TriggerRow]{
		readmodel.Key(readmodel.String("trigger", func(r *TriggerRow) *string { return &r.Trigger })),
		workspaceKey(func(r *TriggerRow) *string { return &r.Workspace }),
		readmodel.Symbol("status", func(r *TriggerRow) *string { return &r.Status }),
		orNull(readmodel.String("cron", func(r *TriggerRow) *string { return &r.Cron })),
		orNull(readmodel.Symbol("zone", func(r *TriggerRow) *string { return &r.Zone })),
		orNull(readmodel.Symbol("webhook", func(r *TriggerRow) *string { return &r.Webhook })),
		orNull(readmodel.String("secret_env", func(r *TriggerRow) *string { return &r.Secret })),
		orNull(readmodel.Symbol("agent", func(r *TriggerRow) *string { return &r.Agent })),
		orNull(readmodel.Symbol("workflow", func(r *TriggerRow) *string { return &r.Workflow })),
		readmodel.Bool("goal", func(r *TriggerRow) *bool { return &r.Goal }),
		readmodel.String("prompt", func(r *TriggerRow) *string { return &r.Prompt }),
		readmodel.Bool("configured", func(r *TriggerRow) *bool { return &r.Configured }),
		readmodel.Symbol("set_by", func(r *TriggerRow) *string { return &r.SetBy }),
		readmodel.Time("set_at", func(r *TriggerRow) *time.Time { return &r.SetAt }),
		readmodel.Int("started", func(r *TriggerRow) *int64 { return &r.Started }),
		orNull(readmodel.String("last", func(r *TriggerRow) *string { return &r.Last })),
		readmodel.Time("last_at", func(r *TriggerRow) *time.Time { return &r.LastAt }),
		readmodel.Time("tick_at", func(r *TriggerRow) *time.Time { return &r.TickAt }),
		readmodel.Int("missed", func(r *TriggerRow) *int64 { return &r.Missed }),
		orNull(readmodel.String("last_error", func(r *TriggerRow) *string { return &r.LastError })),
		readmodel.Int("position", func(r *TriggerRow) *uint64 { return &r.Position }),
	},
})

// triggers keeps what starts runs by itself, and what came of it.
var triggers = readmodel.Projection{
	Name: "triggers", Version: 1, Tables: []readmodel.AnyTable{triggerTable},
	Lists: []readmodel.List{triggerTable.List(readmodel.List{
		Name: "triggers", Help: "What starts runs by itself, by a clock or by deliveries, and what came of it", Order: readmodel.Ascending("trigger"),
		Filters: []readmodel.Filter{{Column: "status", Help: "Only triggers that stand there.", Values: []string{TriggerActive, TriggerRemoved}}},
	})},
	Bind: func(w *readmodel.WorkingSet) readmodel.Fold {
		rows := triggerTable.In(w)
		return func(f *readmodel.Fact) error { return foldTrigger(rows, f) }
	},
}

func foldTrigger(rows *readmodel.Cache[named, TriggerRow], f *readmodel.Fact) error {
	switch e := f.Event.(type) {
	case events.TriggerSet:
		if e.Trigger != f.ID {
			return readmodel.Damaged("it names %q, another than its stream", e.Trigger)
		}
		r, err := rows.Row(keyOf(f))
		if err != nil {
			return err
		}
		r.Status, r.Cron, r.Zone, r.Webhook, r.Secret = TriggerActive, strings.Clone(e.Cron), strings.Clone(e.Zone), string(e.Webhook), strings.Clone(e.Secret)
		r.Agent, r.Workflow, r.Goal, r.Prompt, r.Configured = strings.Clone(e.Agent), strings.Clone(e.Workflow), e.Goal, strings.Clone(e.Prompt), e.Configured
		r.SetBy, r.SetAt, r.Position = f.Envelope.Actor, f.When, f.Envelope.Position
	case events.TriggerRemoved:
		return onTrigger(rows, keyOf(f), f, true, func(r *TriggerRow) { r.Status = TriggerRemoved })
	case events.TimerFired:
		return onTrigger(rows, keyOf(f), f, true, func(r *TriggerRow) {
			r.TickAt, r.LastError = e.Tick.UTC(), strings.Clone(e.Error)
			r.Missed += int64(e.Missed)
		})
	case events.RunStarted:
		if e.Source != nil {
			return nil
		}
		return startedByTrigger(rows, f, e.Requester, e.Run)
	case events.GoalCreated:
		return startedByTrigger(rows, f, e.Requester, e.Goal)
	}
	return nil
}

func startedByTrigger(rows *readmodel.Cache[named, TriggerRow], f *readmodel.Fact, requester, what string) error {
	name, is := strings.CutPrefix(requester, events.TriggerRequester(""))
	if !is {
		return nil
	}
	return onTrigger(rows, named{name, f.Workspace}, f, false, func(r *TriggerRow) {
		r.Started++
		r.Last, r.LastAt = strings.Clone(what), f.When
	})
}

func onTrigger(rows *readmodel.Cache[named, TriggerRow], key named, f *readmodel.Fact, must bool, change func(*TriggerRow)) error {
	r, err := rows.Existing(key)
	switch {
	case err != nil:
		return err
	case r == nil && must:
		return readmodel.Damaged("the trigger was never set")
	case r == nil:
		return nil
	}
	change(r)
	r.Position = f.Envelope.Position
	return nil
}

// MarshalJSON writes the columns.
func (r TriggerRow) MarshalJSON() ([]byte, error) { return triggerTable.JSON(&r) }
