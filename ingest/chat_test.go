package ingest

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestChatTauBench(t *testing.T) {
	t.Parallel()
	path := dataFile(t, "agent-runs/tau-bench/gpt-4o-airline.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		TaskID int `json:"task_id"`
		Trial  int
		Reward float64
		Traj   []struct {
			Role      string
			Content   *string
			ToolCalls []struct {
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	o := importing("")
	o.Workflow = "airline"
	records := mustParse(t, string(data), path, o)
	if len(records) != 200 || len(records) != len(want) {
		t.Fatalf("%d runs, want %d", len(records), len(want))
	}
	runs, tasks := map[string]bool{}, map[string]int{}
	ended, succeeded, failed, steps, failedSteps, errorMessages := 0, 0, 0, 0, 0, 0
	for i, r := range records {
		start := r.Run[0].(commands.StartRun)
		runs[start.Run] = true
		tasks[start.Task]++
		var tools, wantTools []string
		messages := 0
		for _, c := range r.Run {
			switch c := c.(type) {
			case commands.StartStep:
				tools = append(tools, c.Tool)
				steps++
			case commands.FinishStep:
				if c.Outcome == events.Failed {
					failedSteps++
				}
			case commands.RecordLLMCall:
				messages += len(c.Asked) + len(c.Answered)
			case commands.FinishRun:
				ended++
			}
		}
		switch r.Verdict.Verdict {
		case events.Succeeded:
			succeeded++
		case events.Failed:
			failed++
		}
		last := 0
		for j, m := range want[i].Traj {
			if m.Role == "assistant" {
				last = j
			}
			if m.Role == "tool" && strings.HasPrefix(*m.Content, "Error") {
				errorMessages++
			}
			for _, c := range m.ToolCalls {
				wantTools = append(wantTools, c.Function.Name)
			}
		}
		if strings.Join(tools, " ") != strings.Join(wantTools, " ") {
			t.Errorf("%s: tools %v, want %v", start.Run, tools, wantTools)
		}
		if messages != last+1 {
			t.Errorf("%s: %d messages, want the %d up to the last answer, each once", start.Run, messages, last+1)
		}
		if (r.Verdict.Verdict == events.Succeeded) != (want[i].Reward == 1) {
			t.Errorf("%s: reward %v, verdict %s", start.Run, want[i].Reward, r.Verdict.Verdict)
		}
	}
	if len(runs) != 200 || !runs["airline-0-1"] || len(tasks) != 50 || tasks["0"] != 4 {
		t.Errorf("%d names, %d tasks, %d trials of the first", len(runs), len(tasks), tasks["0"])
	}
	if ended != 200 || succeeded != 84 || failed != 116 || steps != 1164 || failedSteps != errorMessages {
		t.Errorf("%d succeeded, %d failed, %d steps of which %d failed, want 84, 116, 1164 and %d", succeeded, failed, steps, failedSteps, errorMessages)
	}
}

func TestChatSample(t *testing.T) {
	t.Parallel()
	const want = `12:00:00 start chat-0-0 workflow=chat task="0" requester="" prompt="Cancel my flight." labels=map[trial:0] undated=true
12:00:00 call -1 model="" provider="" [{system  Be kind. [] } {user  Cancel my flight. [] }] => [{assistant   [{c1 find {"user":"mia"}}] }]  
12:00:00 step 0 "find" tool agent="assistant" tool="find" model="" in=-1 on=[] labels=map[] undated=true
12:00:00 done 0 succeeded "" model="" tokens=0/0/0 cost=0 undated=true
12:00:00 call -1 model="" provider="" [{tool find HAT1 [] c1}] => [{assistant   [{c2 cancel {}} {c3 notify {}}] }]  
12:00:00 step 1 "cancel" tool agent="assistant" tool="cancel" model="" in=-1 on=[] labels=map[] undated=true
12:00:00 step 2 "notify" tool agent="assistant" tool="notify" model="" in=-1 on=[] labels=map[] undated=true
12:00:00 done 2 succeeded "" model="" tokens=0/0/0 cost=0 undated=true
12:00:00 done 1 failed "Error: too late" model="" tokens=0/0/0 cost=0 undated=true
12:00:00 call -1 model="" provider="" [{tool notify sent [] c3} {tool cancel Error: too late [] c2}] => [{assistant  Done. [] }]  
12:00:00 end unrated "Done." cost=0 undated=true
verdict succeeded from source chat
agent assistant
12:00:00 start chat-0-1 workflow=chat task="0" requester="" prompt="Cancel." labels=map[trial:1] undated=true
12:00:00 call -1 model="" provider="" [{user  Cancel. [] }] => [{assistant   [{ cancel {}}] }]  
12:00:00 step 0 "cancel" tool agent="assistant" tool="cancel" model="" in=-1 on=[] labels=map[] undated=true
12:00:00 done 0 succeeded "" model="" tokens=0/0/0 cost=0 undated=true
12:00:00 call -1 model="" provider="" [{function cancel ok [] }] => [{assistant   [{c9 think }] }]  
12:00:00 step 1 "think" tool agent="assistant" tool="think" model="" in=-1 on=[] labels=map[] undated=true
12:00:00 done 1 unrated "" model="" tokens=0/0/0 cost=0 undated=true
12:00:00 end unrated "" cost=0 undated=true
verdict failed from source chat
agent assistant
09:00:00 start chat-x workflow=chat task="" requester="" prompt="hi" labels=map[] undated=false
09:00:01.5 call -1 model="" provider="" [{user  hi [] }] => [{assistant  hello [] }]  
09:00:01.5 end unrated "hello" cost=0 undated=false
verdict succeeded from source chat
12:00:00 start chat-5e4ce7b36ba3 workflow=chat task="" requester="" prompt="" labels=map[] undated=true
12:00:00 end unrated "" cost=0 undated=true
`
	var got strings.Builder
	for i, r := range mustParse(t, sample(t, "chat.json"), "chat.json", importing("")) {
		got.WriteString(tell(r))
		if line := []int{2, 13, 19, 20}[i]; r.Line != line {
			t.Errorf("record %s is at line %d, want %d", r.Name, r.Line, line)
		}
	}
	if got.String() != want {
		t.Errorf("got\n%s", got.String())
	}
}

func TestChatRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ data, want string }{
		"no object":          {`7`, `is a number; a conversation is an object with messages (or traj)`},
		"no messages":        {`{"task_id":1,"trial":2}`, `record f-1-2: messages: is missing; it is the list of messages, and may also be called traj or conversation`},
		"message no object":  {`{"task_id":1,"trial":2,"traj":[1]}`, `record f-1-2: traj[0]: is a number, not a message`},
		"no role":            {`{"task_id":1,"trial":2,"messages":[{"role":"user"},{}]}`, `record f-1-2: messages[1].role: is missing`},
		"verdict a list":     {`{"task_id":1,"trial":2,"messages":[],"reward":[]}`, `record f-1-2: reward: is a list; a verdict is a number, true or false, or an outcome`},
		"verdict infinite":   {`{"task_id":1,"trial":2,"messages":[],"reward":1e400}`, `record f-1-2: reward: "1e400" is not a number that can be kept`},
		"unknown outcome":    {`{"task_id":1,"trial":2,"messages":[],"outcome":"fine"}`, `record f-1-2: outcome: "fine" is unknown; it is succeeded, failed or cancelled`},
		"back in time":       {`{"task_id":1,"trial":2,"messages":[{"role":"user","timestamp":"2026-03-01T09:00:00Z"},{"role":"assistant","timestamp":"2026-03-01T08:00:00Z"}]}`, `record f-1-2: messages[1].timestamp: 2026-03-01T08:00:00Z is before the message ahead of it`},
		"ends too early":     {`{"task_id":1,"trial":2,"ended_at":"2026-03-01T08:00:00Z","messages":[{"role":"user","timestamp":"2026-03-01T09:00:00Z"}]}`, `record f-1-2: ended_at: the conversation ends at 2026-03-01T08:00:00Z, before its last message at 2026-03-01T09:00:00Z`},
		"control in the id":  {`{"id":"a\u0001b","messages":[]}`, `record f-a\x01b: run: holds the control character U+0001`},
		"bad JSON in a list": {`{"task_id":01}`, `task_id: `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			records, problems, fatal := parseAll(t, "[{\"messages\":[]},\n"+c.data+",\n{\"messages\":[]}]", "f.json", importing("chat"))
			if c.want == `task_id: ` {
				c.want = `'1' stands where`
				if len(problems) != 1 || problems[0].Line != 2 || len(records) != 2 {
					t.Errorf("%d records, %v", len(records), problems)
				}
				return
			}
			if len(records) != 2 || len(problems) != 1 || fatal != nil || problems[0].Error() != "f.json:2: "+c.want {
				t.Errorf("%d records, problems %v, %v; want %s", len(records), problems, fatal, c.want)
			}
		})
	}
}

func TestChatVerdicts(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[string]string{
		`"reward":1`: "commands.FinishRun unrated, judged succeeded", `"reward":0.9999999`: "commands.FinishRun unrated, judged succeeded",
		`"reward":0.99`: "commands.FinishRun unrated, judged failed", `"score":0`: "commands.FinishRun unrated, judged failed",
		`"success":false`: "commands.FinishRun unrated, judged failed", `"success":true`: "commands.FinishRun unrated, judged succeeded",
		`"reward_info":{"reward":0}`:              "commands.FinishRun unrated, judged failed",
		`"sample":{"model":"m"},"status":"pass"`:  "commands.FinishRun unrated, judged succeeded",
		`"sample":{"model":"m"},"status":"error"`: "commands.FailRun",
		`"outcome":"cancelled"`:                   "commands.CancelRun", `"reward":null`: "commands.FinishRun unrated",
	} {
		r := mustParse(t, `{"messages":[],`+verdict+`}`, "f.json", importing(""))[0]
		got := ""
		switch c := r.Run[1].(type) {
		case commands.FinishRun:
			got = "commands.FinishRun " + string(c.Outcome)
		case commands.FailRun:
			got = "commands.FailRun"
		case commands.CancelRun:
			got = "commands.CancelRun"
		}
		if v := r.Verdict; v != nil {
			got += ", judged " + string(v.Verdict)
			if start := r.Run[0].(commands.StartRun); v.Run != start.Run || v.From != events.BySource || v.By != "chat" || v.ID == start.ID {
				t.Errorf("%s: %+v", verdict, v)
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", verdict, got, want)
		}
	}
}
