package projections

import "strings"

// WithoutCounter is a name without the number at its end by which its maker counts: `update-11` and `update-12` are one step to
// whoever compares runs. What ends in the name of one of the models keeps its number, as does one that has nothing but numbers.
func WithoutCounter(name string, models []string) string {
	base := strings.TrimRight(name, "0123456789")
	if base == name {
		return name
	}
	bare := strings.TrimRight(base, "-_#")
	if bare == base || bare == "" || strings.Trim(bare, "0123456789-_# .") == "" {
		return name
	}
	for _, m := range models {
		if m != "" && strings.HasSuffix(name, m) {
			return name
		}
	}
	return strings.TrimRight(bare, " ")
}

// Path is the run's trace without counters, step by step.
func (r *RunRow) Path() []string {
	for i, name := range r.Trace {
		if folded := WithoutCounter(name, r.Models); folded != name {
			path := append([]string(nil), r.Trace...)
			for j := i; j < len(path); j++ {
				path[j] = WithoutCounter(path[j], r.Models)
			}
			return path
		}
	}
	return r.Trace
}
