package answers

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Prevented is how many failures the known fixes of errors prevented, by the runs that were told none.
type Prevented struct {
	// Agent is whose runs they are, and Fix the one that is meant, both empty for several together.
	Agent string `json:"agent,omitempty"`
	Fix   string `json:"fix,omitempty"`
	// Given are the rated runs that met such an error and were told what to do, HeldOut those that met one and were not.
	Given            int64 `json:"given"`
	GivenSucceeded   int64 `json:"given_succeeded"`
	HeldOut          int64 `json:"held_out"`
	HeldOutSucceeded int64 `json:"held_out_succeeded"`
	// Failures is how many of Given would have failed and did not, with the bounds that hold at however many looks.
	Failures int64 `json:"failures"`
	Low      int64 `json:"low"`
	High     int64 `json:"high"`

	strata   stats.Strata
	position uint64
}

// Prevention is what fixes prevented, all together and each by itself. It is nil where no run was held out: then nobody knows.
func Prevention(ctx context.Context, r projections.Reader) (all *Prevented, each []Prevented, err error) {
	rows, err := r.Experiments(ctx, projections.ExperimentHeldBack)
	if err != nil {
		return nil, nil, err
	}
	all, each = prevention(rows)
	return all, each, nil
}

func prevention(rows []projections.ExperimentRow) (all *Prevented, each []Prevented) {
	for _, x := range rows {
		fix, is := strings.CutPrefix(x.Experiment, events.Prevention(x.Agent, "")+":")
		if x.Kind != string(events.ChangeFixes) || !is || len(x.Arms) != 2 {
			continue
		}
		given, heldOut := x.Arms[0], x.Arms[1]
		p := Prevented{Agent: x.Agent, Fix: fix, position: x.Position}
		p.add(stats.Table{
			With: given.Runs - given.Unrated, WithSucceeded: given.Succeeded, Without: heldOut.Runs - heldOut.Unrated, WithoutSucceeded: heldOut.Succeeded,
		})
		if p.Given > 0 && p.HeldOut > 0 {
			each = append(each, p)
		}
	}
	return Together(each), each
}

// Together is what several fixes prevented, nil for none.
func Together(fixes []Prevented) *Prevented {
	if len(fixes) == 0 {
		return nil
	}
	all := fixes[0]
	for _, p := range fixes[1:] {
		all.Agent, all.Fix = "", ""
		all.add(p.strata.Total)
	}
	return &all
}

// add takes the runs of a fix in.
func (p *Prevented) add(t stats.Table) {
	p.strata.Add(t)
	sum := p.strata.Total
	p.Given, p.GivenSucceeded, p.HeldOut, p.HeldOutSucceeded = sum.With, sum.WithSucceeded, sum.Without, sum.WithoutSucceeded
	d, i := p.strata.DifferenceAlways(confidence)
	count := func(share float64) int64 { return int64(math.Round(float64(p.Given) * share)) }
	p.Failures, p.Low, p.High = count(d), count(i.Low), count(i.High)
}

// Says tells it in words.
func (p *Prevented) Says() string {
	return fmt.Sprintf("prevented %d failures (%d to %d, 95%% at any number of looks): %s of %d runs that met a known error and were told its fix succeeded, %s of %d that were held out",
		p.Failures, p.Low, p.High, share(p.GivenSucceeded, p.Given), p.Given, share(p.HeldOutSucceeded, p.HeldOut), p.HeldOut)
}
