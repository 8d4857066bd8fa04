package projections

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// patternKey is the key of patterns.
type patternKey struct {
	workflow  string
	kind      PatternKind
	digest    string
	workspace string
}

var patternTable = readmodel.NewTable("patterns", readmodel.TableOf[patternKey, PatternRow]{
	Table: readmodel.Table{
		Large: true, Indexes: []readmodel.Index{{Name: "patterns_by_runs", Columns: []string{"workflow", "kind", "workspace", "runs"}}},
	},
	Key: func(r *PatternRow) patternKey { return patternKey{r.Workflow, r.Kind, r.Digest, r.Workspace} },
	Fresh: func(k patternKey, r *PatternRow) {
		r.Workflow, r.Kind, r.Digest, r.Workspace = k.workflow, k.kind, k.digest, k.workspace
	},
	Share: 2,
	Weigh: func(r *PatternRow) int { return 64 + 16*len(r.Steps) + len(r.stepsJSON) },
	Row: []readmodel.ColumnOf[PatternRow]{
		readmodel.Key(readmodel.Symbol("workflow", func(r *PatternRow) *string { return &r.Workflow })),
		readmodel.Key(readmodel.Symbol("kind", func(r *PatternRow) *PatternKind { return &r.Kind })),
		readmodel.Key(readmodel.String("digest", func(r *PatternRow) *string { return &r.Digest })),
		workspaceKey(func(r *PatternRow) *string { return &r.Workspace }),
		readmodel.Int("count", func(r *PatternRow) *int64 { return &r.Count }),
		readmodel.Int("runs", func(r *PatternRow) *int64 { return &r.Runs }),
		readmodel.Int("succeeded", func(r *PatternRow) *int64 { return &r.Succeeded }),
		readmodel.Int("failed", func(r *PatternRow) *int64 { return &r.Failed }),
		readmodel.Int("cancelled", func(r *PatternRow) *int64 { return &r.Cancelled }),
		readmodel.Int("unrated", func(r *PatternRow) *int64 { return &r.Unrated }),
		readmodel.Int("judged", func(r *PatternRow) *int64 { return &r.Judged }),
		readmodel.Int("first_position", func(r *PatternRow) *uint64 { return &r.FirstPosition }),
		readmodel.Int("last_position", func(r *PatternRow) *uint64 { return &r.LastPosition }),
		readmodel.Once(readmodel.Strings("steps", func(r *PatternRow) *[]string { return &r.Steps }), func(r *PatternRow) *string { return &r.stepsJSON }),
	},
})

// patterns keeps, of each run that ended, its variant and the steps that followed one another in it.
var patterns = readmodel.Projection{
	Name: "patterns", Version: 3, Tables: []readmodel.AnyTable{patternTable},
	Bind: bindPatterns,
}

// patternFold is the fold into patterns.
type patternFold struct {
	patterns *readmodel.Cache[patternKey, PatternRow]
	result   *result
	plans    plans
}

func bindPatterns(w *readmodel.WorkingSet) readmodel.Fold {
	return (&patternFold{patternTable.In(w), resultOfRun.In(w), plans{limit: w.Bytes / 16}}).fold
}

func (w *patternFold) fold(f *readmodel.Fact) error {
	run := w.result.row
	if run == nil {
		return nil
	}
	planned := w.plans.of(named{run.Workflow, run.Workspace}, run.Path())
	for i := range planned {
		p := &planned[i]
		if p.epoch != w.patterns.Epoch() {
			at, err := w.patterns.Slot(p.key)
			if err != nil {
				return err
			}
			p.at, p.epoch = at, w.patterns.Epoch()
		}
		w.patterns.Touch(p.at)
		r := &p.at.Row
		if r.Runs == 0 {
			r.Steps, r.FirstPosition = p.steps, run.FirstPosition
		}
		if w.result.ended {
			r.Count = events.Add(r.Count, p.count)
			r.Runs++
		}
		w.result.tally(&r.Succeeded, &r.Failed, &r.Cancelled, &r.Unrated, &r.Judged)
		r.FirstPosition = min(r.FirstPosition, run.FirstPosition)
		r.LastPosition = f.Envelope.Position
	}
	return nil
}

// planned is one pattern row that a trace counts in, and how often.
type planned struct {
	*placed
	count int64
}

// placed is a pattern row.
type placed struct {
	key   patternKey
	steps []string
	// at is where the row is in the working set, in that epoch.
	at    *readmodel.Slot[PatternRow]
	epoch int
}

// plans remembers which pattern rows a trace counts in: most runs of a workflow have one of few traces.
type plans struct {
	byTrace map[string][]planned
	// pairs are the rows of steps that follow one another: few, and in most traces.
	pairs map[pair]*placed
	bytes int
	// limit bounds what is remembered, in bytes, roughly.
	limit   int
	scratch []byte
}

type pair struct {
	workflow      named
	first, second string
}

func (p *plans) of(workflow named, trace []string) []planned {
	p.scratch = appendText(appendText(p.scratch[:0], workflow.name), workflow.workspace)
	for _, name := range trace {
		p.scratch = appendText(p.scratch, name)
	}
	if known, ok := p.byTrace[string(p.scratch)]; ok {
		return known
	}
	own := make([]string, len(trace))
	for i, name := range trace {
		own[i] = strings.Clone(name)
	}
	made := p.plan(named{strings.Clone(workflow.name), strings.Clone(workflow.workspace)}, own)
	if size := len(p.scratch) + 16*len(trace) + 128*len(made) + 64; size <= p.limit {
		if p.bytes += size; p.bytes > p.limit || p.byTrace == nil {
			p.byTrace, p.bytes = make(map[string][]planned), size
		}
		p.byTrace[string(p.scratch)] = made
	}
	return made
}

// appendText appends a text so that where it ends can be told.
func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// plan lists the rows that a trace counts in: its variant, then each pair of steps that follow one another, in the
// order of their first occurrence.
func (p *plans) plan(workflow named, trace []string) []planned {
	if len(p.pairs) >= maxPairs || p.pairs == nil {
		p.pairs = make(map[pair]*placed)
	}
	made := make([]planned, 0, min(max(len(trace), 1), maxPlanned))
	made = append(made, planned{&placed{key: patternKey{workflow.name, VariantPattern, PatternDigest(trace), workflow.workspace}, steps: trace}, 1})
	var seen map[*placed]int
	for i := 1; i < len(trace); i++ {
		row := p.pair(workflow, trace[i-1:i+1:i+1])
		at := 0
		if seen == nil {
			at = 1 + slices.IndexFunc(made[1:], func(p planned) bool { return p.placed == row })
		} else {
			at = seen[row]
		}
		if at == 0 {
			at = len(made)
			made = append(made, planned{placed: row})
			if seen == nil && at == maxPlanned {
				seen = make(map[*placed]int)
				for n, m := range made[1:] {
					seen[m.placed] = n + 1
				}
			} else if seen != nil {
				seen[row] = at
			}
		}
		made[at].count++
	}
	return made
}

// maxPlanned is how many rows of a trace are looked through; of more than that a map is made.
const maxPlanned = 16

// maxPairs bounds the pairs that are remembered from trace to trace.
const maxPairs = 1 << 12

// pair is the row of two steps. Within a trace it is the same one for the same steps.
func (p *plans) pair(workflow named, steps []string) *placed {
	k := pair{workflow, steps[0], steps[1]}
	known := p.pairs[k]
	if known == nil {
		known = &placed{key: patternKey{workflow.name, FollowsPattern, PatternDigest(steps), workflow.workspace}, steps: slices.Clone(steps)}
		p.pairs[k] = known
	}
	return known
}

// PatternDigest is the Digest of a PatternRow with these steps.
func PatternDigest(steps []string) string {
	sum := sha256.Sum256(readmodel.AppendStrings(nil, steps))
	return hex.EncodeToString(sum[:16])
}
