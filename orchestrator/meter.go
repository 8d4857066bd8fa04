package orchestrator

import "time"

// meter adds up a number over time, such as how many calls are under way: in all, and over the last minute or two.
type meter struct {
	n  int
	at time.Time
	// total is in number times time. minute is the one of at, in which the sum is this, and last that of the one before.
	total, this, last time.Duration
	minute            int64
}

// set tells that the number is another one from now on.
func (m *meter) set(now time.Time, n int) {
	m.run(now)
	m.n = n
}

// run adds up to now.
func (m *meter) run(now time.Time) {
	if m.at.IsZero() {
		m.at, m.minute = now, now.Unix()/60
	}
	if gone := now.Sub(m.at); gone > 0 {
		m.total += time.Duration(m.n) * gone
	}
	for minute := now.Unix() / 60; m.minute < minute; {
		end := time.Unix(60*(m.minute+1), 0)
		m.last, m.this = m.this+time.Duration(m.n)*end.Sub(m.at), 0
		m.at, m.minute = end, m.minute+1
		if minute-m.minute > 2 { // nothing of what lies between is looked at
			m.at, m.minute = time.Unix(60*(minute-1), 0), minute-1
		}
	}
	if gone := now.Sub(m.at); gone > 0 {
		m.this += time.Duration(m.n) * gone
		m.at = now
	}
}

// recent is the sum over this minute and the one before.
func (m *meter) recent() time.Duration { return m.this + m.last }
