package ingest

import (
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// readUsage reads the counts that a provider, or a tracer, tells in an object: OpenAI's, Anthropic's, Gemini's,
// LangChain's and Langfuse's names. Parts may stand beside the counts or in objects of their own
// (prompt_tokens_details).
func readUsage(key string, v value, s *draftStep) *flaw {
	if v.kind() != object {
		return nil
	}
	var r reported
	if f := r.read(key, v, "", 0); f != nil {
		return f
	}
	return r.settle(key, s)
}

// reported collects counts.
type reported struct {
	events.ReportedUsage
	// minutes are the parts of what was written to the cache, by how long they are kept.
	minutes int64
}

func (r *reported) read(key string, v value, within string, depth int) *flaw {
	for name, m := range v.members() {
		lower := strings.ToLower(name)
		switch {
		case strings.Contains(lower, "cost"), strings.Contains(lower, "price"), lower == "unit",
			strings.Contains(lower, "_ms"), strings.Contains(lower, "time"), strings.Contains(lower, "latency"):
			continue
		case m.kind() == object && depth == 0:
			if f := r.read(key+"."+clip(name), m, lower, 1); f != nil {
				return f
			}
			continue
		case m.kind() != number:
			continue
		}
		into := r.place(lower, within)
		if into == nil {
			continue
		}
		n, f := count(key+"."+clip(name), m.scalar())
		if f != nil {
			return f
		}
		switch {
		case into == &r.OtherInput, into == &r.OtherOutput, into == &r.minutes:
			*into += n
		default:
			*into = max(*into, n) // two names for one count
		}
	}
	return nil
}

// place is where a count belongs, nil for one that is none of the parts. within is the name of the object around it.
func (r *reported) place(name, within string) *int64 {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(name, w) {
				return true
			}
		}
		return false
	}
	output := strings.HasPrefix(name, "output") || strings.HasPrefix(name, "completion") || strings.HasPrefix(name, "candidates") ||
		strings.Contains(within, "output") || strings.Contains(within, "completion") || strings.Contains(within, "candidates")
	if !strings.HasPrefix(name, "total_token") {
		name = strings.TrimPrefix(name, "total_")
	}
	if within == "" {
		switch name {
		case "total", "totaltokens", "total_tokens", "totaltokencount", "total_token_count":
			return &r.Total
		case "input", "prompttokens", "prompt_tokens", "input_tokens", "inputtokens", "prompt", "prompttokencount", "prompt_token_count":
			return &r.Input
		case "output", "completiontokens", "completion_tokens", "output_tokens", "outputtokens", "completion", "candidatestokencount", "candidates_token_count":
			return &r.Output
		}
	}
	switch {
	case has("ephemeral_", "_5m", "_1h"), strings.Contains(within, "cache_creation"):
		return &r.minutes
	case has("nocache", "no_cache", "cache_miss", "miss_tokens"):
		return nil
	case has("cache_creation", "cache_write", "cachewrite", "cache_creat"):
		return &r.CacheWrite
	case has("cached", "cache_read", "cacheread", "cache_hit"):
		return &r.CacheRead
	case has("reasoning", "thoughts", "thinking"):
		return &r.Reasoning
	case has("text_tokens", "texttokens", "accepted_prediction", "rejected_prediction", "requests", "num_", "count_"):
		return nil
	case within != "":
		return nil // a part that is told apart lies inside, unless it is one of those above
	case output:
		return &r.OtherOutput
	}
	if !has("token") && !strings.HasPrefix(name, "input") && !strings.HasPrefix(name, "prompt") {
		return nil
	}
	return &r.OtherInput
}

func (r *reported) settle(key string, s *draftStep) *flaw {
	r.CacheWrite = max(r.CacheWrite, r.minutes)
	for _, n := range []int64{r.CacheRead, r.CacheWrite, r.OtherInput, r.OtherOutput, r.Reasoning} {
		if n > maxCount {
			return flawed(key, "the tokens sum up beyond 2^53")
		}
	}
	u := r.Usage()
	if u.Input > maxCount || u.Output > maxCount {
		return flawed(key, "the tokens sum up beyond 2^53")
	}
	s.input, s.output, s.cached = u.Input, u.Output, u.CacheRead
	return nil
}
