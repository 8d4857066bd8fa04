package mining

// The checks below ask whether one more item, at one place of the prefix, is held by every variant that holds the
// prefix. A place's period is the part of a variant in which that item would have to be.

// forward tells whether some item comes after the prefix in all holders.
func (m *miner) forward(holders []int32) bool {
	n := len(m.prefix)
	for i, v := range holders {
		if !m.narrow(0, i == 0, m.traces[v][m.end(n, v)+1:]) {
			return false
		}
	}
	return true
}

// backward tells whether some item can be put before or into the prefix without losing a holder: it is in the same
// maximum period of all of them, which reaches from the end of the first occurrence of what is before the place to the
// last occurrence of what is behind it (BIDE, theorem 3).
func (m *miner) backward(holders []int32) bool {
	return m.inserted(holders, func(v int32) int { return len(m.traces[v]) - 1 })
}

// backscan tells whether some item is in the same semi-maximum period of all holders, which ends within the prefix's
// first occurrence. Then the longer sequence has the same support not only now, but also with whatever is appended to
// both (BIDE, theorem 5).
func (m *miner) backscan(holders []int32) bool {
	return m.inserted(holders, func(v int32) int { return int(m.end(len(m.prefix), v)) })
}

// inserted looks for an item in the same period of all holders, where the last occurrences are those up to from(v).
func (m *miner) inserted(holders []int32, from func(v int32) int) bool {
	n := len(m.prefix)
	for i, v := range holders {
		trace := m.traces[v]
		p := from(v)
		for j := n - 1; j >= 0; j-- {
			for trace[p] != m.prefix[j] {
				p--
			}
			m.lasts[j] = int32(p)
			p--
		}
		open := false
		for j := range n {
			if i > 0 && len(m.candidates[j]) == 0 {
				continue
			}
			if m.narrow(j, i == 0, trace[m.end(j, v)+1:m.lasts[j]]) {
				open = true
			}
		}
		if !open {
			return false
		}
	}
	return true
}

// narrow keeps those candidates of a place that are in the period too, or makes them of the first period. It tells
// whether any is left.
func (m *miner) narrow(place int, first bool, period []int32) bool {
	m.mark++
	kept := m.candidates[place][:0]
	if first {
		for _, x := range period {
			if m.seen[x] != m.mark {
				m.seen[x] = m.mark
				kept = append(kept, x)
			}
		}
	} else {
		for _, x := range period {
			m.seen[x] = m.mark
		}
		for _, x := range m.candidates[place] {
			if m.seen[x] == m.mark {
				kept = append(kept, x)
			}
		}
	}
	m.candidates[place] = kept
	return len(kept) > 0
}
