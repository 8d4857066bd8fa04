package ingest

import (
	"strings"
	"testing"
)

func TestATIFSample(t *testing.T) {
	t.Parallel()
	const want = `09:00:00 start desk-t-1 workflow=desk task="" requester="" prompt="What is 6*7?" labels=map[version:2.0] undated=false conversation="s-1"
09:00:00 step 0 "chat" chat agent="desk" tool="" model="gpt-5-mini" in=-1 on=[] labels=map[] undated=true
09:00:02 call 0 model="gpt-5-mini" provider="" [{user  What is 6*7? [] }] => [{assistant   [{c1 calc {"e": "6*7"}}] }(A product.)]  
09:00:02 done 0 succeeded "" model="" tokens=100/20/40 cost=0.001 undated=false
09:00:02 step 1 "calc" tool agent="desk" tool="calc" model="" in=-1 on=[] labels=map[] undated=false
09:00:02 done 1 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
09:00:02 step 2 "chat" chat agent="desk" tool="" model="gpt-5-mini" in=-1 on=[] labels=map[] undated=true
09:00:03 call 2 model="gpt-5-mini" provider="" [{tool  42 [] c1}] => [{assistant  Asking a helper. [{c2 delegate {}}] }]  
09:00:03 done 2 succeeded "" model="" tokens=10/5/0 cost=0.0001 undated=false
09:00:03 step 3 "delegate" tool agent="desk" tool="delegate" model="" in=-1 on=[] labels=map[] undated=false
09:00:03 step 4 "chat" chat agent="helper" tool="" model="gpt-5-nano" in=-1 on=[] labels=map[] undated=true
09:00:03 call 4 model="gpt-5-nano" provider="" [] => [{assistant  I can't. [] }]  
09:00:03 done 4 succeeded "" model="" tokens=7/3/0 cost=0 undated=false
09:00:03 done 3 failed "Error: helper failed" model="" tokens=0/0/0 cost=0 undated=false
09:00:05 call -1 model="gpt-5-mini" provider="" [{tool  Error: helper failed [] c2}] => [{assistant  42 [] }]  
09:00:05 end unrated "42" cost=0.0012 undated=false
agent desk
agent helper
`
	records := mustParse(t, sample(t, "atif.json"), "trajectory.json", importing(""))
	if got := tell(records[0]); got != want {
		t.Errorf("got\n%s", got)
	}
	_, problems, _ := parseAll(t, strings.Replace(sample(t, "atif.json"), "v1.7", "v2.0", 1), "f", importing("atif"))
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "ATIF-v1.0 to ATIF-v1.7 are read") {
		t.Errorf("%v", problems)
	}
}
