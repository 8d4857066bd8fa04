package answers

import (
	"slices"
	"time"
)

// What the providers' caches are like. OpenAI keeps a prefix from 1,024 tokens on, in pieces of 128, for 5 to 10 minutes without use
// (https://platform.openai.com/docs/guides/prompt-caching); Anthropic for 5 minutes, from 1,024 tokens on for most models
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
const (
	cacheLeast = 1024
	cachePiece = 128
	cacheLife  = 5 * time.Minute
)

// Loss is why a call read less from its provider's cache than the call before it had left there.
type Loss string

// The closed vocabulary of losses, in the order in which they are looked for: a prefix ends at the first thing that differs.
const (
	ModelLoss   Loss = "model"
	ToolsLoss   Loss = "tools"
	SystemLoss  Loss = "system"
	HistoryLoss Loss = "history"
	// TimeLoss is of a cache that was kept for too short, UnknownLoss of a provider that keeps none, does not tell, or dropped it early.
	TimeLoss    Loss = "time"
	UnknownLoss Loss = "unknown"
)

// ModelCall is what of a call to a model decides on what its provider can read from its cache.
type ModelCall struct {
	// Step is the run's step that made it, At when it began.
	Step  int
	At    time.Time
	Model string
	// Tools and System are digests: of the tools that were offered, and of the instructions. History are those of the messages behind
	// them, in their order.
	Tools, System string
	History       []string
	// Input are the tokens that were sent, Cached those of them that were read from the cache.
	Input, Cached int64
}

// CacheUse is what a call read from its provider's cache.
type CacheUse struct {
	Step int   `json:"step"`
	Read int64 `json:"read_tokens"`
	// Of is what the call before it had left there: all that it sent. It is 0 where there is no such call, or too little to be kept.
	Of int64 `json:"of_tokens,omitempty"`
	// Lost is why less was read than that, empty where it was not.
	Lost Loss `json:"lost,omitempty"`
}

// CacheUses tells of each call of a conversation what it read from the cache. before is the call that came before them, nil for none.
func CacheUses(before *ModelCall, calls []ModelCall) []CacheUse {
	uses := make([]CacheUse, 0, len(calls))
	for i := range calls {
		call, use := &calls[i], CacheUse{Step: calls[i].Step, Read: calls[i].Cached}
		if before != nil && before.Input >= cacheLeast {
			use.Of = before.Input
			if before.Input-call.Cached >= cachePiece {
				use.Lost = lost(before, call)
			}
		}
		uses, before = append(uses, use), call
	}
	return uses
}

// lost is where a call's prefix parts from what was sent before it, or else why that was not kept.
func lost(before, call *ModelCall) Loss {
	switch n := len(before.History); {
	case before.Model != call.Model:
		return ModelLoss
	case before.Tools != call.Tools:
		return ToolsLoss
	case before.System != call.System:
		return SystemLoss
	case len(call.History) < n || !slices.Equal(before.History, call.History[:n]):
		return HistoryLoss
	case call.At.Sub(before.At) > cacheLife:
		return TimeLoss
	}
	return UnknownLoss
}
