package agents

import (
	"encoding/json"
	"math/big"

	"github.com/virtuous6/virtuous6/events"
)

// usage is what a call took, under the names that servers have for it.
type usage struct {
	Prompt     number `json:"prompt_tokens"`
	Input      number `json:"input_tokens"`
	Completion number `json:"completion_tokens"`
	Output     number `json:"output_tokens"`
	Total      number `json:"total_tokens"`

	PromptDetails     inputDetails  `json:"prompt_tokens_details"`
	InputDetails      inputDetails  `json:"input_tokens_details"`
	CompletionDetails outputDetails `json:"completion_tokens_details"`
	OutputDetails     outputDetails `json:"output_tokens_details"`

	Cached        number `json:"cached_tokens"`
	CacheHit      number `json:"prompt_cache_hit_tokens"`
	CacheRead     number `json:"cache_read_input_tokens"`
	CacheCreation number `json:"cache_creation_input_tokens"`
	Writes        struct {
		Hour number `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`

	// Cost is what the provider itself charges: a number of dollars, or an object with their total.
	Cost      json.RawMessage `json:"cost"`
	TotalCost json.RawMessage `json:"total_cost"`
	Estimated json.RawMessage `json:"estimated_cost"`
	Ticks     number          `json:"cost_in_usd_ticks"`
	// BYOK tells that the provider only charges a fee, and that the model's own price comes beside it.
	BYOK    bool `json:"is_byok"`
	Details struct {
		Upstream json.RawMessage `json:"upstream_inference_cost"`
	} `json:"cost_details"`
	Tier label `json:"service_tier"`
}

type inputDetails struct {
	Cached   number `json:"cached_tokens"`
	Write    number `json:"cache_write_tokens"`
	Creation number `json:"cache_creation_tokens"`
	Hour     struct {
		Tokens number `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation_token_details"`
}

type outputDetails struct {
	Reasoning number `json:"reasoning_tokens"`
}

// first is the first that is given.
func first(numbers ...number) number {
	for _, n := range numbers {
		if n.given {
			return n
		}
	}
	return number{}
}

// most is the greatest: what one server tells twice, it may tell as 0 in one of the places.
func most(numbers ...number) int64 {
	var n int64
	for _, m := range numbers {
		n = max(n, m.n)
	}
	return n
}

// into tells an answer what it took. A count that can't be is as good as none. All zero is how some servers say that
// they don't count.
func (u *usage) into(a *Answer) {
	if u == nil {
		return
	}
	input, output := first(u.Prompt, u.Input), first(u.Completion, u.Output)
	used := events.ReportedUsage{
		Input: input.n, Output: output.n, Total: u.Total.n,
		CacheRead:  most(u.PromptDetails.Cached, u.InputDetails.Cached, u.Cached, u.CacheHit, u.CacheRead),
		CacheWrite: most(u.PromptDetails.Write, u.PromptDetails.Creation, u.InputDetails.Write, u.InputDetails.Creation, u.CacheCreation),
		Reasoning:  most(u.CompletionDetails.Reasoning, u.OutputDetails.Reasoning),
	}.Usage()
	// One side alone is half of what it took. The total may tell the other.
	both := (input.given || used.Input > 0) && (output.given || used.Output > 0)
	if both && input.n >= 0 && output.n >= 0 && used.Input+used.Output > 0 {
		a.UsageKnown = true
		a.InputTokens, a.OutputTokens, a.CachedTokens = used.Input, used.Output, used.CacheRead
		a.CacheWriteTokens, a.ReasoningTokens = used.CacheWrite, used.Reasoning
		a.CacheWriteHourTokens = min(most(u.Writes.Hour, u.PromptDetails.Hour.Tokens), used.CacheWrite)
	}
	if u.Tier != "" {
		a.ServiceTier = string(u.Tier)
	}
	if cost := u.cost(); cost != nil {
		if nanos, err := events.RoundUSD(cost); err == nil {
			a.CostNanos, a.Priced = nanos, true
		}
	}
}

// cost is what the provider charged, in dollars, or nil where it does not tell.
func (u *usage) cost() *big.Rat {
	const ticks = 10_000_000_000
	if u.Ticks.given && u.Ticks.n >= 0 {
		return big.NewRat(u.Ticks.n, ticks)
	}
	var nested struct {
		Total json.RawMessage `json:"total_cost"`
	}
	raw := u.Cost
	for _, other := range []json.RawMessage{u.TotalCost, u.Estimated} {
		if isNull(raw) {
			raw = other
		}
	}
	if json.Unmarshal(raw, &nested) == nil && nested.Total != nil {
		raw = nested.Total
	}
	cost, err := dollars(raw)
	if err != nil || cost == nil {
		return nil
	}
	if u.BYOK {
		upstream, err := dollars(u.Details.Upstream)
		if err != nil || upstream == nil {
			return nil
		}
		cost.Add(cost, upstream)
	}
	return cost
}
