package failure_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/failure"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/ingest"
)

func TestFingerprints(t *testing.T) {
	t.Parallel()
	python := func(file string, line int, message string) string {
		return fmt.Sprintf("Traceback (most recent call last):\n  File \"/srv/%s/app.py\", line %d, in handle\n    total = price()\n"+
			"  File \"/usr/lib/python3/json.py\", line 9, in loads\n    x\nValueError: %s", file, line, message)
	}
	for name, tt := range map[string]struct {
		explicit, one, other string
		by, text             string
		same                 bool
	}{
		"the source names it":      {"E42", "this", "that", "explicit", "E42", true},
		"lines and values aside":   {"", python("a", 7, "bad 1"), python("b", 90, "bad 22"), "stack", "ValueError in app.py:handle", true},
		"another type, same stack": {"", python("a", 7, "bad"), strings.Replace(python("a", 7, "bad"), "ValueError", "KeyError", 1), "stack", "ValueError in app.py:handle", false},
		"a type with its words":    {"", "TimeoutError: no answer within 30s", "TimeoutError: no answer within 5s", "type", "TimeoutError: no answer within <num>s", true},
		"the same words, no type":  {"", "TimeoutError: no answer within 30s", "no answer within 30s", "type", "TimeoutError: no answer within <num>s", false},
		"words alone":              {"", "record 17 not found", "record 18 not found", "template", "record <num> not found", true},
		"java":                     {"", "java.io.IOException: gone\n\tat org.shop.Cart.add(Cart.java:7)\n\tat java.util.List.add(List.java:1)", "java.io.IOException: away\n\tat org.shop.Cart.add(Cart.java:9)", "stack", "java.io.IOException in org.shop.Cart.add", true},
		"javascript":               {"", "TypeError: x is undefined\n    at add (/srv/cart.js:1:2)\n    at node:internal/main:3:4", "TypeError: y is undefined\n    at add (/opt/cart.js:8:9)", "stack", "TypeError in cart.js:add", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f failure.Fingerprints
			one, other := f.Of(tt.explicit, tt.one), f.Of(tt.explicit, tt.other)
			if one.By != tt.by || one.Text != tt.text || (one.ID == other.ID) != tt.same {
				t.Errorf("%+v and %+v", one, other)
			}
			if again := f.Of(tt.explicit, tt.one); again.ID != one.ID {
				t.Errorf("the same text is another error: %+v", again)
			}
		})
	}
}

// Whatever bytes a file has, each of its lines has a fingerprint, and those with the same words the same one.
func TestReadTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x ", 1<<20)
	for name, tt := range map[string]struct {
		file string
		same []int // by line, the first line with the same fingerprint
	}{
		"an empty file":       {"", []int{}},
		"one line":            {"a is gone", []int{0}},
		"no end of line":      {"user 1 is gone\nuser 2 is gone", []int{0, 0}},
		"other ends of lines": {"user 1 is gone\r\nuser 2 is gone\r\n", []int{0, 0}},
		"empty lines":         {"\n\na b c\n\n", []int{0, 0, 2, 0}},
		"huge lines":          {long + "\nshort\n" + long + "y", []int{0, 1, 0}},
		"no text":             {"\xff\xfe is gone\n\x00\n\xff\xfd is gone\n", []int{0, 1, 0}},
		"names that stand first": {
			"tool a failed: no money\ntool b failed: no money\ntool c failed: no money\ntool d failed: no money\ntool e failed: no money\ntool f failed: no money\n",
			[]int{0, 0, 0, 0, 0, 0},
		},
		"few kinds": {
			"the gate 7 is Open now\nthe gate a is Open now\nthe gate b is Open now\nthe gate c is Open now\nthe gate d is Open now\n" +
				"the gate 7 is Shut now\nthe gate a is Shut now\nthe gate b is Shut now\nthe gate c is Shut now\nthe gate d is Shut now\n",
			[]int{0, 0, 0, 0, 0, 5, 5, 5, 5, 5},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := failure.ReadTexts(strings.NewReader(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			same, first := []int{}, map[string]int{}
			for i, f := range found {
				if _, ok := first[f.ID]; !ok {
					first[f.ID] = i
				}
				same = append(same, first[f.ID])
			}
			if !slices.Equal(same, tt.same) {
				t.Errorf("%v, not %v", same, tt.same)
			}
		})
	}
}

func FuzzFingerprints(f *testing.F) {
	f.Add("ValueError: bad 1\n  at x (y:1:2)")
	f.Add("goroutine 1 [running]:\nmain.do(0x1)\n\t/srv/main.go:7 +0x1")
	f.Fuzz(func(t *testing.T, text string) {
		var one, two failure.Fingerprints
		if a, b := one.Of("", text), two.Of("", text); a != b || len(a.ID) != 12 {
			t.Errorf("%+v and %+v", a, b)
		}
	})
}

func TestAttribute(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		json  string
		agent string
		step  int
		fails bool
	}{
		"before the tool's error":         {`[{"name":"planner","content":"the task"},{"name":"coder","content":"run this"},{"role":"tool","content":"exitcode: 1 (execution failed)"}]`, "coder", 1, false},
		"its own words":                   {`{"history":[{"name":"planner","content":"the task"},{"name":"coder","content":"fine"},{"name":"writer","content":"I assume that it is 7"}]}`, "writer", 2, false},
		"no sign":                         {`[{"role":"user","content":"the task"},{"role":"assistant","content":"7"}]`, "assistant", 1, false},
		"the task speaks of one":          {`[{"role":"user","content":"find the error"},{"role":"assistant","content":"7"}]`, "assistant", 1, false},
		"parts":                           {`[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"text","text":"7"}]}]`, "assistant", 1, false},
		"tools alone":                     {`[{"role":"user","content":"x"}]`, "", 0, true},
		"no messages":                     {`[]`, "", 0, true},
		"no names":                        {`[{"content":"x"}]`, "", 0, true},
		"no JSON":                         {`{`, "", 0, true},
		"a leader speaks of others":       {`[{"role":"human","content":"x"},{"role":"lead (thought)","content":"I can't know yet"},{"role":"lead (-> surfer)","content":"look"},{"role":"surfer","content":"a page"},{"role":"lead (thought)","content":"this failed to answer"}]`, "surfer", 3, false},
		"a leader without others":         {`[{"role":"human","content":"x"},{"role":"lead (thought)","content":"I can't know"}]`, "lead", 1, false},
		"JSON Lines with a mark":          {"\ufeff{\"role\":\"user\",\"content\":\"x\"}\r\n{\"role\":\"assistant\",\"content\":null}\r\n", "assistant", 1, false},
		"from and value":                  {`{"conversation":[{"from":"human","value":"x"},{"from":"gpt","value":"unable to"}]}`, "gpt", 1, false},
		"an author that is an object":     {`{"messages":[{"author":{"role":"user"},"content":"x"},{"author":{"role":"assistant"},"content":"7"}]}`, "assistant", 1, false},
		"a message of nobody":             {`[{"content":"x"},{"name":"a","content":"fine"},{"content":"exitcode: 1"}]`, "a", 1, false},
		"bytes that are no text":          {"[{\"role\":\"user\",\"content\":\"\xff\"},{\"role\":\"assistant\",\"content\":\"\xfe can't\"}]", "assistant", 1, false},
		"an empty file":                   {"", "", 0, true},
		"an object without messages":      {`{"a":1}`, "", 0, true},
		"messages that are not a list":    {`{"history":7}`, "", 0, true},
		"a list of what is not a message": {`[1,2]`, "", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conversation, err := failure.ReadConversation([]byte(tt.json))
			blame, ok := failure.Attribute(conversation)
			if blame.Agent != tt.agent || blame.Step != tt.step || (err != nil || !ok) != tt.fails {
				t.Errorf("%+v %v %v", blame, ok, err)
			}
		})
	}
}

// The public conversations of Who&When that are in the data folder: the floors are the figures to beat.
func TestAttributeOnPublicConversations(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("VIRTUOUS6_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(folder, "attribution", "who-and-when", "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("the conversations are not here: ", err)
	}
	agents, steps := 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var label struct {
			Agent string `json:"mistake_agent"`
			Step  string `json:"mistake_step"`
		}
		if err := json.Unmarshal(data, &label); err != nil {
			t.Fatal(err)
		}
		conversation, err := failure.ReadConversation(data)
		if err != nil {
			t.Fatal(file, err)
		}
		blame, _ := failure.Attribute(conversation)
		if blame.Agent == label.Agent {
			agents++
		}
		if fmt.Sprint(blame.Step) == label.Step {
			steps++
		}
	}
	t.Logf("agent %d, step %d of %d", agents, steps, len(files))
	if n := float64(len(files)); float64(agents) < 0.58*n || float64(steps) < 0.32*n {
		t.Errorf("agent %.3f, step %.3f", float64(agents)/n, float64(steps)/n)
	}
}

// viewOf folds a simulated history into what the analyst looks at.
func viewOf(s ingest.Simulation) failure.View {
	var v failure.View
	position := uint64(0)
	for r := range s.Records() {
		start := r.Run[0].(commands.StartRun)
		run := failure.Run{Name: fmt.Sprint("run ", len(v.Runs)), Workflow: start.Workflow, Task: start.Task, Started: start.At.UnixNano(), First: position + 1}
		for _, c := range r.Run {
			position++
			switch c := c.(type) {
			case commands.StartStep:
				run.Steps = append(run.Steps, failure.Step{Name: c.Name, Agent: c.Agent, Position: position})
			case commands.FinishStep:
				run.Steps[c.Step].Failed, run.Steps[c.Step].Error = c.Outcome == events.Failed, c.Error
			case commands.FinishRun:
				run.Outcome = c.Outcome
			case commands.FailRun:
				run.Outcome, run.Error = events.Failed, c.Error
			case commands.CancelRun:
				run.Outcome = events.Cancelled
			}
		}
		run.Last = position
		v.Runs = append(v.Runs, run)
	}
	return v
}

// In worlds without any effect hardly any history leads to a proposal or a claim: steps fail by chance there, and are repeated.
func TestNullWorldsGiveNoClaim(t *testing.T) {
	t.Parallel()
	for _, world := range ingest.SimulationWorlds() {
		with := 0
		for seed := range uint64(40) {
			res := failure.New().Propose(viewOf(ingest.Simulation{Seed: seed, World: world}))
			if len(res.Proposals) > 0 || slices.ContainsFunc(res.Findings, func(f evidence.Finding) bool { return f.Strength.Claims() }) {
				with++
			}
		}
		t.Logf("%s: %d of 40 histories with a claim", world, with)
		if with > 2 {
			t.Errorf("%s: %d of 40 histories with a claim", world, with)
		}
	}
}

// shop is a history in which one run in three comes to a timeout in "fetch" and then asks again or guesses at random. Asking
// again brings back what the timeout cost; it is done by chance alone, or more often on easy tasks.
func shop(seed uint64, runs, asking, guessing int, taste bool) failure.View {
	rng := rand.New(rand.NewPCG(seed, 11))
	var v failure.View
	for i := range runs {
		task := rng.IntN(10)
		chance, again := 30+5*task, 50
		if taste {
			again = 10 + 8*task
		}
		at := uint64(10 * i)
		run := failure.Run{Name: fmt.Sprint("run ", i), Workflow: "shop", Task: fmt.Sprint("task ", task), First: at + 1, Last: at + 9}
		run.Steps = []failure.Step{{Name: "fetch", Agent: "clerk", Position: at + 2}}
		if rng.IntN(3) == 0 {
			run.Steps[0].Failed, run.Steps[0].Error = true, fmt.Sprintf("timeout: no answer within %ds", 10+rng.IntN(50))
			if rng.IntN(100) < again {
				run.Steps = append(run.Steps, failure.Step{Name: "fetch", Agent: "clerk", Position: at + 3})
				chance += asking
			} else {
				run.Steps = append(run.Steps, failure.Step{Name: "guess", Agent: "clerk", Position: at + 3})
				chance += guessing
			}
		}
		run.Steps = append(run.Steps, failure.Step{Name: "answer", Agent: "clerk", Position: at + 4})
		run.Outcome = events.Failed
		if rng.IntN(100) < chance {
			run.Outcome = events.Succeeded
		}
		v.Runs = append(v.Runs, run)
	}
	return v
}

func TestWhatHelpedIsProposed(t *testing.T) {
	t.Parallel()
	found := 0
	for seed := range uint64(20) {
		res := failure.New().Propose(shop(seed, 1200, 0, -30, true))
		for _, p := range res.Proposals {
			if p.Change.Instruction != `After "timeout: no answer within <num>s" do fetch again.` || p.Expected.Low <= 0 || p.Worth == nil {
				t.Errorf("%+v", p)
			}
			found++
			if s, ok := res.Weigh(p.Claim, 0); !ok || s.Strength != p.Strength {
				t.Errorf("weighed %+v %v, proposed as %s", s, ok, p.Strength)
			}
		}
	}
	t.Logf("found in %d of 20", found)
	if found < 18 {
		t.Errorf("found in %d of 20", found)
	}
}

// Asking again, which brings nothing, is done more often on easy tasks: within tasks nothing of it is left.
func TestWhatGoesWithEasyTasksIsNotProposed(t *testing.T) {
	t.Parallel()
	with := 0
	for seed := range uint64(40) {
		if len(failure.New().Propose(shop(seed, 1200, -10, -10, true)).Proposals) > 0 {
			with++
		}
	}
	if with > 2 {
		t.Errorf("%d of 40 histories with a proposal", with)
	}
}

// An effect that turned is told to be gone or reversed by what came since.
func TestWhatTurnedIsWeighedByWhatCameSince(t *testing.T) {
	t.Parallel()
	v, later := shop(3, 1200, 0, -30, false), shop(4, 1200, -40, 0, false)
	for _, r := range later.Runs {
		r.First, r.Last = r.First+20_000, r.Last+20_000
		v.Runs = append(v.Runs, r)
	}
	claim := events.Claim{Workflow: "shop"}
	for _, p := range failure.New().Propose(shop(3, 1200, 0, -30, false)).Proposals {
		claim.Subject = p.Claim.Subject
	}
	now, ok := failure.New().Propose(v).Weigh(claim, 20_000)
	if !ok || now.Strength != events.Reversed {
		t.Errorf("%v of %v: %+v", ok, claim, now)
	}
}

func TestErrorsAreListed(t *testing.T) {
	t.Parallel()
	step := func(name, text string, position uint64) failure.Step {
		return failure.Step{Name: name, Agent: "clerk", Failed: text != "", Error: text, Position: position}
	}
	v := failure.View{Runs: []failure.Run{
		{Name: "a", Workflow: "w", Outcome: events.Failed, Broke: true, Error: "no access to 7", Steps: []failure.Step{step("open", "no access to 1", 2), step("open", "no access to 2", 3)}, First: 1, Last: 4},
		{Name: "b", Workflow: "w", Outcome: events.Succeeded, Steps: []failure.Step{step("open", "no access to 3", 6), step("ask", "", 7)}, First: 5, Last: 8},
		{Name: "c", Workflow: "w", Outcome: events.Failed, Broke: true, Error: "out of money", First: 9, Last: 10},
	}, Feedback: []failure.Feedback{{Feedback: "f1", Run: "b"}, {Feedback: "f2", Run: "c"}}}
	list := failure.List(v)
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	e := list[0]
	if e.Text != "no access to <num>" || e.Times != 3 || e.Runs != 2 || e.Failed != 1 || e.Succeeded != 1 || e.Example != "b" ||
		!slices.Equal(e.Feedback, []string{"f1"}) || e.FirstPosition != 2 || e.LastPosition != 6 || e.Steps[0] != (failure.Count{Name: "open", Times: 3}) {
		t.Errorf("%+v", e)
	}
	if len(e.Next) != 2 || e.Next[0].Step != "ask" || e.Next[0].Succeeded != 1 {
		t.Errorf("next %+v", e.Next)
	}
	if list[1].Text != "out of money" || list[1].Times != 1 || list[1].Example != "c" {
		t.Errorf("%+v", list[1])
	}
	for _, empty := range []failure.View{{}, {Runs: v.Runs[1:2]}, {Runs: v.Runs[2:]}} {
		if res := failure.New().Propose(empty); len(res.Proposals) > 0 {
			t.Errorf("%+v", res.Proposals)
		}
	}
}
