package aggregates_test

import (
	"math"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

var (
	evidence = events.Evidence{
		From: 3, To: 99, Positions: []uint64{5}, Statistic: "risk difference", Value: 0.2, Low: 0.1, High: 0.3, Confidence: 0.95, N: 40,
	}
	expected = events.Expected{Metric: "success_rate", Change: 0.2, Low: 0.1, High: 0.3}
	change   = events.Change{Kind: events.ChangeWorkflow, Workflow: "checkout", Instruction: "Look the order up first."}
)

// propose is a sound proposal with something changed.
func propose(with func(*commands.ProposeImprovement)) commands.ProposeImprovement {
	c := commands.ProposeImprovement{
		Improvement: "i", Analyst: "workflow", AnalystVersion: 2, Change: change, Reason: "It fails less.", Evidence: evidence, Expected: expected,
	}
	with(&c)
	return c
}

// proposal is the fact that comes of it.
func proposal(with func(*events.ImprovementProposed)) events.ImprovementProposed {
	e := events.ImprovementProposed{
		Improvement: "i", Analyst: "workflow", AnalystVersion: 2, Change: change, Reason: "It fails less.", Evidence: evidence, Expected: expected,
	}
	with(&e)
	return e
}

// history is an improvement's life up to a point.
func history(rest ...events.Event) []events.Event {
	return append([]events.Event{proposal(func(*events.ImprovementProposed) {})}, rest...)
}

func TestProposeImprovement(t *testing.T) {
	t.Parallel()
	scenarios{
		"happy":         {when: propose(func(*commands.ProposeImprovement) {}), then: history()},
		"there already": {given: history(), when: propose(func(*commands.ProposeImprovement) {}), err: aggregates.ErrExists},
		"rejected before": {
			given: history(events.ImprovementRejected{By: "user:anna"}), when: propose(func(*commands.ProposeImprovement) {}), err: aggregates.ErrExists,
		},
		"no reason":        {when: propose(func(c *commands.ProposeImprovement) { c.Reason = "" }), err: aggregates.ErrInvalid},
		"no analyst":       {when: propose(func(c *commands.ProposeImprovement) { c.Analyst = "" }), err: aggregates.ErrInvalid},
		"worth no number":  {when: propose(func(c *commands.ProposeImprovement) { c.Worth = worth(math.Inf(1), events.LessDollars) }), err: aggregates.ErrInvalid},
		"worth in no unit": {when: propose(func(c *commands.ProposeImprovement) { c.Worth = worth(1, "beers") }), err: aggregates.ErrInvalid},
		"several, one of them not allowed": {policy: aggregates.Policy{MaxTokens: 5}, when: propose(func(c *commands.ProposeImprovement) {
			c.Change = events.Change{Kind: events.ChangePrompt, Agent: "clerk", Config: &events.AgentConfig{Prompt: "a"}, Others: []events.AgentConfig{{Prompt: "b"}, {Prompt: "c", MaxTokens: 9}}}
		}), err: aggregates.ErrPolicy},
		"more than can be tried": {when: propose(func(c *commands.ProposeImprovement) {
			c.Change = events.Change{Kind: events.ChangePrompt, Agent: "clerk", Config: &events.AgentConfig{}, Others: make([]events.AgentConfig, 8)}
		}), err: aggregates.ErrInvalid},
		"several of what configures nothing": {when: propose(func(c *commands.ProposeImprovement) {
			c.Change = events.Change{Kind: events.ChangeWorkflow, Workflow: "w", Others: []events.AgentConfig{{}}}
		}), err: aggregates.ErrInvalid},
		"several of a merge that says not to whom": {when: propose(func(c *commands.ProposeImprovement) {
			c.Change = events.Change{Kind: events.ChangeMerge, Agent: "clerk", Others: []events.AgentConfig{{}}}
		}), err: aggregates.ErrInvalid},
		"several beside an agent that is made for it": {when: propose(func(c *commands.ProposeImprovement) {
			to := events.AgentConfig{Routes: []events.Route{{To: "expert"}}}
			c.Change = events.Change{Kind: events.ChangeSpawn, Agent: "clerk", Config: &to, Others: []events.AgentConfig{to}, Spawn: &events.NewAgent{Agent: "expert"}}
		}), err: aggregates.ErrInvalid},
		"expects no number":  {when: propose(func(c *commands.ProposeImprovement) { c.Expected.Change = math.NaN() }), err: aggregates.ErrInvalid},
		"expects everything": {when: propose(func(c *commands.ProposeImprovement) { c.Expected.High = math.Inf(1) }), err: aggregates.ErrInvalid},
	}.run(t)
	refusesBadNames(t, nil, func(name string) commands.Command {
		return propose(func(c *commands.ProposeImprovement) { c.Improvement = name })
	})
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		with  func(*events.Evidence)
		sound bool
	}{
		"sound":                    {with: func(*events.Evidence) {}, sound: true},
		"of one run":               {with: func(e *events.Evidence) { e.N = 1 }, sound: true},
		"of one event":             {with: func(e *events.Evidence) { e.From = e.To }, sound: true},
		"a point":                  {with: func(e *events.Evidence) { e.Low, e.High = e.Value, e.Value }, sound: true},
		"none":                     {with: func(e *events.Evidence) { *e = events.Evidence{} }},
		"no statistic":             {with: func(e *events.Evidence) { e.Statistic = "" }},
		"no run":                   {with: func(e *events.Evidence) { e.N = 0 }},
		"less than no run":         {with: func(e *events.Evidence) { e.N = -1 }},
		"no positions":             {with: func(e *events.Evidence) { e.From, e.To = 0, 0 }},
		"ends before it starts":    {with: func(e *events.Evidence) { e.From = 100 }},
		"value below its interval": {with: func(e *events.Evidence) { e.Value = 0.09 }},
		"value above its interval": {with: func(e *events.Evidence) { e.Value = 0.31 }},
		"interval upside down":     {with: func(e *events.Evidence) { e.Low, e.High = e.High, e.Low }},
		"value NaN":                {with: func(e *events.Evidence) { e.Value = math.NaN() }},
		"low NaN":                  {with: func(e *events.Evidence) { e.Low = math.NaN() }},
		"high NaN":                 {with: func(e *events.Evidence) { e.High = math.NaN() }},
		"low without bound":        {with: func(e *events.Evidence) { e.Low = math.Inf(-1) }},
		"high without bound":       {with: func(e *events.Evidence) { e.High = math.Inf(1) }},
		"confidence NaN":           {with: func(e *events.Evidence) { e.Confidence = math.NaN() }},
		"no confidence":            {with: func(e *events.Evidence) { e.Confidence = 0 }},
		"certain":                  {with: func(e *events.Evidence) { e.Confidence = 1 }},
		"confidence in percent":    {with: func(e *events.Evidence) { e.Confidence = 95 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := evidence
			tt.with(&e)
			refusal := aggregates.ErrEvidence
			if tt.sound {
				refusal = nil
			}
			scenario{
				when: propose(func(c *commands.ProposeImprovement) { c.Evidence = e }), err: refusal,
				then: []events.Event{proposal(func(p *events.ImprovementProposed) { p.Evidence = e })},
			}.run(t)
			scenario{
				given: history(events.ImprovementApproved{By: "user:anna"}, events.ImprovementApplied{Share: 50}),
				when:  commands.MeasureImprovement{Improvement: "i", Metric: "success_rate", Evidence: e}, err: refusal,
				then: []events.Event{events.ImprovementEffectMeasured{Metric: "success_rate", Evidence: e}},
			}.run(t)
		})
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change events.Change
		err    error
	}{
		"a kind that does not exist": {change: events.Change{Kind: "reboot", Agent: "a", Workflow: "w", Config: &config}, err: aggregates.ErrInvalid},
		"no kind":                    {change: events.Change{Agent: "a", Workflow: "w", Config: &config}, err: aggregates.ErrInvalid},
		"merge":                      {change: events.Change{Kind: events.ChangeMerge, Agent: "a"}},
		"split":                      {change: events.Change{Kind: events.ChangeSplit, Agent: "a"}},
		"retire":                     {change: events.Change{Kind: events.ChangeRetire, Agent: "a"}},
		"retire nobody":              {change: events.Change{Kind: events.ChangeRetire, Workflow: "w"}, err: aggregates.ErrInvalid},
		"workflow":                   {change: events.Change{Kind: events.ChangeWorkflow, Workflow: "w"}},
		"runbook":                    {change: events.Change{Kind: events.ChangeRunbook, Workflow: "w", Steps: []string{"a", "b"}}},
		"runbook of nothing":         {change: events.Change{Kind: events.ChangeRunbook, Agent: "a"}, err: aggregates.ErrInvalid},
		"model":                      {change: events.Change{Kind: events.ChangeModel, Agent: "a", Config: &config}},
		"temperature":                {change: events.Change{Kind: events.ChangeTemperature, Agent: "a", Config: &config}},
		"prompt":                     {change: events.Change{Kind: events.ChangePrompt, Agent: "a", Config: &config}},
		"tools":                      {change: events.Change{Kind: events.ChangeTools, Agent: "a", Config: &config}},
		"token limit":                {change: events.Change{Kind: events.ChangeTokenLimit, Agent: "a", Config: &config}},
		"prompt of nobody":           {change: events.Change{Kind: events.ChangePrompt, Config: &config}, err: aggregates.ErrInvalid},
		"prompt without one":         {change: events.Change{Kind: events.ChangePrompt, Agent: "a"}, err: aggregates.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario{
				when: propose(func(c *commands.ProposeImprovement) { c.Change = tt.change }), err: tt.err,
				then: []events.Event{proposal(func(e *events.ImprovementProposed) { e.Change = tt.change })},
			}.run(t)
		})
	}
}

func revise(s events.Strength) commands.ReviseEvidence {
	return commands.ReviseEvidence{Improvement: "i", Strength: s, Reason: "Today's.", Evidence: evidence, Expected: expected}
}

func worth(month float64, unit events.WorthUnit) *events.Worth {
	return &events.Worth{Unit: unit, Month: month, Severity: events.SeverityLow}
}

func moved(m events.EvidenceMove, s events.Strength) events.ImprovementEvidenceChanged {
	return events.ImprovementEvidenceChanged{Move: m, Strength: s, Reason: "Today's.", Evidence: evidence, Expected: expected}
}

// The evidence of a proposal is a fact when its standing changes, and not at each look.
func TestReviseEvidence(t *testing.T) {
	t.Parallel()
	strong := []events.Event{proposal(func(e *events.ImprovementProposed) { e.Strength = events.Strong })}
	with := func(f func(*commands.ReviseEvidence)) commands.ReviseEvidence {
		c := revise(events.Weak)
		f(&c)
		return c
	}
	scenarios{
		"as it stands":              {given: strong, when: revise(events.Strong)},
		"as it stood before levels": {given: history(), when: revise(events.Moderate)},
		"stronger":                  {given: strong, when: revise(events.VeryStrong), then: []events.Event{moved(events.EvidenceStronger, events.VeryStrong)}},
		"weaker":                    {given: strong, when: revise(events.Moderate), then: []events.Event{moved(events.EvidenceWeaker, events.Moderate)}},
		"weak":                      {given: strong, when: revise(events.Weak), then: []events.Event{moved(events.EvidenceWeaker, events.Weak)}},
		"gone":                      {given: strong, when: revise(events.Gone), then: []events.Event{moved(events.EvidenceGone, events.Gone)}},
		"reversed":                  {given: strong, when: revise(events.Reversed), then: []events.Event{moved(events.EvidenceReversed, events.Reversed)}},
		"weaker, then as that":      {given: append(strong, moved(events.EvidenceWeaker, events.Weak)), when: revise(events.Weak)},
		"no strength":               {given: strong, when: revise("great"), err: aggregates.ErrInvalid},
		"without evidence":          {given: strong, when: with(func(c *commands.ReviseEvidence) { c.Evidence.N = 0 }), err: aggregates.ErrEvidence},
		"worth no number":           {given: strong, when: with(func(c *commands.ReviseEvidence) { c.Worth = worth(math.NaN(), events.LessDollars) }), err: aggregates.ErrInvalid},
		"expects no number":         {given: strong, when: with(func(c *commands.ReviseEvidence) { c.Expected.High = math.NaN() }), err: aggregates.ErrInvalid},
	}.run(t)
}

func TestGenerations(t *testing.T) {
	t.Parallel()
	generation := func(n int, previous string) commands.ProposeImprovement {
		return propose(func(c *commands.ProposeImprovement) { c.Generation, c.Previous = n, previous })
	}
	scenarios{
		"the second names the first": {when: generation(2, "i-1"), then: []events.Event{
			proposal(func(e *events.ImprovementProposed) { e.Generation, e.Previous = 2, "i-1" }),
		}},
		"the second of none":      {when: generation(2, ""), err: aggregates.ErrInvalid},
		"the first names another": {when: generation(0, "h"), err: aggregates.ErrInvalid},
		"less than none":          {when: generation(-1, ""), err: aggregates.ErrInvalid},
		"of weak evidence":        {when: propose(func(c *commands.ProposeImprovement) { c.Strength = events.Weak }), err: aggregates.ErrEvidence},
	}.run(t)
}

// TestImprovementLife holds every wish against every state: what is not listed is refused.
func TestImprovementLife(t *testing.T) {
	t.Parallel()
	approved, rejected := events.ImprovementApproved{By: "user:anna"}, events.ImprovementRejected{By: "user:anna", Reason: "no"}
	applied, undone := events.ImprovementApplied{Share: 50, Before: &config}, events.ImprovementRolledBack{Reason: "guardrail"}
	measured := events.ImprovementEffectMeasured{Metric: "success_rate", Evidence: evidence}
	states := map[string][]events.Event{
		"proposed":              history(),
		"approved":              history(approved),
		"approved by policy":    history(events.ImprovementApproved{By: "policy"}),
		"rejected":              history(rejected),
		"applied":               history(approved, applied),
		"applied, measured":     history(approved, applied, measured),
		"rolled back":           history(approved, applied, undone),
		"rolled back, measured": history(approved, applied, undone, measured),
		"weaker":                history(moved(events.EvidenceWeaker, events.Weak)),
		"withdrawn":             history(moved(events.EvidenceGone, events.Gone)),
		"reversed":              history(approved, moved(events.EvidenceReversed, events.Reversed)),
	}
	wishes := map[string]struct {
		when commands.Command
		then events.Event
		in   []string
	}{
		"approve":   {commands.ApproveImprovement{Improvement: "i", By: "user:anna"}, approved, []string{"proposed", "approved by policy", "weaker"}},
		"reject":    {commands.RejectImprovement{Improvement: "i", By: "user:anna", Reason: "no"}, rejected, []string{"proposed", "approved", "approved by policy", "weaker"}},
		"apply":     {commands.ApplyImprovement{Improvement: "i", SharePermille: 60, Before: &config}, events.ImprovementApplied{Share: 60, Before: &config}, []string{"approved", "approved by policy", "applied", "applied, measured"}},
		"roll back": {commands.RollBackImprovement{Improvement: "i", Reason: "guardrail"}, undone, []string{"applied", "applied, measured"}},
		"measure":   {commands.MeasureImprovement{Improvement: "i", Metric: "success_rate", Evidence: evidence}, measured, []string{"applied", "applied, measured", "rolled back", "rolled back, measured"}},
	}
	wishes["revise"] = struct {
		when commands.Command
		then events.Event
		in   []string
	}{revise(events.Strong), moved(events.EvidenceStronger, events.Strong), []string{"proposed", "approved", "approved by policy", "weaker"}}
	for wish, w := range wishes {
		all := scenarios{wish + " what nobody proposed": {when: w.when, err: aggregates.ErrMissing}}
		for state, given := range states {
			s := scenario{policy: aggregates.Policy{MaxShare: 1000}, given: given, when: w.when, err: aggregates.ErrState}
			for _, in := range w.in {
				if in == state {
					s.err, s.then = nil, []events.Event{w.then}
				}
			}
			all[wish+" when "+state] = s
		}
		all.run(t)
	}
	wild := events.AgentConfig{Temperature: ptr(math.NaN())}
	scenarios{
		"apply at the same share":         {given: states["applied"], when: commands.ApplyImprovement{Improvement: "i", SharePermille: 50}},
		"apply to nothing":                {given: states["approved"], when: commands.ApplyImprovement{Improvement: "i"}, err: aggregates.ErrInvalid},
		"apply to more than all":          {given: states["approved"], when: commands.ApplyImprovement{Improvement: "i", SharePermille: 1001}, err: aggregates.ErrInvalid},
		"apply over what can't be stored": {given: states["approved"], when: commands.ApplyImprovement{Improvement: "i", SharePermille: 5, Before: &wild}, err: aggregates.ErrInvalid},
		"reject by nobody":                {given: states["proposed"], when: commands.RejectImprovement{Improvement: "i"}, err: aggregates.ErrInvalid},
	}.run(t)
}
