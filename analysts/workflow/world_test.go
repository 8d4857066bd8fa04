package workflow_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/ingest"
)

// In the worlds without any effect hardly any history leads to a proposal: a few under the race detector, 40 otherwise.
func TestStructuredNullsGiveNoInstruction(t *testing.T) {
	t.Parallel()
	histories := 40
	if underRace {
		histories = 2
	}
	for _, world := range ingest.SimulationWorlds() {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			with := 0
			for seed := range uint64(histories) {
				res := workflow.New(workflow.Options{}).Propose(viewOf(ingest.Simulation{Seed: seed, World: world}))
				if len(res.Proposals) > 0 {
					with++
					t.Log(res.Proposals[0].Reason, res.Proposals[0].Change.Instruction)
				}
			}
			t.Logf("%d of %d histories with a proposal", with, histories)
			if with*20 > histories {
				t.Errorf("%d of %d histories with a proposal", with, histories)
			}
		})
	}
}
