package projections

import "github.com/virtuous6/virtuous6/events"

// observer unpacks observations, and keeps what they have in common once.
type observer struct {
	texts  map[string]string
	lists  map[string][]string
	labels map[string][][2]string
	doings map[string]doings
	// runs and steps are room for the next ones.
	runs  []Observation
	steps []ObservedStep
}

// doings are what a step does by its name without the counter, and by its whole one: see WithoutCounter. They are the same where it
// has none.
type doings struct{ counted, whole *Doing }

func newObserver() *observer {
	return &observer{texts: map[string]string{}, lists: map[string][]string{}, labels: map[string][][2]string{}, doings: map[string]doings{}}
}

// roomFor is how many runs there is room made for at once.
const roomFor = 1024

func (o *observer) unpack(b []byte, first, last uint64) (*Observation, error) {
	if len(o.runs) == cap(o.runs) {
		o.runs = make([]Observation, 0, roomFor)
	}
	r := varints{b: b}
	o.runs = append(o.runs, Observation{
		Run: r.text(), Workflow: o.text(&r), Task: o.text(&r), Requester: o.text(&r), Outcome: events.Outcome(o.text(&r)), Error: o.text(&r),
		Agents: o.list(&r), Models: o.list(&r), Tools: o.list(&r), Labels: o.pairs(&r), Started: r.signed(), Ended: r.signed(),
		FirstPosition: first, LastPosition: last,
	})
	run := &o.runs[len(o.runs)-1]
	marks := r.next()
	run.Cut, run.Outside, run.More, run.Alike = marks&markCut != 0, marks&markOutside != 0, marks&markMore != 0, r.next()
	run.Cost = events.Cost{CostNanos: events.Nanos(r.signed()), UnpricedCalls: r.signed()}
	n := r.next()
	if n > uint64(len(r.b)) {
		return nil, errObservation
	}
	if n > uint64(cap(o.steps)-len(o.steps)) {
		o.steps = make([]ObservedStep, 0, max(n, 4*roomFor))
	}
	from := len(o.steps)
	for range n {
		o.steps = append(o.steps, ObservedStep{
			Doing: o.doing(&r, run.Models), Failed: r.next() == 1, Position: first + r.next(), OwnNS: r.signed(), InputTokens: r.signed(),
			OutputTokens: r.signed(), CostNanos: events.Nanos(r.signed()), OnNS: r.signed(), SavesNS: r.signed(), WaitNS: r.signed(),
		})
		s := &o.steps[len(o.steps)-1]
		s.SavesNS = s.OnNS - s.SavesNS
	}
	run.Steps = o.steps[from:len(o.steps):len(o.steps)]
	for len(r.b) > 0 {
		step := r.next()
		if step >= n {
			return nil, errObservation
		}
		run.Errors = append(run.Errors, StepError{Step: int(step), Explicit: o.text(&r), Text: o.text(&r)}) //nolint:gosec // the number of a step
	}
	if r.short {
		return nil, errObservation
	}
	return run, nil
}

func (o *observer) text(r *varints) string {
	b := r.part()
	if known, ok := o.texts[string(b)]; ok {
		return known
	}
	return o.once(string(b))
}

func (o *observer) once(s string) string {
	if known, ok := o.texts[s]; ok {
		return known
	}
	o.texts[s] = s
	return s
}

func (o *observer) list(r *varints) []string {
	b := r.part()
	if known, ok := o.lists[string(b)]; ok {
		return known
	}
	var list []string
	part := varints{b: b}
	for len(part.b) > 0 {
		list = append(list, o.text(&part))
	}
	r.short = r.short || part.short
	o.lists[string(b)] = list
	return list
}

func (o *observer) pairs(r *varints) [][2]string {
	b := r.part()
	if known, ok := o.labels[string(b)]; ok {
		return known
	}
	var pairs [][2]string
	part := varints{b: b}
	for len(part.b) > 0 {
		pairs = append(pairs, [2]string{o.text(&part), o.text(&part)})
	}
	r.short = r.short || part.short
	o.labels[string(b)] = pairs
	return pairs
}

// doing reads what a step of a run with these models does.
func (o *observer) doing(r *varints, models []string) *Doing {
	b := r.part()
	d, ok := o.doings[string(b)]
	if !ok {
		part := varints{b: b}
		d.whole = &Doing{Name: o.text(&part), Agent: o.text(&part), Model: o.text(&part)}
		d.counted = d.whole
		if name := WithoutCounter(d.whole.Name, nil); name != d.whole.Name {
			d.counted = &Doing{Name: o.once(name), Agent: d.whole.Agent, Model: d.whole.Model}
		}
		r.short = r.short || part.short
		o.doings[string(b)] = d
	}
	if d.counted != d.whole && WithoutCounter(d.whole.Name, models) == d.whole.Name {
		return d.whole
	}
	return d.counted
}
