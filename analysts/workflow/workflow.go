// Package workflow looks at how the runs of a workflow go: which sequences of steps there are, which of them go with success
// and failure, what takes long and what is done again.
package workflow

import (
	"cmp"
	"context"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/mining"
	"github.com/virtuous6/virtuous6/projections"
)

const (
	workflowName    = "workflow"
	workflowVersion = 3
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
	cohorts := make([]*cohort, len(v.Workflows))
	var hypotheses []*hypothesis
	for i := range v.Workflows {
		cohorts[i] = newCohort(&v.Workflows[i], o)
		hypotheses = append(hypotheses, cohorts[i].hypotheses(o)...)
	}
	claims := claim(hypotheses, o.Alpha)
	claims.monthly = monthlyRuns(cohorts)

	res := evidence.Result{Proposals: []evidence.Proposal{}, Findings: []evidence.Finding{}}
	factorsOf := make([][]factor, len(cohorts))
	asked := 0
	for i, c := range cohorts {
		factorsOf[i] = c.independent(claims)
		asked += len(factorsOf[i]) + len(c.claimed(claims, func(h *hypothesis) bool { return h.feature == switches }))
	}
	for i, c := range cohorts {
		factors, symptoms := factorsOf[i], c.symptoms(claims)
		for n := range factors {
			factors[n].gated = factors[n].gate(asked)
		}
		res.Findings = append(res.Findings, c.reliability(o)...)
		res.Findings = append(res.Findings, c.patterns(o)...)
		res.Findings = append(res.Findings, c.variantsAndFollows(o)...)
		res.Findings = append(res.Findings, c.factors(factors, o)...)
		res.Findings = append(res.Findings, c.factors(symptoms, o)...)
		res.Findings = append(res.Findings, c.candidateFindings(claims, o)...)
		res.Findings = append(res.Findings, c.efforts(o)...)
		res.Findings = append(res.Findings, c.rework(o)...)
		res.Findings = append(res.Findings, c.unreliable(o)...)
		res.Proposals = append(res.Proposals, c.changes(factors, o)...)
		res.Proposals = append(res.Proposals, c.modelChanges(claims, v.Agents, asked)...)
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
