package events

// ReportedUsage is what a call to a model used, in the words of whoever counted it. Some count what came from a cache,
// or was reasoned, as part of the input and the output; others put it on top. What is not told is 0.
type ReportedUsage struct {
	// Input, Output and Total are the counts as they are called.
	Input, Output, Total int64
	// CacheRead and CacheWrite are tokens of the input that were read from, and written to, the provider's cache.
	CacheRead, CacheWrite int64
	// Reasoning are tokens of the output that are no part of the answer.
	Reasoning int64
	// OtherInput and OtherOutput are further parts that are told by themselves, such as audio.
	OtherInput, OtherOutput int64
}

// Usage is what a call used, by one rule for all providers: Input holds CacheRead and CacheWrite, and Output holds
// Reasoning.
type Usage struct {
	Input, Output         int64
	CacheRead, CacheWrite int64
	Reasoning             int64
}

// Usage tells what was used. The parts make the total: where one is given, it decides which parts come on top of the
// input and the output. Where none is given, or nothing fits it, a part lies inside unless there is no room for it.
// A count that is missing is what the total leaves for it. Counts must not be beyond 2^53; a negative one is none.
func (r ReportedUsage) Usage() Usage {
	for _, n := range []*int64{&r.Input, &r.Output, &r.Total, &r.CacheRead, &r.CacheWrite, &r.Reasoning, &r.OtherInput, &r.OtherOutput} {
		*n = max(*n, 0)
	}
	if r.Total > 0 {
		for onTop := range parts(1 << 5) {
			if u, total := r.with(onTop); total == r.Total && r.fits(onTop) {
				return u
			}
		}
	}
	u, total := r.with(r.least())
	switch missing := r.Total - total; {
	case missing <= 0 || r.Input > 0 && r.Output > 0:
	case r.Output > 0:
		u.Input += missing
	case r.Input > 0:
		u.Output += missing
	}
	return u
}

// parts is a set of the parts that come on top. Fewer come before more, and the cache before reasoning.
type parts uint8

const (
	cacheReadOnTop parts = 1 << iota
	cacheWriteOnTop
	reasoningOnTop
	otherInputOnTop
	otherOutputOnTop
)

// with adds the parts that come on top.
func (r ReportedUsage) with(onTop parts) (u Usage, total int64) {
	u = Usage{Input: r.Input, Output: r.Output, CacheRead: r.CacheRead, CacheWrite: r.CacheWrite, Reasoning: r.Reasoning}
	for _, p := range []struct {
		part parts
		n    int64
		into *int64
	}{
		{cacheReadOnTop, r.CacheRead, &u.Input},
		{cacheWriteOnTop, r.CacheWrite, &u.Input},
		{reasoningOnTop, r.Reasoning, &u.Output},
		{otherInputOnTop, r.OtherInput, &u.Input},
		{otherOutputOnTop, r.OtherOutput, &u.Output},
	} {
		if onTop&p.part != 0 {
			*p.into += p.n
		}
	}
	return u, u.Input + u.Output
}

// fits tells whether the input and the output have room for the parts that lie inside.
func (r ReportedUsage) fits(onTop parts) bool {
	inside := func(part parts, n int64) int64 {
		if onTop&part != 0 {
			return 0
		}
		return n
	}
	cache := inside(cacheReadOnTop, r.CacheRead) + inside(cacheWriteOnTop, r.CacheWrite)
	return cache <= r.Input && inside(otherInputOnTop, r.OtherInput) <= r.Input &&
		inside(reasoningOnTop, r.Reasoning) <= r.Output && inside(otherOutputOnTop, r.OtherOutput) <= r.Output
}

// least puts on top what finds no room inside. Reads and writes of a cache are counted the same way.
func (r ReportedUsage) least() (onTop parts) {
	if r.CacheRead+r.CacheWrite > r.Input {
		onTop |= cacheReadOnTop | cacheWriteOnTop
	}
	if r.Reasoning > r.Output {
		onTop |= reasoningOnTop
	}
	if r.OtherInput > r.Input {
		onTop |= otherInputOnTop
	}
	if r.OtherOutput > r.Output {
		onTop |= otherOutputOnTop
	}
	return onTop
}
