package agents

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// price is what one model costs, in dollars.
type price struct {
	provider string
	request  *big.Rat
	// tiers are by rising threshold, the first at 0. served are those of other service tiers.
	tiers  []rates
	served map[string][]rates
	// mostOutput is how many tokens the model can give at most, 0 where that is not known.
	mostOutput int64
}

// rates are the prices a token for calls with more than `above` input tokens. A nil price is not known.
type rates struct {
	above                  int64
	input, output          *big.Rat
	read, write, writeHour *big.Rat
	// thought is what a token of reasoning costs where that is another price than the output's.
	thought *big.Rat
}

// at are the rates for so much input, served as the provider said. They are false where the table has none for that
// tier.
func (m price) at(input int64, tier string) (rates, bool) {
	tiers := m.tiers
	switch strings.ToLower(tier) {
	case "", "default", "standard", "auto", "on_demand":
	case "batches":
		tiers = m.served["batch"]
	default:
		tiers = m.served[strings.ToLower(tier)]
	}
	var at rates
	ok := false
	for _, t := range tiers {
		if t.above == 0 || input > t.above {
			at, ok = t, true
		}
	}
	return at, ok
}

// The names of LiteLLM's table: a price, then from which length of the input it holds, then how it is served.
const (
	inputKey   = "input_cost_per_token"
	outputKey  = "output_cost_per_token"
	readKey    = "cache_read_input_token_cost"
	writeKey   = "cache_creation_input_token_cost"
	hourKey    = writeKey + "_above_1hr"
	thoughtKey = "output_cost_per_reasoning_token"
	aboveMark  = "_above_"
	aboveUnit  = "k_tokens"
)

// servedAs are the ends of the keys for what is not served in the standard way.
var servedAs = map[string]string{"_priority": "priority", "_flex": "flex", "_batches": "batch"}

func parsePrice(fields map[string]json.RawMessage) (price, error) {
	var m price
	if raw, ok := fields["litellm_provider"]; ok {
		if err := json.Unmarshal(raw, &m.provider); err != nil {
			return m, fmt.Errorf("litellm_provider: %w", err)
		}
	}
	var most number
	for _, key := range []string{"max_output_tokens", "max_tokens"} {
		if raw, ok := fields[key]; ok && !most.given {
			_ = most.UnmarshalJSON(raw) // what is no number is not known
		}
	}
	m.mostOutput = max(most.n, 0)
	thresholds, err := thresholds(fields)
	if err != nil {
		return m, err
	}
	if m.request, err = parseDollars(fields, "input_cost_per_request"); err != nil {
		return m, err
	}
	if m.tiers, err = parseTiers(fields, thresholds, ""); err != nil {
		return m, err
	}
	if ranges, err := parseRanges(fields); err != nil {
		return m, err
	} else if ranges != nil {
		m.tiers = ranges
	}
	for _, suffix := range sorted(servedAs) {
		tiers, err := parseTiers(fields, thresholds, suffix)
		if err != nil {
			return m, err
		}
		if tiers[0].input == nil && tiers[0].output == nil {
			continue
		}
		if m.served == nil {
			m.served = map[string][]rates{}
		}
		m.served[servedAs[suffix]] = tiers
	}
	return m, nil
}

// parseRanges reads the rates of a model whose prices are told for ranges of the input's length (`tiered_pricing`), nil where they
// are not. The range that the whole input lies in has the rates of all of the call's tokens: so its provider bills, and not by
// slices (BerriAI/litellm issue 34729).
func parseRanges(fields map[string]json.RawMessage) ([]rates, error) {
	const key = "tiered_pricing"
	if isNull(fields[key]) {
		return nil, nil
	}
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(fields[key], &list); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	var tiers []rates
	for i, of := range list {
		var bounds []number
		if err := json.Unmarshal(of["range"], &bounds); err != nil || len(bounds) == 0 || !bounds[0].given || bounds[0].n < 0 {
			return nil, fmt.Errorf("%s[%d].range: where it begins is not understood", key, i)
		}
		r, err := parseRates(of, 0, "")
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", key, i, err)
		}
		r.above = bounds[0].n
		tiers = append(tiers, r)
	}
	slices.SortStableFunc(tiers, func(a, b rates) int { return cmp.Compare(a.above, b.above) })
	return tiers, nil
}

// parseTiers reads the rates of one way of serving, by rising threshold.
func parseTiers(fields map[string]json.RawMessage, thresholds []int64, suffix string) ([]rates, error) {
	base, err := parseRates(fields, 0, suffix)
	if err != nil {
		return nil, err
	}
	tiers := []rates{base}
	for _, thousand := range thresholds {
		t, err := parseRates(fields, thousand, suffix)
		if err != nil {
			return nil, err
		}
		// As LiteLLM does it: what a threshold leaves out costs as much as without it.
		t.input, t.output = either(t.input, base.input), either(t.output, base.output)
		t.read, t.write, t.writeHour = either(t.read, base.read), either(t.write, base.write), either(t.writeHour, base.writeHour)
		t.thought = either(t.thought, base.thought)
		tiers = append(tiers, t)
	}
	return tiers, nil
}

func parseRates(fields map[string]json.RawMessage, thousand int64, suffix string) (rates, error) {
	r := rates{above: thousand * 1000}
	if thousand > 0 {
		suffix = aboveMark + strconv.FormatInt(thousand, 10) + aboveUnit + suffix
	}
	var err error
	for _, field := range []struct {
		key string
		to  **big.Rat
	}{{inputKey, &r.input}, {outputKey, &r.output}, {readKey, &r.read}, {writeKey, &r.write}, {hourKey, &r.writeHour}, {thoughtKey, &r.thought}} {
		if *field.to, err = parseDollars(fields, field.key+suffix); err != nil {
			return rates{}, err
		}
	}
	if suffix == "" && r.read == nil {
		// DeepSeek's name for the same price.
		if r.read, err = parseDollars(fields, inputKey+"_cache_hit"); err != nil {
			return rates{}, err
		}
	}
	if r.thought != nil && r.output != nil && r.thought.Cmp(r.output) == 0 {
		r.thought = nil
	}
	return r, nil
}

// parseDollars reads a price. A field that is missing or null is nil.
func parseDollars(fields map[string]json.RawMessage, key string) (*big.Rat, error) {
	r, err := dollars(fields[key])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return r, nil
}

// dollars reads a sum as the exact number that its text says, nil for none.
func dollars(raw json.RawMessage) (*big.Rat, error) {
	if isNull(raw) {
		return nil, nil
	}
	text := strings.Trim(string(raw), `"`)
	// The exponent is checked before the number is made: 1e-999999999 would fill the memory.
	if f, err := strconv.ParseFloat(text, 64); err != nil || !(f >= 0 && f < 1e6) || strings.Trim(text, "0123456789.eE+-") != "" {
		return nil, fmt.Errorf("%.60q is not a price in dollars", text)
	}
	if i := strings.IndexAny(text, "eE"); len(text) > 60 || i >= 0 && len(text)-i > 5 {
		return nil, fmt.Errorf("%.60q has too many digits", text)
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("%.60q is not a price in dollars", text)
	}
	return r, nil
}

// thresholds lists the input lengths, in thousands of tokens, from which a model has other prices, rising. One that is
// not understood may hold for any call, so the model has no price then. Other keys of a table are nobody's business.
func thresholds(fields map[string]json.RawMessage) ([]int64, error) {
	seen := map[int64]bool{}
	for _, key := range sorted(fields) {
		for _, base := range []string{hourKey, writeKey, inputKey, outputKey, readKey, thoughtKey} {
			rest, ok := strings.CutPrefix(key, base)
			if !ok {
				continue
			}
			rest, ok = strings.CutPrefix(rest, aboveMark)
			if !ok {
				break
			}
			for suffix := range servedAs {
				rest = strings.TrimSuffix(rest, suffix)
			}
			n, err := strconv.ParseInt(strings.TrimSuffix(rest, aboveUnit), 10, 32)
			if err != nil || n <= 0 || !strings.HasSuffix(rest, aboveUnit) {
				return nil, fmt.Errorf("%s: its threshold is not understood", key)
			}
			seen[n] = true
			break
		}
	}
	return sorted(seen), nil
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
