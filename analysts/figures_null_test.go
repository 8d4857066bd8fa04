package analysts_test

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/ingest"
)

// nulls tells how many histories without any effect lead to a proposal.
func nulls(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	fmt.Fprintf(b, "\n## False alarms in worlds without any effect\n\nHistories of 600 runs with a proposal, of %d. At most 5%% may have one.\n\n| `--world` | how it is made | %s |\n|---|---|%s\n",
		*histories, strings.Join(analystNames(), " | "), strings.Repeat("---|", len(analystNames())))
	for _, name := range ingest.SimulationWorlds() {
		with := map[string]int{}
		for _, proposing := range over(*histories, func(seed int) (proposing []string) {
			w := newWorld(t)
			defer w.close()
			w.take(t, ingest.Simulation{Seed: uint64(seed), World: name}.Records()) //nolint:gosec // small
			for analyst, r := range w.look(t) {
				if len(r.Proposals) > 0 {
					proposing = append(proposing, analyst)
				}
			}
			return proposing
		}) {
			for _, analyst := range proposing {
				with[analyst]++
			}
		}
		fmt.Fprintf(b, "| `%s` | %s |", name, ingest.AboutWorld(name))
		for _, analyst := range analystNames() {
			fmt.Fprintf(b, " %d |", with[analyst])
			if with[analyst]*20 > *histories {
				t.Errorf("%s: %s has proposals in %d", name, analyst, with[analyst])
			}
		}
		fmt.Fprintln(b)
	}
}

// growing tells how many histories without any effect, nor any look of one, lead to a claim or a proposal at one of 20 looks.
func growing(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	n := 5 * *histories
	fmt.Fprintf(b, "\n## False claims under many looks\n\nHistories that grow to 400 runs (`simulate --null`, one workflow, 10 tasks) and are looked at 20 times, with a claim or a\n"+
		"proposal at any look, of %d. At most 5%% may have one. All models are as good as one another there, so that a cheaper one is\n"+
		"rightly proposed: the tests of analysts/cost tell how often a worse one is. Beside them a plain Bonferroni test of all that runs include, their labels, agents\nand models at each look, which was made for one.\n\n"+
		"| analyst | histories |\n|---|---|\n", n)
	ever := map[string]int{}
	const bonferroni = "a Bonferroni test at each look"
	for _, said := range over(n, func(seed int) map[string]bool {
		w, said := newWorld(t), map[string]bool{}
		defer w.close()
		next, stop := iter.Pull(ingest.Simulation{Seed: 2000 + uint64(seed), Runs: 400, Workflows: 1, Tasks: 10, Null: true}.Records()) //nolint:gosec // small
		defer stop()
		var runs []plainRun
		for range 20 {
			var batch []ingest.Record
			for range 20 {
				if r, ok := next(); ok {
					batch = append(batch, r)
				}
			}
			w.take(t, slices.Values(batch))
			for analyst, r := range w.look(t) {
				if analyst != "cost" && claims(r)+len(r.Proposals) > 0 {
					said[analyst] = true
				}
			}
			runs = append(runs, plainRuns(slices.Values(batch))...)
			said[bonferroni] = said[bonferroni] || bonferroniClaims(runs)
		}
		return said
	}) {
		for analyst, is := range said {
			if is {
				ever[analyst]++
			}
		}
	}
	for _, analyst := range slices.DeleteFunc(analystNames(), func(n string) bool { return n == "cost" }) {
		fmt.Fprintf(b, "| %s | %d |\n", analyst, ever[analyst])
		if ever[analyst]*20 > n {
			t.Errorf("%s has claims in %d of %d growing histories", analyst, ever[analyst], n)
		}
	}
	fmt.Fprintf(b, "| %s | %d |\n", bonferroni, ever[bonferroni])
}
