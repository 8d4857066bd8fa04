// Package workflow looks at how the runs of a workflow go: which sequences of steps there are, which of them go with success
// and failure, what takes long and what is done again.
package workflow

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/mining"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

const (
	workflowName    = "workflow"
	workflowVersion = 5
	confidence      = 0.95
)

// Options bounds what the workflow analyst looks at and how much it tells. The zero value works.
type Options struct {
	// MinSupport and MaxLength bound the step sequences, as in mining.Options. Defaults 0.05 and 6.
	MinSupport float64
	MaxLength  int
	// MaxPatterns is how many sequences a workflow may have before the support is raised. Default 20,000.
	MaxPatterns int
	// MaxHypotheses is how many of a kind (sequences, neighbours, ...) are tested in a workflow, the most frequent
	// first. Default 1,000.
	MaxHypotheses int
	// Alpha is the share of false claims among all claims that is put up with. Default 0.05.
	Alpha float64
	// MinRuns is how many rated runs there must be with a feature, and without, to compare them. Default 10.
	MinRuns int
	// Top is how many findings of a kind are told for a workflow. Default 10.
	Top int
	// TopCandidates is how many effects that are not proven are told for a workflow, of each sign. Default 3.
	TopCandidates int
	// TopProposals is how many runbooks are proposed for a workflow, and how many failing steps to handle. Default 3.
	TopProposals int
	// Workers is how many workflows are thought of at once. It changes nothing of what is said. Default 1: live runs come first.
	Workers int
}

func (o Options) withDefaults() Options {
	o.MaxPatterns = cmp.Or(max(o.MaxPatterns, 0), 20_000)
	o.MaxHypotheses = cmp.Or(max(o.MaxHypotheses, 0), 1000)
	o.MinRuns = cmp.Or(max(o.MinRuns, 0), 10)
	o.Top = cmp.Or(max(o.Top, 0), 10)
	o.TopCandidates = cmp.Or(max(o.TopCandidates, 0), 3)
	o.TopProposals = cmp.Or(max(o.TopProposals, 0), 3)
	if !(o.Alpha > 0 && o.Alpha < 1) {
		o.Alpha = 0.05
	}
	return o
}

// Check tells whether the options that a person gives are in their ranges: it returns mining.ErrOptions.
func (o Options) Check() error {
	return mining.Options{MinSupport: o.MinSupport, MaxLength: o.MaxLength}.Check()
}

// New is the analyst of how runs go: which step sequences recur and how they end, what comes with success and
// failure, where time and money go, what is done twice, and how reliably tasks succeed.
//
// It claims an effect only where e-BH over all hypotheses of one analysis holds the share of false claims at Alpha.
// Its e-values keep that promise however often the analysis is repeated while history grows. Runs are compared within
// the same task where tasks repeat.
func New(o Options) evidence.Analyst[View] {
	o = o.withDefaults()
	return evidence.Analyst[View]{
		Name:    workflowName,
		Version: workflowVersion,
		Load: func(ctx context.Context, r projections.Reader) (View, error) {
			if err := o.Check(); err != nil {
				return View{}, err
			}
			return loadWorkflowView(ctx, r)
		},
		Propose: func(v View) evidence.Result { return proposeWorkflow(v, o) },
	}
}

func proposeWorkflow(v View, o Options) evidence.Result {
	cohorts, of := make([]*cohort, len(v.Workflows)), make([][]*hypothesis, len(v.Workflows))
	o.each(len(cohorts), func(i int) {
		cohorts[i] = newCohort(&v.Workflows[i], o)
		of[i] = cohorts[i].hypotheses(o)
	})
	claims := claim(slices.Concat(of...), o)
	claims.monthly = monthlyRuns(cohorts)

	factorsOf := make([][]factor, len(cohorts))
	o.each(len(cohorts), func(i int) { factorsOf[i] = cohorts[i].independent(claims) })
	asked := 0
	for i, c := range cohorts {
		asked += len(factorsOf[i]) + len(c.claimed(claims, func(h *hypothesis) bool { return h.feature == switches }))
	}
	said := make([]evidence.Result, len(cohorts))
	o.each(len(cohorts), func(i int) { said[i] = cohorts[i].said(factorsOf[i], claims, v.Agents, asked, o) })
	res := evidence.Result{Proposals: []evidence.Proposal{}, Findings: []evidence.Finding{}}
	for _, s := range said {
		res.Findings, res.Proposals = append(res.Findings, s.Findings...), append(res.Proposals, s.Proposals...)
	}
	res.Weigh = claims.weigh
	for i := range res.Findings {
		res.Findings[i].Analyst = workflowName
	}
	for i := range res.Proposals {
		res.Proposals[i].Analyst, res.Proposals[i].AnalystVersion = workflowName, workflowVersion
	}
	return res
}

// said is all that there is to say of a workflow. Of all workflows asked are gated.
func (c *cohort) said(factors []factor, claims claims, agents map[string]events.AgentConfig, asked int, o Options) evidence.Result {
	symptoms := c.symptoms(claims)
	for n := range factors {
		factors[n].gated = factors[n].gate(asked)
	}
	var res evidence.Result
	for _, findings := range [][]evidence.Finding{
		c.reliability(o), c.patterns(o), c.variantsAndFollows(o), c.factors(factors, o), c.factors(symptoms, o), c.candidateFindings(claims, o), c.efforts(o),
		c.times(), c.rework(o), c.unreliable(o),
	} {
		res.Findings = append(res.Findings, findings...)
	}
	models := c.modelChanges(claims, agents, asked)
	res.Proposals = append(slices.DeleteFunc(c.changes(factors, o), func(p evidence.Proposal) bool {
		return p.Claim.Subject[0] == string(usesModel) && len(models) > 0 // who is to change it is named there
	}), models...)
	return res
}

// each does something for each of n workflows, on as many goroutines as may think, in no order.
func (o Options) each(n int, do func(i int)) {
	if o.Workers < 2 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(o.Workers, n) {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	wait.Wait()
}
