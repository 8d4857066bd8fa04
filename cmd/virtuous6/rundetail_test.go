package main

import (
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/answers"
)

func TestARunTellsWhatItsCallsReadFromTheCache(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	showCaching(&out, []answers.CacheUse{
		{Step: 0},
		{Step: 1, Read: 1024},
		{Step: 2, Read: 1200, Of: 1300},
		{Step: 4, Of: 1500, Lost: answers.ToolsLoss},
		{Step: 5, Read: 1024, Of: 1500, Lost: answers.TimeLoss},
		{Step: 7, Of: 1500, Lost: answers.UnknownLoss},
	})
	want := `step 1: cache 1024 tokens
step 2: cache 1200 of 1300 tokens
step 4: cache 0 of 1500 tokens; lost: tools changed
step 5: cache 1024 of 1500 tokens; lost: too much time since the call before
step 7: cache 0 of 1500 tokens; lost, it is not known why
`
	if out.String() != want {
		t.Errorf("shown:\n%s\nwant:\n%s", &out, want)
	}
}
