package events_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	type reported = events.ReportedUsage
	for _, c := range []struct {
		name     string
		reported reported
		want     events.Usage
	}{
		{"nothing", reported{}, events.Usage{}},
		{"parts inside, as OpenAI has them", reported{Input: 2006, Output: 300, Total: 2306, CacheRead: 1920, Reasoning: 256}, events.Usage{Input: 2006, Output: 300, CacheRead: 1920, Reasoning: 256}},
		{"cache on top, reasoning inside", reported{Input: 86, Output: 100, Total: 18003, CacheRead: 17817, Reasoning: 64}, events.Usage{Input: 17903, Output: 100, CacheRead: 17817, Reasoning: 64}},
		{"writes inside, reads on top", reported{Input: 32445, Output: 5120, Total: 103925, CacheRead: 66360, CacheWrite: 32435}, events.Usage{Input: 98805, Output: 5120, CacheRead: 66360, CacheWrite: 32435}},
		{"cache beside the input, as Anthropic has it", reported{Input: 5, Output: 100, CacheRead: 128955, CacheWrite: 1253}, events.Usage{Input: 130213, Output: 100, CacheRead: 128955, CacheWrite: 1253}},
		{"one side of the cache has room alone", reported{Input: 100, Output: 1, CacheRead: 80, CacheWrite: 30}, events.Usage{Input: 210, Output: 1, CacheRead: 80, CacheWrite: 30}},
		{"reasoning on top, as Gemini and xAI have it", reported{Input: 10, Output: 20, Total: 130, Reasoning: 100}, events.Usage{Input: 10, Output: 120, Reasoning: 100}},
		{"more reasoning than output", reported{Input: 10, Output: 20, Reasoning: 100}, events.Usage{Input: 10, Output: 120, Reasoning: 100}},
		{"a total without the cache that is on top", reported{Input: 10, Output: 5, Total: 15, CacheRead: 1000}, events.Usage{Input: 1010, Output: 5, CacheRead: 1000}},
		{"a prompt of a tool beside the input", reported{Input: 10, Output: 5, Total: 18, OtherInput: 3}, events.Usage{Input: 13, Output: 5}},
		{"audio inside", reported{Input: 10, Output: 5, Total: 15, OtherInput: 3, OtherOutput: 5}, events.Usage{Input: 10, Output: 5}},
		{"no input told", reported{Output: 5, Total: 15}, events.Usage{Input: 10, Output: 5}},
		{"no output told", reported{Input: 10, Total: 15}, events.Usage{Input: 10, Output: 5}},
		{"a total that nothing makes", reported{Input: 10, Output: 5, Total: 99, CacheRead: 4}, events.Usage{Input: 10, Output: 5, CacheRead: 4}},
		{"a total alone tells no side", reported{Total: 99}, events.Usage{}},
		{"negative counts are none", reported{Input: 10, Output: -1, CacheRead: -3}, events.Usage{Input: 10}},
	} {
		if got := c.reported.Usage(); got != c.want {
			t.Errorf("%s: %+v makes %+v, want %+v", c.name, c.reported, got, c.want)
		}
	}
}

func TestUsageHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := func(label string) int64 { return rapid.Int64Range(0, 40).Draw(t, label) }
		r := events.ReportedUsage{
			Input: n("input"), Output: n("output"), Total: n("total"), CacheRead: n("read"), CacheWrite: n("write"),
			Reasoning: n("reasoning"), OtherInput: n("other input"), OtherOutput: n("other output"),
		}
		u := r.Usage()
		if u.CacheRead+u.CacheWrite > u.Input || u.Reasoning > u.Output {
			t.Fatalf("%+v: the parts of %+v are more than the whole", r, u)
		}
		if u.CacheRead != r.CacheRead || u.CacheWrite != r.CacheWrite || u.Reasoning != r.Reasoning || u.Input < r.Input || u.Output < r.Output {
			t.Fatalf("%+v lost something in %+v", r, u)
		}
		// What has been made one is told as one, and stays as it is.
		again := events.ReportedUsage{Input: u.Input, Output: u.Output, Total: u.Input + u.Output, CacheRead: u.CacheRead, CacheWrite: u.CacheWrite, Reasoning: u.Reasoning}
		if got := again.Usage(); got != u {
			t.Fatalf("%+v, told again, is %+v", u, got)
		}
	})
}
