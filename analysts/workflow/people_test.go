package workflow_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/events"
)

// The value of a label is in the words of who asked for the runs that have it. Where those are one or two, what is said of it names them, so that it is
// gone with them, and no name holds it; where three have it, it is nobody's.
func TestAValueOfALabelIsTheWordsOfWhoGaveIt(t *testing.T) {
	t.Parallel()
	const value = "salamander"
	for name, tt := range map[string]struct {
		who  []string
		want []string
	}{
		"one person":   {[]string{"slack:T1:U1"}, []string{"slack:T1:U1"}},
		"two people":   {[]string{"slack:T1:U2", "slack:T1:U1"}, []string{"slack:T1:U1", "slack:T1:U2"}},
		"three people": {[]string{"slack:T1:U1", "slack:T1:U2", "slack:T1:U3"}, nil},
		"nobody":       {[]string{""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHistory("orders")
			for i := range 600 {
				run, outcome, share := steps("find close"), events.Succeeded, 2
				run.Task, run.Requester = []string{"one", "two"}[i/2%2], tt.who[i/2%len(tt.who)]
				if i%2 == 0 {
					run.Labels, share = [][2]string{{"pet", value}}, 8
				}
				if i/2%10 < share {
					outcome = events.Failed
				}
				h.add(1, outcome, run)
			}
			r := workflow.New(workflow.Options{}).Propose(h.view())
			said := 0
			check := func(text string, of, subject []string) {
				if !strings.Contains(text, value) {
					return
				}
				said++
				if !slices.Equal(of, tt.want) {
					t.Errorf("%q is of %q, want %q", text, of, tt.want)
				}
				if named := strings.Contains(strings.Join(subject, " "), value); named != (tt.want == nil) {
					t.Errorf("%q is about %q", text, subject)
				}
			}
			var findings, proposals int
			for _, f := range r.Findings {
				check(f.Text, f.People, f.Subject)
			}
			findings, said = said, 0
			for _, p := range r.Proposals {
				check(p.Reason+p.Change.Instruction, p.Of, p.Claim.Subject)
				if s, known := r.Weigh(p.Claim, 0); strings.Contains(p.Reason, value) && (!known || !slices.Equal(s.Of, tt.want) || s.Reason != p.Reason) {
					t.Errorf("the claim of %q is not found again: %+v", p.Claim.Subject, s)
				}
			}
			if proposals = said; findings == 0 || proposals == 0 {
				t.Errorf("%d findings and %d proposals tell of it: %+v", findings, proposals, r)
			}
		})
	}
}
