package projections

import (
	"fmt"
	"testing"
)

// However long a history is, a look holds its latest runs, from a beginning that stands still while as many more come, and nothing of what
// older ones have in common.
func TestALookIsOfTheLatestRuns(t *testing.T) {
	t.Parallel()
	const observed = 10
	for n := range 46 {
		seen := newLatest(observed)
		for i := range n {
			row := RunRow{Run: fmt.Sprint("run ", i), Workflow: "w", Agents: []string{fmt.Sprint("agent ", i)}, FirstPosition: uint64(i + 1)}
			row.steps = []StepRow{{Name: fmt.Sprintf("step %x-x", i), Position: uint64(i + 1)}}
			if err := seen.take(&observationRow{first: row.FirstPosition, packed: appendObservation(nil, &row)}); err != nil {
				t.Fatal(err)
			}
		}
		begin := max(0, (n-1)/observed-1) * observed
		all := seen.all()
		if len(all) != n-begin {
			t.Fatalf("of %d runs it holds %d, want %d", n, len(all), n-begin)
		}
		for i, o := range all {
			if want := begin + i; o.Run != fmt.Sprint("run ", want) || len(o.Steps) != 1 || o.Steps[0].Name != fmt.Sprintf("step %x-x", want) || o.FirstPosition != uint64(want+1) {
				t.Fatalf("of %d runs the %dth is %+v", n, i, o)
			}
		}
		if k := len(seen.now.doings); k > observed {
			t.Errorf("of %d runs it keeps what %d do", n, k)
		}
	}
}
