package cost

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// ModelEnds is the kind of the finding that a model in use will be no more.
const ModelEnds = "model_ends"

// ending is when a provider said that a model ends, and by what it is followed.
type ending struct{ model, on, next string }

// endings are what providers had announced by November 2026. Names that go on with a date are the same model.
var endings = []ending{
	{"gpt-5", "2026-12-11", "gpt-6"}, {"gpt-5-mini", "2026-12-11", "gpt-6-luna"}, {"gpt-5-nano", "2026-12-11", "gpt-6-luna"},
	{"gpt-4o", "2027-01-14", "gpt-6-luna"}, {"gpt-4o-mini", "2027-01-14", "gpt-6-luna"},
	{"gpt-4.1", "2027-01-14", "gpt-6-luna"}, {"gpt-4.1-mini", "2027-01-14", "gpt-6-luna"},
}

// ahead is how many days before its end a model is told of: before that nobody need act.
const ahead = 120

// endOf is the announced end of a model, by its name or by its name with the date of a snapshot behind it.
func endOf(model string) (ending, bool) {
	for _, e := range endings {
		rest, ok := strings.CutPrefix(model, e.model)
		if dated := strings.TrimLeft(rest, "-0123456789"); ok && (rest == "" || rest[0] == '-' && dated == "") {
			return e, true
		}
	}
	return ending{}, false
}

// ends tell which models in use will be no more, who uses them, and what the history says of those that agents use beside them.
func (v *View) ends() []evidence.Finding {
	if len(v.Spent) == 0 {
		return nil
	}
	today := dayOf(v.Spent[len(v.Spent)-1].Day)
	month := today.AddDate(0, 0, -30).UnixNano()
	type use struct {
		ending
		runs, all, good int64
		agents          map[string]int64
		first, last     uint64
		named           bool
	}
	uses := map[string]*use{}
	at := func(model string) *use {
		e, ok := endOf(model)
		on, err := time.Parse(dayLayout, e.on)
		if !ok || err != nil || on.After(today.AddDate(0, 0, ahead)) {
			return nil
		}
		if uses[model] == nil {
			uses[model] = &use{ending: e, agents: map[string]int64{}}
		}
		return uses[model]
	}
	for i := range v.Runs {
		r := &v.Runs[i]
		u := at(r.Model)
		if u == nil {
			continue
		}
		if u.all++; u.all == 1 {
			u.first = r.First
		}
		u.last = r.Last
		if r.Started >= month {
			u.runs++
			u.agents[r.Agent]++
			if r.Good {
				u.good++
			}
		}
	}
	var names []string
	for agent, c := range v.Agents {
		if u := at(c.Model); u != nil {
			u.agents[agent] += 0
			u.named = true
		}
	}
	for model, u := range uses {
		if u.runs > 0 || u.named {
			names = append(names, model)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(strings.Compare(uses[a].on, uses[b].on), cmp.Compare(uses[b].runs, uses[a].runs), strings.Compare(a, b))
	})
	var findings []evidence.Finding
	for _, model := range names {
		u := uses[model]
		on := dayOf(u.on)
		days := int(on.Sub(today).Hours() / 24)
		when, severity := fmt.Sprintf("ends on %s, in %d days", u.on, days), events.SeverityMedium
		switch {
		case days < 0:
			when, severity = "ended on "+u.on, events.SeverityCritical
		case days <= 14:
			severity = events.SeverityCritical
		case days <= 60:
			severity = events.SeverityHigh
		}
		agents := make([]string, 0, len(u.agents))
		for a := range u.agents {
			agents = append(agents, a)
		}
		slices.SortFunc(agents, func(a, b string) int { return cmp.Or(cmp.Compare(u.agents[b], u.agents[a]), strings.Compare(a, b)) })
		who := strings.Join(agents[:min(len(agents), 3)], ", ")
		if more := len(agents) - 3; more > 0 {
			who += fmt.Sprintf(" and %d more", more)
		}
		i := stats.Wilson(u.good, u.runs, confidence)
		share := float64(u.good) / float64(max(u.runs, 1))
		findings = append(findings, evidence.Finding{
			Kind: ModelEnds, Subject: []string{"model", model}, Of: len(names), Severity: severity,
			Text: fmt.Sprintf("%s %s: %d runs of the last 30 days used it (%s). Its provider names %s to follow it. %s", model, when, u.runs, who, u.next, v.successor(model)),
			Evidence: events.Evidence{
				From: max(u.first, 1), To: max(u.last, v.Position, 1), Statistic: "success rate of the last 30 days with it, Wilson's interval; ends as announced", Confidence: confidence, N: u.runs,
				Value: stats.Round(share), Low: stats.Round(min(i.Low, share)), High: stats.Round(i.High), Counts: map[string]int64{"days_left": int64(days)},
			},
		})
	}
	return findings
}

// successor is what the history says of the models that the same agents use beside one, within tasks.
func (v *View) successor(model string) string {
	type user struct{ workflow, agent string }
	rows := map[string][]*Run{}
	users := map[user]bool{}
	for i := range v.Runs {
		if r := &v.Runs[i]; r.Model == model {
			users[user{r.Workflow, r.Agent}] = true
		}
	}
	var old []*Run
	for i := range v.Runs {
		switch r := &v.Runs[i]; {
		case !users[user{r.Workflow, r.Agent}]:
		case r.Model == model:
			old = append(old, r)
		default:
			if _, ends := endOf(r.Model); !ends {
				rows[r.Model] = append(rows[r.Model], r)
			}
		}
	}
	var best *route
	for other, runs := range rows {
		if min(len(runs), len(old)) < minSides {
			continue
		}
		r := &route{now: model, other: other, rows: slices.Concat(runs, old)}
		slices.SortFunc(r.rows, func(a, b *Run) int { return cmp.Compare(a.First, b.First) })
		if r.compared = r.compare(0, ^uint64(0)); r.strata.Informative > 0 && (best == nil || r.interval.Low > best.interval.Low || r.interval.Low == best.interval.Low && other < best.other) {
			best = r
		}
	}
	if best == nil {
		return "The history knows too little of another model at these tasks: `virtuous6 experiments start` tries one."
	}
	t, money := best.strata.Total, fmt.Sprintf("$%.4f a run less", best.saving/1e9)
	if best.saving < 0 {
		money = fmt.Sprintf("$%.4f a run more", -best.saving/1e9)
	}
	return fmt.Sprintf("Of those that these agents use beside it, %s did best: %+.0f points on like tasks (%d of %d against %d of %d; 95%% interval %+.0f to %+.0f), %s.",
		best.other, 100*best.difference, t.WithSucceeded, t.With, t.WithoutSucceeded, t.Without, 100*best.interval.Low, 100*best.interval.High, money)
}
