package analysts_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/ingest"
)

// asPlanted is a subject as a simulation names it: an agent that was only imported is called by its source too.
func asPlanted(workflow string, subject []string) string {
	short := slices.Clone(subject)
	for i, name := range short {
		short[i], _, _ = strings.Cut(name, " (")
	}
	return fmt.Sprint(workflow, short)
}

// planted is what a simulation has in it: effects in permille by subject, those that are to be found, and sequences apart.
type planted struct {
	effects map[string]int
	factors []ingest.SimulationFactor
	// sequences are subjects with their workflow before them.
	sequences [][]string
}

func plantedIn(s ingest.Simulation) planted {
	p := planted{effects: map[string]int{}}
	truths := s.Truths()
	for _, of := range truths.Patterns {
		subject := append([]string{"sequence"}, of.Steps...)
		p.effects[asPlanted(of.Workflow, subject)] = of.EffectPermille
		p.sequences = append(p.sequences, append([]string{of.Workflow}, subject...))
	}
	for _, f := range truths.Factors {
		p.effects[asPlanted(f.Workflow, f.Subject)] = f.EffectPermille
		if f.Planted {
			p.factors = append(p.factors, f)
		}
	}
	return p
}

// covers tells whether the interval of a finding holds what was planted.
func covers(f evidence.Finding, permille int) bool {
	return f.Evidence.Low <= float64(permille)/1000 && float64(permille)/1000 <= f.Evidence.High
}

// power tells which of the planted truths of `simulate` are found, and which become proposals.
func power(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	fmt.Fprint(b, "\n## Planted truths\n\nWhat `simulate` plants over one workflow or five (4 sequences each of three steps with +20 points among 20% noise; in all a step, a repetition, a label of\n"+
		"channel and of region, an agent and a model with 18 to 22 points), found as claims and proposed, mean of some histories. Where one can't be changed by an\ninstruction (a label, an agent) people are asked to look. "+
		"Of the claims of what was planted, the 95% intervals that cover it: at least 90% are to. Where all effects\nmeet in one workflow they come to less than was planted: nothing succeeds in more than 98 of 100 runs.\n\n"+
		"| workflows | runs | histories | sequences | runbooks | other factors | their proposals | claims that were not planted | intervals of sequences that cover | of other factors |\n|---|---|---|---|---|---|---|---|---|---|\n")
	covered, claimed := 0, 0
	for _, c := range []struct{ workflows, runs, seeds int }{{1, 400, 10}, {1, 800, 10}, {1, 4000, 4}, {5, 4000, 10}, {5, 12_000, 3}} {
		type found struct{ sequences, runbooks, factors, proposals, others, sequencesCovered, factorsCovered int }
		var all found
		sequences, factors := 0, 0
		for _, f := range over(c.seeds, func(seed int) (f found) {
			s := ingest.Simulation{Seed: uint64(seed) + 1, Runs: c.runs, Workflows: c.workflows, Patterns: 4 * c.workflows} //nolint:gosec // small
			effects := plantedIn(s).effects
			w := newWorld(t)
			defer w.close()
			w.take(t, s.Records())
			said := w.look(t)["workflow"]
			for _, finding := range said.Findings {
				effect, is := effects[asPlanted(finding.Workflow, finding.Subject)]
				switch {
				case !finding.Strength.Claims() || finding.Subject[0] == "fails":
				case !is:
					f.others++
				case finding.Subject[0] == "sequence":
					f.sequences++
					f.sequencesCovered += one(covers(finding, effect))
				default:
					f.factors++
					f.factorsCovered += one(covers(finding, effect))
				}
			}
			for _, p := range said.Proposals {
				if p.Claim.Subject[0] == "sequence" {
					f.runbooks++
				} else {
					f.proposals++
				}
			}
			return f
		}) {
			all.sequences, all.runbooks, all.factors, all.proposals = all.sequences+f.sequences, all.runbooks+f.runbooks, all.factors+f.factors, all.proposals+f.proposals
			all.others, all.sequencesCovered, all.factorsCovered = all.others+f.others, all.sequencesCovered+f.sequencesCovered, all.factorsCovered+f.factorsCovered
		}
		for seed := range c.seeds {
			p := plantedIn(ingest.Simulation{Seed: uint64(seed) + 1, Runs: c.runs, Workflows: c.workflows, Patterns: 4 * c.workflows}) //nolint:gosec // small
			sequences, factors = sequences+len(p.sequences), factors+len(p.factors)
		}
		mean := func(n int) string { return fmt.Sprintf("%.1f", float64(n)/float64(c.seeds)) }
		fmt.Fprintf(b, "| %d | %d | %d | %s of %d | %s | %s of %d | %s | %s | %d of %d | %d of %d |\n", c.workflows, c.runs, c.seeds, mean(all.sequences), sequences/c.seeds, mean(all.runbooks),
			mean(all.factors), factors/c.seeds, mean(all.proposals), mean(all.others), all.sequencesCovered, all.sequences, all.factorsCovered, all.factors)
		covered, claimed = covered+all.sequencesCovered, claimed+all.sequences
		if c.workflows == 5 && c.runs == 4000 && 10*all.sequences < 6*sequences {
			t.Errorf("%d of %d planted sequences are found at %d runs", all.sequences, sequences, c.runs)
		}
	}
	if 10*covered < 9*claimed {
		t.Errorf("%d of %d intervals of sequences cover what was planted", covered, claimed)
	}
}

// causes tells which of the known causes of the sample are asked about, and whether in the order of what they are worth.
func causes(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	const seeds = 10
	kinds := []string{"contains", "repeats", "region", "channel", "agent", "model", "sequence"}
	kindOf := func(subject []string) string {
		if subject[0] == "label" {
			return subject[1]
		}
		return subject[0]
	}
	fmt.Fprintf(b, "\n## Known causes of the sample\n\nThe planted causes, each of 18 to 22 points in one of five workflows, and the sequences: found / proposed, and found by a plain Bonferroni test over as many\n"+
		"hypotheses that looks once, of %d histories. In order: pairs of proposals of planted causes beside sequences that stand as their true worth does. Symptoms: proposals that come from a\nfailing step.\n\n"+
		"| runs | | %s | in order | symptoms | proposals of no cause |\n|---|---|%s---|---|---|\n", seeds, strings.Join(kinds, " | "), strings.Repeat("---|", len(kinds)))
	for _, runs := range []int{2000, 4000} {
		type told struct {
			found, proposed, plain                map[string]int
			pairs, inOrder, symptoms, otherCauses int
		}
		all := told{found: map[string]int{}, proposed: map[string]int{}, plain: map[string]int{}}
		total := map[string]int{}
		for _, got := range over(seeds, func(seed int) told {
			got := told{found: map[string]int{}, proposed: map[string]int{}, plain: map[string]int{}}
			s := ingest.Simulation{Seed: 50 + uint64(seed), Runs: runs} //nolint:gosec // small
			truth := plantedIn(s)
			w := newWorld(t)
			defer w.close()
			w.take(t, s.Records())
			said := w.look(t)["workflow"]
			for _, f := range said.Findings {
				if _, is := truth.effects[asPlanted(f.Workflow, f.Subject)]; is && f.Strength.Claims() {
					got.found[kindOf(f.Subject)]++
				}
			}
			table, hypotheses := plainRuns(s.Records()), tested(said)
			for _, f := range truth.factors {
				got.plain[kindOf(f.Subject)] += one(plainP(table, f.Workflow, f.Subject)*hypotheses <= .05)
			}
			for _, q := range truth.sequences {
				got.plain["sequence"] += one(plainP(table, q[0], q[1:])*hypotheses <= .05)
			}
			// What all runs on the worse side of a cause would gain, of all runs: what the worth is an estimate of.
			type worth struct{ told, truth float64 }
			var list []worth
			slices.SortStableFunc(said.Proposals, func(a, b evidence.Proposal) int { return events.ByWorth(a.Worth, b.Worth) })
			for _, p := range said.Proposals {
				effect, is := truth.effects[asPlanted(p.Claim.Workflow, p.Claim.Subject)]
				switch kind := p.Claim.Subject[0]; {
				case kind == "fails":
					got.symptoms++
				case is:
					got.proposed[kindOf(p.Claim.Subject)]++
					worse := p.Evidence.Counts["without_runs"]
					if p.Claim.Harms {
						worse = p.Evidence.Counts["with_runs"]
					}
					if kind != "sequence" {
						list = append(list, worth{p.Worth.Share, float64(max(effect, -effect)) * float64(worse)})
					}
				case kind != "sequence" && kind != "precedes" && kind != "contains":
					got.otherCauses++
				}
			}
			for i := range list {
				for _, later := range list[i+1:] {
					got.pairs, got.inOrder = got.pairs+1, got.inOrder+one(list[i].truth >= later.truth)
				}
			}
			return got
		}) {
			for _, k := range kinds {
				all.found[k], all.proposed[k], all.plain[k] = all.found[k]+got.found[k], all.proposed[k]+got.proposed[k], all.plain[k]+got.plain[k]
			}
			all.pairs, all.inOrder = all.pairs+got.pairs, all.inOrder+got.inOrder
			all.symptoms, all.otherCauses = all.symptoms+got.symptoms, all.otherCauses+got.otherCauses
		}
		for seed := range uint64(seeds) {
			truth := plantedIn(ingest.Simulation{Seed: 50 + seed, Runs: runs})
			for _, f := range truth.factors {
				total[kindOf(f.Subject)]++
			}
			total["sequence"] += len(truth.sequences)
		}
		fmt.Fprintf(b, "| %d | found / proposed |", runs)
		ours, plain := 0, 0
		for _, k := range kinds {
			fmt.Fprintf(b, " %d / %d of %d |", all.found[k], all.proposed[k], total[k])
			ours, plain = ours+all.found[k], plain+all.plain[k]
		}
		fmt.Fprintf(b, " %d of %d | %d | %d |\n| %d | Bonferroni |", all.inOrder, all.pairs, all.symptoms, all.otherCauses, runs)
		for _, k := range kinds {
			fmt.Fprintf(b, " %d |", all.plain[k])
		}
		fmt.Fprintf(b, " | | |\n")
		if all.symptoms > 0 {
			t.Errorf("%d symptoms are proposed", all.symptoms)
		}
		if ours < plain {
			t.Errorf("%d of the planted causes are found at %d runs, by Bonferroni %d", ours, runs, plain)
		}
		if 10*all.inOrder < 8*all.pairs {
			t.Errorf("%d of %d pairs stand in order at %d runs", all.inOrder, all.pairs, runs)
		}
	}
}
