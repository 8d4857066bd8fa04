package mining

import (
	"cmp"
	"context"
	"slices"
)

// Pattern is a sequence of steps that runs hold in this order, with anything in between.
type Pattern struct {
	Steps []string
	// Support counts the runs that hold it, each once however often it does. Succeeded and Failed are of those.
	Support, Succeeded, Failed int64
	// Closed tells that no longer sequence around it, of any length, is held by as many runs.
	Closed      bool
	First, Last uint64
}

// Result is what Sequences found.
type Result struct {
	// Patterns are sorted by support descending, then the longer first, then by their steps.
	Patterns []Pattern
	// Runs counts all runs of the variants, MinSupport those that a sequence needed. MaxLength is the most steps of one.
	Runs, MinSupport int64
	MaxLength        int
}

// Sequences lists the frequent sequences (subsequences with gaps) of the variants: PrefixSpan (Pei and others, ICDE
// 2001) with the bidirectional closure check and the BackScan pruning of BIDE (Wang and Han, ICDE 2004), over weighted
// variants.
//
// It lists the closed ones. Those of exactly MaxLength steps are listed even where a longer sequence has the same
// support, with Closed false: the longer one is beyond the limit, and the support would be told nowhere else. With
// Options.All it lists every frequent one.
//
// It returns ErrOptions, a *TooManyError, or ctx's error; never a part of the answer.
func Sequences(ctx context.Context, variants []Variant, o Options) (Result, error) {
	var res Result
	for _, v := range variants {
		res.Runs += max(v.Runs, 0)
	}
	o, err := o.bounded()
	if err != nil {
		return res, err
	}
	res.MaxLength = o.MaxLength
	if res.MinSupport, err = o.Support(res.Runs); err != nil {
		return res, err
	}
	m := newMiner(ctx, newCorpus(variants, res.MinSupport), o, res)
	if err := m.extend(m.all(), 0, false); err != nil {
		return res, err
	}
	res.Patterns = m.found
	slices.SortFunc(res.Patterns, func(a, b Pattern) int {
		return cmp.Or(cmp.Compare(b.Support, a.Support), cmp.Compare(len(b.Steps), len(a.Steps)), slices.Compare(a.Steps, b.Steps))
	})
	return res, nil
}

// miner walks the tree of prefixes, deepest first. All that grows with the data is kept for each depth and used again.
type miner struct {
	*corpus
	ctx     context.Context
	o       Options
	res     Result
	found   []Pattern
	visited int

	prefix []int32
	// ends[d][v] is where the first occurrence of the prefix's first d+1 items ends in variant v.
	ends [][]int32
	// children[d] and holders[d] are scratch for the extensions of a prefix of length d.
	children [][]child
	holders  [][]int32
	// By item: the runs and variants of an extension, its place among the children, and the mark of who saw it last.
	// items are those that were counted. Between two nodes all but the marks are zero.
	sums  []int64
	uses  []int
	slots []int
	seen  []int64
	mark  int64
	items []int32
	// candidates[i] and lasts are scratch of the closure check.
	candidates [][]int32
	lasts      []int32
}

// child is an extension of a prefix: its item, the runs that hold it, and the variants they took.
type child struct {
	item    int32
	support int64
	holders []int32
}

func newMiner(ctx context.Context, c *corpus, o Options, res Result) *miner {
	return &miner{
		corpus: c, ctx: ctx, o: o, res: res,
		ends:     make([][]int32, o.MaxLength),
		children: make([][]child, o.MaxLength),
		holders:  make([][]int32, o.MaxLength),
		sums:     make([]int64, len(c.names)),
		uses:     make([]int, len(c.names)),
		slots:    make([]int, len(c.names)),
		seen:     make([]int64, len(c.names)),

		candidates: make([][]int32, o.MaxLength),
		lasts:      make([]int32, o.MaxLength),
	}
}

// all is the variants that hold the empty prefix.
func (m *miner) all() []int32 {
	holders := make([]int32, len(m.traces))
	for v := range holders {
		holders[v] = int32(v)
	}
	return holders
}

// end is where the prefix's first n items end in a variant at first, -1 for none of them.
func (m *miner) end(n int, v int32) int32 {
	if n == 0 {
		return -1
	}
	return m.ends[n-1][v]
}

// extend visits every frequent extension of the prefix, which the holders' variants hold. hidden tells that a longer
// sequence is known to have the same support as the prefix and, extended likewise, as whatever begins with it.
func (m *miner) extend(holders []int32, support int64, hidden bool) error {
	depth := len(m.prefix)
	children := m.frequent(holders, depth)
	forward := slices.ContainsFunc(children, func(c child) bool { return c.support == support })
	if depth > 0 && (m.o.All || !hidden && !forward) {
		closed := !hidden && !forward && !m.backward(holders)
		if closed || m.o.All {
			if err := m.list(holders, closed); err != nil {
				return err
			}
		}
	}
	if m.ends[depth] == nil {
		m.ends[depth] = make([]int32, len(m.traces))
	}
	for _, c := range children {
		if err := m.visit(c, depth, hidden); err != nil {
			return err
		}
	}
	return nil
}

// visit goes down to one extension of the prefix.
func (m *miner) visit(c child, depth int, hidden bool) error {
	if m.visited++; m.visited > m.o.MaxPatterns*visitsPerPattern {
		return m.tooMany()
	}
	if m.visited%64 == 0 {
		if err := m.ctx.Err(); err != nil {
			return err
		}
	}
	ends := m.ends[depth]
	for _, v := range c.holders {
		trace := m.traces[v]
		p := m.end(depth, v) + 1
		for trace[p] != c.item {
			p++
		}
		ends[v] = p
	}
	m.prefix = append(m.prefix, c.item)
	defer func() { m.prefix = m.prefix[:depth] }()

	if len(m.prefix) == m.o.MaxLength {
		closed := !hidden && !m.forward(c.holders) && !m.backward(c.holders)
		return m.list(c.holders, closed)
	}
	hidden = hidden || m.backscan(c.holders)
	if hidden && !m.o.All && !m.reaches(c.holders, ends) {
		return nil
	}
	return m.extend(c.holders, c.support, hidden)
}

// reaches tells whether enough runs go on long enough for an extension of MaxLength steps: of a hidden prefix, only
// those would be listed.
func (m *miner) reaches(holders, ends []int32) bool {
	var runs int64
	for _, v := range holders {
		if len(m.traces[v])-int(ends[v])-1 >= m.o.MaxLength-len(m.prefix) {
			runs += m.tallies[v].runs
		}
	}
	return runs >= m.res.MinSupport
}

// frequent lists the items that come after the prefix in enough runs, ascending, with the variants of those.
func (m *miner) frequent(holders []int32, depth int) []child {
	items := m.items[:0]
	for _, v := range holders {
		m.mark++
		p := m.end(depth, v) + 1
		trace, runs := m.traces[v], m.tallies[v].runs
		for left := m.distinct[v][p]; left > 0; p++ {
			x := trace[p]
			if m.seen[x] == m.mark {
				continue
			}
			m.seen[x] = m.mark
			left--
			if m.sums[x] == 0 {
				items = append(items, x)
			}
			m.sums[x] += runs
			m.uses[x]++
		}
	}
	slices.Sort(items)
	m.items = items

	// All children share one list of holders: the room that each needs is known by now.
	children, total := m.children[depth][:0], 0
	for _, x := range items {
		if m.sums[x] >= m.res.MinSupport {
			children = append(children, child{item: x, support: m.sums[x]})
			total += m.uses[x]
		}
	}
	m.children[depth] = children
	m.holders[depth] = slices.Grow(m.holders[depth][:0], total)
	room := m.holders[depth][:total]
	for i, c := range children {
		children[i].holders, room = room[:0:m.uses[c.item]], room[m.uses[c.item]:]
		m.slots[c.item] = i + 1
	}
	for _, x := range items {
		m.sums[x], m.uses[x] = 0, 0
	}
	for _, v := range holders {
		m.mark++
		p := m.end(depth, v) + 1
		trace := m.traces[v]
		for left := m.distinct[v][p]; left > 0; p++ {
			x := trace[p]
			if m.seen[x] == m.mark {
				continue
			}
			m.seen[x] = m.mark
			left--
			if i := m.slots[x]; i > 0 {
				children[i-1].holders = append(children[i-1].holders, v)
			}
		}
	}
	for _, c := range children {
		m.slots[c.item] = 0
	}
	return children
}

// list puts the prefix on the list.
func (m *miner) list(holders []int32, closed bool) error {
	if len(m.found) >= m.o.MaxPatterns {
		return m.tooMany()
	}
	var t tally
	for _, v := range holders {
		t.add(m.tallies[v])
	}
	steps := make([]string, len(m.prefix))
	for i, x := range m.prefix {
		steps[i] = m.names[x]
	}
	m.found = append(m.found, Pattern{
		Steps: steps, Support: t.runs, Succeeded: t.succeeded, Failed: t.failed, Closed: closed, First: t.first, Last: t.last,
	})
	return nil
}

func (m *miner) tooMany() error {
	return &TooManyError{Limit: m.o.MaxPatterns, Support: m.res.MinSupport, Runs: m.res.Runs, MaxLength: m.o.MaxLength}
}
