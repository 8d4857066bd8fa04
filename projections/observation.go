package projections

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Observation is what analysts look at of a run. A look takes all of them; rows of workflow_runs hold ten times as much, and are
// many times as dear to decode. What alike runs share they share in memory too: nobody may change it.
type Observation struct {
	Run, Workflow, Task, Requester string
	// Agents, Models and Tools are sorted sets.
	Agents, Models, Tools []string
	// Labels are key and value, sorted by key.
	Labels [][2]string
	// Outcome is how it ended, Running before. Verdict is the one that counts, empty where there is none.
	Outcome, Verdict events.Outcome
	// Error is that of the whole run.
	Error string
	// Started and Ended are Unix nanoseconds, 0 where that is not known.
	Started, Ended int64
	// Cut tells that the model's last answer was cut at its limit of tokens, Outside that a step lies outside of the run's own time,
	// More that the source says another cost for all of it than its calls come to.
	Cut, Outside, More bool
	// Alike is equal in runs that are equal in all but their names, to the times of their steps. It is 0 where no step has one.
	Alike uint64
	events.Cost
	// Steps are in the order of their starts; Errors are of those that failed and say why.
	Steps                       []ObservedStep
	Errors                      []StepError
	FirstPosition, LastPosition uint64
}

// Result is how the run counts: by its verdict where it has one, else by how it ended.
func (o *Observation) Result() events.Outcome {
	if o.Verdict != "" && o.Outcome != Running {
		return o.Verdict
	}
	return o.Outcome
}

// ObservedStep is a step. OwnNS is how long it took without the steps right beneath it, -1 where that is not known.
type ObservedStep struct {
	*Doing
	Failed                           bool
	Position                         uint64
	OwnNS, InputTokens, OutputTokens int64
	CostNanos                        events.Nanos
	// OnNS is how much of its run's time hangs on it, and WaitNS how much on nothing before it: see paths. SavesNS is what the run
	// would be shorter by if it took no time.
	OnNS, SavesNS, WaitNS int64
}

// Doing is what alike steps share: what is done, without its counter, by whom, and by which model.
type Doing struct{ Name, Agent, Model string }

// StepError is why a step failed, in the source's word for it, and in what it says.
type StepError struct {
	Step           int
	Explicit, Text string
}

// explicitLabels are where sources name an error by themselves.
var explicitLabels = []string{"fingerprint", "error.fingerprint", "error.type", "exception.type"}

// observationRow is a row of observations: a run that has ended, packed. It is written once, beside the run's last change.
type observationRow struct {
	first     uint64
	workspace string
	last      uint64
	packed    []byte
}

var observationTable = readmodel.NewTable("observations", readmodel.TableOf[uint64, observationRow]{
	Table: readmodel.Table{Settled: "last_position", Large: true},
	Key:   func(r *observationRow) uint64 { return r.first },
	Fresh: func(first uint64, r *observationRow) { r.first = first },
	Weigh: func(r *observationRow) int { return cap(r.packed) },
	Ended: func(*observationRow) bool { return true },
	Reuse: func(r *observationRow) bool {
		*r = observationRow{packed: r.packed[:0]}
		return cap(r.packed) <= maxFreePacked
	},
	Row: []readmodel.ColumnOf[observationRow]{
		readmodel.Key(readmodel.Int("first_position", func(r *observationRow) *uint64 { return &r.first })),
		readmodel.Symbol("workspace", func(r *observationRow) *string { return &r.workspace }),
		readmodel.Int("last_position", func(r *observationRow) *uint64 { return &r.last }),
		readmodel.Bytes("packed", func(r *observationRow) *[]byte { return &r.packed }),
	},
})

// maxFreePacked is the most room that a row may have, to be used again.
const maxFreePacked = 4096

// observe keeps what analysts look at of a run that has ended.
func (w *runFold) observe(r *RunRow) {
	o := w.observations.Insert(r.FirstPosition)
	o.workspace, o.last = strings.Clone(r.Workspace), r.LastPosition
	o.packed = appendObservation(o.packed[:0], r)
}

// appendObservation packs a run. What runs and steps have in common are parts of their own, each behind its length: a reader that
// has met the same bytes before need not read them.
func appendObservation(b []byte, r *RunRow) []byte {
	for _, s := range [...]string{r.Run, r.Workflow, r.Task, r.Requester, string(r.Outcome), r.Error} {
		b = appendText(b, s)
	}
	room := make([]byte, 0, 256)
	for _, list := range [...][]string{r.Agents, r.Models, r.Tools} {
		part := room
		for _, s := range list {
			part = appendText(part, s)
		}
		b = appendPart(b, part)
	}
	b = appendPart(b, appendLabels(room, r.Labels))
	b = binary.AppendVarint(binary.AppendVarint(b, readmodel.UnixNanos(r.StartedAt)), readmodel.UnixNanos(r.EndedAt))
	b = binary.AppendUvarint(binary.AppendUvarint(b, r.marks()), r.alike())
	b = binary.AppendVarint(binary.AppendVarint(b, int64(r.CostNanos)), r.UnpricedCalls)
	b = binary.AppendUvarint(b, uint64(len(r.steps)))
	on := paths(r.steps)
	for i, own := range selfTimes(r.steps) {
		s := &r.steps[i]
		b = appendPart(b, appendText(appendText(appendText(room, s.Name), s.Agent), s.Model))
		if s.Outcome == events.Failed {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
		b = binary.AppendUvarint(b, s.Position-r.FirstPosition)
		for _, n := range [...]int64{own, s.InputTokens, s.OutputTokens, int64(s.CostNanos), on[i].on, on[i].on - on[i].saves, on[i].wait} {
			b = binary.AppendVarint(b, n)
		}
	}
	for i := range r.steps {
		s := &r.steps[i]
		if s.Outcome != events.Failed {
			continue
		}
		explicit := ""
		for _, l := range explicitLabels {
			explicit = cmp.Or(explicit, s.Labels[l])
		}
		if cmp.Or(explicit, s.Error) != "" {
			b = appendText(appendText(binary.AppendUvarint(b, uint64(i)), explicit), s.Error)
		}
	}
	return b
}

func appendPart(b, part []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

func appendLabels(b []byte, labels map[string]string) []byte {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		b = appendText(appendText(b, k), labels[k])
	}
	return b
}

var errObservation = errors.New("it is cut off, or no observation")
