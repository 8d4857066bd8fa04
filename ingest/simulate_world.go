package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// simulatedWorld is what all runs of a simulation share.
type simulatedWorld struct {
	Simulation
	// tag names the parameters that shape a run, so that simulations of other ones are other records.
	tag       string
	workflows []simulatedWorkflow
	texts     []string
}

// simulatedWorkflow has activities 0 to 9 for its patterns and walks, one that may help, and one that may be repeated.
type simulatedWorkflow struct {
	name          string
	activities    []simulatedActivity
	patterns      [][]int
	patternEffect int
	tasks         []simulatedTask
	agents        []string
	factors       []SimulationFactor
}

type simulatedActivity struct {
	step  string
	kind  events.StepKind
	takes time.Duration
}

type simulatedTask struct {
	name string
	// chance is the permille of success before any effect. Hard tasks are below the middle.
	chance int
	hard   bool
}

type simulatedModel struct {
	name string
	// input and output are nano-dollars a token.
	input, output events.Nanos
}

const (
	walkActivities = 10 // the first ones of each workflow
	helpfulStep    = 10
	repeatedStep   = 11
	activityCount  = 12
	patternLength  = 3
)

var (
	simulatedModels   = []simulatedModel{{"sim-large", 2500, 10_000}, {"sim-medium", 400, 1600}, {"sim-small", 150, 600}}
	simulatedChannels = []string{"chat", "email", "api"}
	simulatedRegions  = []string{"us", "eu", "apac"}
	simulatedPeople   = []string{"anna", "bela", "chen", "dara", "emil", "fatou", "goran", "hana"}
	simulatedErrors   = []string{
		"timeout: no answer within 30s", "429 too many requests", "tool returned malformed JSON",
		"permission denied for the requested record", "record not found", "upstream connection reset",
		"context length exceeded", "validation failed: amount must be positive",
	}
	simulatedWorkflowNames = []string{
		"checkout", "refund_request", "incident_triage", "changelog", "customer_onboarding", "invoice_audit",
		"code_review", "release_notes", "lead_research", "access_request",
	}
	simulatedVerbs = []string{
		"plan", "fetch", "search", "summarize", "compare", "validate", "draft", "enrich", "classify", "publish",
		"verify", "retry",
	}
	simulatedNouns = []string{
		"order", "claim", "alert", "commit", "account", "invoice", "patch", "note", "lead", "grant",
	}
	simulatedWords = strings.Fields(`the customer asks for an order that arrived late and wants to know whether a refund is
		possible before the end of this week because the card on file has expired we checked inventory with supplier and
		found two open tickets about the same parcel please confirm address then notify billing team in thread with a short
		answer that names amount date and reason no further action is needed unless price changed since last quote`)
)

// newSimulatedWorld fills in the defaults and lays out the workflows.
func newSimulatedWorld(s Simulation) *simulatedWorld {
	if s.World != "" {
		s.Null = true
		if s.Runs <= 0 && s.Events <= 0 {
			s.Runs = 600
		}
	}
	s.Workflows = within(s.Workflows, 5, 1, 1000)
	s.Agents = within(s.Agents, 12, 1, 1000)
	s.Tasks = within(s.Tasks, 40, 1, 1000)
	s.NoisePermille = within(s.NoisePermille, 200, 0, 1000)
	s.Patterns = within(s.Patterns, 20, 0, 12*s.Workflows)
	s.Factors = within(s.Factors, 3, 0, 3*s.Workflows)
	if s.Start.IsZero() {
		s.Start = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	}
	s.Start = s.Start.UTC()
	shape := fmt.Sprintln(s.Workflows, s.Agents, s.Tasks, s.NoisePermille, s.Patterns, s.Factors, s.Null, s.Start.UnixNano())
	if s.World != "" {
		shape = fmt.Sprintln(s.World, s.Runs, s.Start.UnixNano())
	}
	digest := sha256.Sum256([]byte(shape))
	w := &simulatedWorld{Simulation: s, tag: hex.EncodeToString(digest[:4])}

	rng := rand.New(rand.NewPCG(s.Seed, 0))
	for range 256 {
		words := make([]string, 140)
		for i := range words {
			words[i] = simulatedWords[rng.IntN(len(simulatedWords))]
		}
		w.texts = append(w.texts, strings.Join(words, " "))
	}
	for i := range s.Workflows {
		w.workflows = append(w.workflows, s.workflow(rng, i))
	}
	if !s.Null {
		w.plant()
	}
	return w
}

// within is n between bounds, or the default where it is zero.
func within(n, preset, least, most int) int {
	if n == 0 {
		n = preset
	}
	return min(max(n, least), most)
}

func (s Simulation) workflow(rng *rand.Rand, i int) simulatedWorkflow {
	wf := simulatedWorkflow{name: numbered(simulatedWorkflowNames, i)}
	noun := numbered(simulatedNouns, i)
	for a := range activityCount {
		activity := simulatedActivity{step: simulatedVerbs[a] + "_" + noun, kind: events.ToolStep, takes: time.Duration(200+rng.IntN(1800)) * time.Millisecond}
		if a%3 == 0 {
			activity.kind = events.ChatStep
			activity.takes *= 3
		}
		wf.activities = append(wf.activities, activity)
	}
	for t := range s.Tasks {
		task := simulatedTask{name: fmt.Sprintf("%s-%03d", noun, t+1), chance: 250 + rng.IntN(450)}
		task.hard = task.chance < 475
		wf.tasks = append(wf.tasks, task)
	}
	for a := range min(3, s.Agents) {
		wf.agents = append(wf.agents, fmt.Sprintf("agent-%02d", (i*3+a)%s.Agents+1))
	}
	slices.Sort(wf.agents)
	wf.agents = slices.Compact(wf.agents)
	for p := i; p < s.Patterns; p += s.Workflows {
		wf.patterns = append(wf.patterns, wf.pattern(rng))
	}
	return wf
}

// pattern draws three different steps that no other pattern of the workflow is made of.
func (wf *simulatedWorkflow) pattern(rng *rand.Rand) []int {
	for {
		p := rng.Perm(walkActivities)[:patternLength]
		taken := slices.ContainsFunc(wf.patterns, func(o []int) bool {
			a, b := slices.Sorted(slices.Values(o)), slices.Sorted(slices.Values(p))
			return slices.Equal(a, b)
		})
		if !taken {
			return p
		}
	}
}

// plant puts the effects in: patterns everywhere, factors one kind after another over the workflows, and small
// differences between the agents of a workflow that has no other agent effect.
func (w *simulatedWorld) plant() {
	n := len(w.workflows)
	for i := range w.workflows {
		w.workflows[i].patternEffect = 200
	}
	for j := range w.Factors {
		good, bad := &w.workflows[(j/3+j%3)%n], &w.workflows[(j/3+j%3+2)%n]
		up := [][]string{{"contains", good.activities[helpfulStep].step}, {"label", "channel", "api"}, {"agent", good.agents[0]}}[j%3]
		down := [][]string{{"repeats", bad.activities[repeatedStep].step}, {"label", "region", "apac"}, {"model", "sim-small"}}[j%3]
		good.factors = append(good.factors, SimulationFactor{good.name, up, 180, true})
		bad.factors = append(bad.factors, SimulationFactor{bad.name, down, -220, true})
	}
	for i := range w.workflows {
		wf := &w.workflows[i]
		if len(wf.agents) > 1 && !slices.ContainsFunc(wf.factors, func(f SimulationFactor) bool { return f.Subject[0] == "agent" }) {
			wf.factors = append(wf.factors, SimulationFactor{wf.name, []string{"agent", wf.agents[1]}, 40, false})
		}
	}
}

// trace draws the steps of a run: a planted pattern or a walk, noise, and the two steps that may matter. Hard tasks
// follow patterns less often and repeat more often, whether it matters or not.
func (wf *simulatedWorkflow) trace(rng *rand.Rand, task *simulatedTask, noise int) []int {
	route, repeat := 650, 250
	if task.hard {
		route, repeat = 500, 550
	}
	var plan []int
	if len(wf.patterns) > 0 && rng.IntN(1000) < route {
		plan = wf.patterns[rng.IntN(len(wf.patterns))]
	} else {
		plan = rng.Perm(walkActivities)[:patternLength]
	}
	trace := make([]int, 0, 2*patternLength+3)
	for _, x := range plan {
		if rng.IntN(1000) < noise {
			switch rng.IntN(3) {
			case 0:
				continue
			case 1:
				x = rng.IntN(walkActivities)
			case 2:
				trace = append(trace, rng.IntN(walkActivities))
			}
		}
		trace = append(trace, x)
	}
	put := func(x int) { trace = slices.Insert(trace, rng.IntN(len(trace)+1), x) }
	if rng.IntN(1000) < 350 {
		put(helpfulStep)
	}
	if rng.IntN(1000) < repeat {
		put(repeatedStep)
		if rng.IntN(1000) < 450 {
			put(repeatedStep)
		}
	}
	return trace
}

func (wf *simulatedWorkflow) holdsPattern(trace []int) bool {
	for _, p := range wf.patterns {
		i := 0
		for _, x := range trace {
			if i < len(p) && x == p[i] {
				i++
			}
		}
		if i == len(p) {
			return true
		}
	}
	return false
}

func (wf *simulatedWorkflow) stepNames(pattern []int) []string {
	names := make([]string, len(pattern))
	for i, x := range pattern {
		names[i] = wf.activities[x].step
	}
	return names
}

func (wf *simulatedWorkflow) count(trace []int, step string) (n int) {
	for _, x := range trace {
		if wf.activities[x].step == step {
			n++
		}
	}
	return n
}

func (w *simulatedWorld) text(rng *rand.Rand) string { return w.texts[rng.IntN(len(w.texts))] }

func (w *simulatedWorld) runName(i int) string {
	return fmt.Sprintf("sim-%d-%s-%07d", w.Seed, w.tag, i)
}

// numbered is the i-th name, with a number behind it where there are more than names.
func numbered(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s_%d", names[i%len(names)], i/len(names)+1)
}
