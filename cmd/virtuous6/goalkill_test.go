//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore/pgtest"
)

// world is a model server and a tool server that count what they are asked, and that kill the program at a request.
type world struct {
	*killer

	mu sync.Mutex
	// left counts down to the request at which the program is killed. random tells how long after it.
	left     int
	random   *rand.Rand
	asked    int
	sent     map[string]int
	killings func()
	// who asked the model last, by its key.
	who string
	// spent is what the calls for each goal cost, going the one that is gone for now, and limit what it may cost then. over are the moments
	// when it cost more.
	spent map[string]events.Nanos
	going string
	limit events.Nanos
	over  []string
}

// What a call of the counted model costs, by the usage that it tells and the prices in countedConfig. A goal takes thirteen. The wide limit is
// for all that kills can make unknown, the tight one for less than the goal takes.
const (
	countedCost  = 10*10 + 40*10_000
	wideLimit    = 120 * countedCost
	tightLimit   = 9 * countedCost
	countedUsage = `"usage":{"prompt_tokens":10,"completion_tokens":40,"total_tokens":50}`
)

// countedConfig is the configuration of a program whose calls have a price.
func countedConfig(t *testing.T, p program, lease time.Duration) string {
	t.Helper()
	prices := write(t, p.dir, "prices.json", `{"m": {"input_cost_per_token": 1e-8, "output_cost_per_token": 1e-5}}`)
	return write(t, p.dir, "config.yaml", "model: m\nlease: "+lease.String()+"\nprices: "+prices+"\npolicy:\n  tools: [send_mail, note, ask_agent]\n")
}

// begins counts for another goal from now on.
func (w *world) begins(goal string, limit events.Nanos) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.going, w.limit = goal, limit
}

func newWorld(seed uint64, kills int) *world {
	return &world{killer: &killer{}, random: rand.New(rand.NewPCG(seed, uint64(kills))), sent: map[string]int{}, spent: map[string]events.Nanos{}} //nolint:gosec // moments, not secrets
}

// killedTasks is how many parts a goal has, of which each sends a mail. The last one waits for all of them.
const killedTasks = 5

func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	name := path.Base(r.URL.Path)
	w.mu.Lock()
	switch name {
	case "completions":
		w.asked++
		if w.spent[w.going] += countedCost; w.spent[w.going] > w.limit {
			w.over = append(w.over, fmt.Sprintf("goal %s: %s USD of %s", w.going, w.spent[w.going], w.limit))
		}
		w.who = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	case "send_mail":
		w.sent[r.URL.Query().Get("key")]++
	}
	if w.left--; w.left == 0 && w.killings != nil {
		kill := w.killings
		time.AfterFunc(time.Duration(w.random.Int64N(int64(8*time.Millisecond))), kill)
	}
	w.mu.Unlock()
	switch {
	case name != "completions":
		fmt.Fprint(out, "sent")
	case bytes.Contains(body, []byte("Break this goal")):
		w.say(out, said(thePlan()))
	case bytes.Contains(body, []byte("asks you this")):
		w.say(out, said("Mail it."))
	default:
		// The first part asks another agent before it mails.
		calls := []string{calling("ask_agent", `{"agent":"boss","question":"May I?"}`), calling("send_mail", "{}"), said("Done.")}
		if !bytes.Contains(body, []byte("Mail 0.")) {
			calls = calls[1:]
		}
		w.say(out, calls[bytes.Count(body, []byte(`"tool_call_id"`))])
	}
}

// said is a chunk that is a whole answer.
func said(text string) string {
	quoted, _ := json.Marshal(text)
	return `{"choices":[{"index":0,"delta":{"role":"assistant","content":` + string(quoted) + `},"finish_reason":"stop"}],` + countedUsage + `}`
}

// calling is a chunk that calls a tool.
func calling(tool, arguments string) string {
	quoted, _ := json.Marshal(arguments)
	return `{"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"` + tool + `","type":"function","function":{"name":"` + tool + `","arguments":` + string(quoted) + `}}]},"finish_reason":"tool_calls"}],` + countedUsage + `}`
}

func thePlan() string {
	var tasks, names []string
	for i := range killedTasks - 1 {
		tasks = append(tasks, fmt.Sprintf(`{"task":"part-%d","title":"","instruction":"Mail %[1]d.","agent":"clerk","depends_on":[],"seconds":1}`, i))
		names = append(names, fmt.Sprintf(`"part-%d"`, i))
	}
	tasks = append(tasks, fmt.Sprintf(`{"task":"last","title":"","instruction":"Mail.","agent":"clerk","depends_on":[%s],"seconds":1}`, strings.Join(names, ",")))
	return `{"note":"","tasks":[` + strings.Join(tasks, ",") + `]}`
}

// TestChaosGoalsGoOnWhereverTheProgramIsKilled kills the real program with SIGKILL again and again while it goes for goals, and
// counts what their tasks, the model and the tool were asked: no task is lost or doubled, no mail is sent twice, and what the counted calls
// cost is never above what the goal may cost, with what was set aside for those whose outcome nobody knows.
func TestChaosGoalsGoOnWhereverTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	kills := 10
	if os.Getenv("VIRTUOUS6_CHAOS") == "long" {
		kills = 100
	}
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		goalsKilled(t, newProgram(t), kills, 300*time.Millisecond, wideLimit)
	})
	t.Run("without money", func(t *testing.T) {
		t.Parallel()
		goalsKilled(t, newProgram(t), kills, 300*time.Millisecond, tightLimit)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		server, err := pgtest.Start(t.Context())
		pgtest.Need(t, err)
		t.Cleanup(func() {
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
		})
		p := newProgram(t)
		if p.store, err = server.Create(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		goalsKilled(t, p, kills, time.Second, wideLimit) // a server that shares its processors answers late, and a lease that is over begins anew
	})
}

// goalsKilled has goals gone for whose limit is raised by as much as it was whenever it is too little.
func goalsKilled(t *testing.T, p program, kills int, lease time.Duration, limit events.Nanos) {
	w := newWorld(21, kills)
	server := httptest.NewServer(w)
	defer server.Close()
	p.name = "virtuous6-counted"
	p.env = []string{"OPENAI_BASE_URL=" + server.URL + "/v1", "OPENAI_API_KEY=x", "VIRTUOUS6_TEST_TOOLS=" + server.URL + "/tools/"}
	config := countedConfig(t, p, lease)
	p.run("agents", "spawn", "clerk", "--tools", "send_mail,ask_agent", "--max-tokens", "50", "--config", config)
	p.run("agents", "spawn", "boss", "--max-tokens", "50", "--config", config)
	p.run("agents", "spawn", "planner", "--max-tokens", "50", "--config", config)
	var goals []string
	open, killed, raised := false, 0, 0
	args := func() []string { return []string{"goals", "run", goals[len(goals)-1]} }
	for killed < kills || open {
		if !open {
			goals = append(goals, strings.TrimSpace(string(p.run("goals", "create", "Send mails.", "-q", "--limit", limit.String(), "--config", config))))
			open = true
			w.begins(goals[len(goals)-1], limit)
			args = func() []string { return []string{"goals", "run", goals[len(goals)-1]} }
		}
		cmd := p.command(append(args(), "--json", "-q", "--config", config)...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		w.left, w.killings = 1+w.random.IntN(6), nil
		if killed < kills {
			w.killings = func() { _ = cmd.Process.Kill() }
		}
		w.mu.Unlock()
		// Where it hangs, it tells where.
		late := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
		err := cmd.Wait()
		switch {
		case err == nil:
			open = false
		case !late.Stop():
			t.Fatalf("goal %d does not end: %s", len(goals), out.Bytes())
		case cmd.ProcessState.ExitCode() >= 0:
			paused := strings.Contains(out.String(), `"status": "paused"`)
			// Killed while it was planned, what is left may be too little for any plan.
			if paused || strings.Contains(out.String(), "budget exhausted") {
				raised++
				more := w.limit + limit
				w.begins(w.going, more)
				resume := []string{"goals", "resume", goals[len(goals)-1], "--limit", more.String()}
				if paused {
					args = func() []string { return resume }
				} else {
					p.run(append(resume, "--config", config)...)
				}
				continue
			}
			// It may have ended just when it was killed.
			if !strings.Contains(out.String(), "has ended") {
				t.Fatalf("goal %d: %v, %s", len(goals), err, out.Bytes())
			}
			open = false
		default:
			if killed++; killed%10 == 0 {
				t.Logf("killed %d times in %d goals", killed, len(goals))
			}
		}
		late.Stop()
	}
	// What the last process had not settled when it ended is settled by the next that drives.
	settles, _ := p.serve("--config", config)
	w.checkMoney(t, p, goals)
	_ = settles.Process.Kill()
	_ = settles.Wait()
	if limit == tightLimit {
		if raised < len(goals) {
			t.Errorf("%d goals with too little money asked for more %d times", len(goals), raised)
		}
		w.checkMails(t)
		return // what waited for money begins anew, and counts twice
	}
	w.checkGoals(t, p, goals, kills)
}

// checkMails holds that none was sent twice.
func (w *world) checkMails(t *testing.T) {
	t.Helper()
	for key, times := range w.sent {
		if key == "" || times != 1 {
			t.Errorf("the mail %q was sent %d times", key, times)
		}
	}
}

// checkMoney holds what the counted calls cost against what the goals may cost, and against what their budgets count: a call of which nobody
// knows what became counts as what was set aside for it, and is no more than that.
func (w *world) checkMoney(t *testing.T, p program, goals []string) {
	t.Helper()
	for _, over := range w.over {
		t.Error(over)
	}
	of := map[string]*goalCount{}
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(50 * time.Millisecond) {
		aside := events.Nanos(0)
		of = goalCounts(t, p)
		for _, c := range of {
			aside += c.aside
		}
		if aside == 0 {
			break
		}
	}
	unknown := 0
	for _, goal := range goals {
		c := of[goal]
		if c == nil {
			t.Fatalf("nothing is counted for goal %s", goal)
		}
		unknown += c.unknown
		if made := w.spent[goal]; made > c.settled || made > events.Nanos(c.known+c.unknown)*countedCost || c.aside != 0 {
			t.Errorf("goal %s: calls for %s USD were made, and its budget counts %s for %d known and %d unknown ones, with %s set aside", goal, made, c.settled, c.known, c.unknown, c.aside)
		}
	}
	var rows []struct {
		Goal  string
		Cost  json.Number `json:"cost_usd"`
		Limit json.Number `json:"limit_usd"`
	}
	if err := json.Unmarshal(p.run("goals", "--limit", "0", "--json"), &rows); err != nil || len(rows) != len(goals) {
		t.Fatalf("%d goals, %v", len(rows), err)
	}
	for _, r := range rows {
		limit, err := events.ParseUSD(r.Limit.String())
		if err != nil || of[r.Goal].settled > limit || w.spent[r.Goal] > limit {
			t.Errorf("goal %s: %s USD are counted, calls for %s were made, and %s may be spent (%v)", r.Goal, of[r.Goal].settled, w.spent[r.Goal], limit, err)
		}
	}
	t.Logf("spend: within the limit of each of %d goals, %d calls of unknown outcome counted as what was set aside", len(goals), unknown)
}

// goalCount is what the budget of a goal counts: what was settled, at how much for calls of which nobody knows what became too, and what is still
// set aside.
type goalCount struct {
	settled, aside events.Nanos
	known, unknown int
}

func goalCounts(t *testing.T, p program) map[string]*goalCount {
	t.Helper()
	var facts []struct {
		Kind, Stream string
		Data         struct {
			Nanos       int64
			Unknown     bool
			Reservation string
		}
	}
	if err := json.Unmarshal(p.run("events", "--limit", "0", "--json"), &facts); err != nil {
		t.Fatal(err)
	}
	of, reserved := map[string]*goalCount{}, map[string]events.Nanos{}
	for _, f := range facts {
		_, goal, is := strings.Cut(f.Stream, "budget-goal:")
		if !is {
			continue
		}
		if of[goal] == nil {
			of[goal] = &goalCount{}
		}
		c, nanos := of[goal], events.Nanos(f.Data.Nanos)
		switch {
		case f.Kind == "budget.reserved":
			reserved[f.Data.Reservation] = nanos
			c.aside += nanos
		case f.Kind == "budget.settled" && f.Data.Unknown:
			c.unknown++
			c.settled += reserved[f.Data.Reservation]
			c.aside -= reserved[f.Data.Reservation]
		case f.Kind == "budget.settled":
			if nanos > 0 {
				c.known++
			}
			c.settled += nanos
			c.aside -= reserved[f.Data.Reservation]
		}
	}
	return of
}

// checkGoals holds what the log says against what the world has seen.
func (w *world) checkGoals(t *testing.T, p program, goals []string, kills int) {
	t.Helper()
	var facts []struct {
		Kind, Stream string
		Data         struct {
			Task, Outcome string
			Talk          int
			Unknown       bool
		}
	}
	if err := json.Unmarshal(p.run("events", "--limit", "0", "--json"), &facts); err != nil {
		t.Fatal(err)
	}
	n, tasks := map[string]int{}, map[string]int{}
	unknown := 0
	for _, f := range facts {
		n[f.Kind]++
		switch f.Kind {
		case "goal.task_started", "goal.task_finished":
			tasks[f.Stream+" "+f.Kind+" "+f.Data.Task]++
		case "goal.agent_asked", "goal.agent_answered":
			tasks[fmt.Sprintf("%s %s %d", f.Stream, f.Kind, f.Data.Talk)]++
		}
		if f.Data.Unknown && f.Kind == "run.tool_called" {
			unknown++
		}
		if f.Kind == "goal.finished" && f.Data.Outcome != "succeeded" {
			t.Errorf("%s %s", f.Stream, f.Data.Outcome)
		}
	}
	for task, times := range tasks {
		if times != 1 {
			t.Errorf("%s stands %d times in the log", task, times)
		}
	}
	// A run for each task, for the plan and for what an agent asked another one.
	all := len(goals) * killedTasks
	for kind, want := range map[string]int{
		"goal.finished": len(goals), "goal.planned": len(goals), "goal.task_finished": all, "goal.agent_asked": len(goals), "goal.agent_answered": len(goals),
		"run.started": all + 2*len(goals), "run.finished": all + 2*len(goals), "run.tool_called": all + len(goals), "run.llm_called": 2*all + 3*len(goals),
	} {
		if n[kind] != want {
			t.Errorf("the log has %d facts %s, want %d", n[kind], kind, want)
		}
	}
	w.checkMails(t)
	if sent := len(w.sent); sent > all || sent < all-unknown {
		t.Errorf("%d mails were sent for %d calls, of which %d have an unknown outcome", sent, all, unknown)
	}
	// Each process that was killed may have asked once for each task under way in vain.
	if w.asked < n["run.llm_called"] || w.asked > n["run.llm_called"]+kills*killedTasks {
		t.Errorf("the model was asked %d times, and the log has %d answers", w.asked, n["run.llm_called"])
	}
	p.run("verify")
	t.Logf("%d kills over %d goals of %d tasks: %d mails, %d outcomes unknown, the model asked %d times for %d answers",
		kills, len(goals), killedTasks, len(w.sent), unknown, w.asked, n["run.llm_called"])
}
