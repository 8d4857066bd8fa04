package agents

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// Prices is a price table in the shape that LiteLLM made common: an object of models, each with its prices in dollars
// a token. It is read-only once loaded.
type Prices struct {
	models map[string]price
}

// price is what one model costs, in dollars. A nil price is not known.
type price struct {
	provider string
	request  *big.Rat
	tiers    []tier // by rising threshold, the first at 0
}

// tier is the prices a token for calls with more than `above` input tokens.
type tier struct {
	above                 int64
	input, output, cached *big.Rat
}

// maxTable bounds a price file in bytes. LiteLLM's is about 1 MB.
const maxTable = 64 << 20

//go:embed prices.json
var publicPrices []byte

// PublicPrices is the table that comes with the program: common models at their public prices. Each entry names the
// provider's price page and the month that its prices are of.
func PublicPrices() (*Prices, error) {
	p, err := ParsePrices(bytes.NewReader(publicPrices))
	if err != nil {
		return nil, fmt.Errorf("the program's own price table: %w", err)
	}
	return p, nil
}

// LoadPrices reads a table from a file.
func LoadPrices(path string) (*Prices, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load prices: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	p, err := ParsePrices(f)
	if err != nil {
		return nil, fmt.Errorf("load prices from %s: %w", path, err)
	}
	return p, nil
}

// ParsePrices reads a table. Numbers are taken exactly as they are written.
func ParsePrices(r io.Reader) (*Prices, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxTable+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxTable {
		return nil, fmt.Errorf("it is larger than %d MiB", maxTable>>20)
	}
	var table map[string]map[string]json.RawMessage
	if err := json.Unmarshal(data, &table); err != nil {
		return nil, fmt.Errorf("it is not a table of models in LiteLLM's shape: %w", err)
	}
	p := &Prices{models: make(map[string]price, len(table))}
	for _, name := range sorted(table) {
		// LiteLLM describes the shape itself in an entry of this name.
		if name == "sample_spec" {
			continue
		}
		m, err := parsePrice(table[name])
		if err != nil {
			return nil, fmt.Errorf("model %q: %w", name, err)
		}
		p.models[name] = m
	}
	return p, nil
}

// Len counts the models in the table.
func (p *Prices) Len() int { return len(p.models) }

// Cost is what one call costs, rounded once, half to even, to the nano-dollar. It is false where the table does not
// tell: the model is not in it, a price that the call needs is missing, or reasoning is priced apart from other output.
//
// Cached tokens are a part of the input. They cost as much as other input where the table has no price for them. Where
// the table has dearer prices for long inputs, they hold for the whole call.
//
// The model is looked up under these names, in this order, the first that the table holds:
//
//  1. "provider/model", where the provider is known
//  2. "model"
//  3. "model" without the provider in front of it, where the entry is that provider's
//     ("openai/gpt-4o" is openai's "gpt-4o")
//  4. the same three without a date at the end ("gpt-4o-2099-01-31", "claude-x-20990131", "claude-x@20990131")
func (p *Prices) Cost(provider, model string, input, output, cached int64) (events.Nanos, bool) {
	m, ok := p.lookup(provider, model)
	if !ok || input < 0 || output < 0 || cached < 0 || cached > input {
		return 0, false
	}
	t := m.tiers[0]
	for _, higher := range m.tiers[1:] {
		if input > higher.above {
			t = higher
		}
	}
	sum := new(big.Rat)
	if m.request != nil {
		sum.Set(m.request)
	}
	cachedPrice := t.cached
	if cachedPrice == nil {
		cachedPrice = t.input
	}
	for _, part := range []struct {
		tokens int64
		price  *big.Rat
	}{{input - cached, t.input}, {cached, cachedPrice}, {output, t.output}} {
		if part.tokens == 0 {
			continue
		}
		if part.price == nil {
			return 0, false
		}
		cost := new(big.Rat).SetInt64(part.tokens)
		sum.Add(sum, cost.Mul(cost, part.price))
	}
	nanos, err := events.RoundUSD(sum)
	return nanos, err == nil
}

func (p *Prices) lookup(provider, model string) (price, bool) {
	names := []string{model}
	if dateless := trimDate(model); dateless != model {
		names = append(names, dateless)
	}
	for _, name := range names {
		if provider != "" {
			if m, ok := p.models[provider+"/"+name]; ok {
				return m, true
			}
		}
		if m, ok := p.models[name]; ok {
			return m, true
		}
		if prefix, rest, cut := strings.Cut(name, "/"); cut {
			if m, ok := p.models[rest]; ok && m.provider == prefix {
				return m, true
			}
		}
	}
	return price{}, false
}

// trimDate takes a release date off the end of a model's name. Other digits ("-0613", "-32k") stay: they can be
// anything.
func trimDate(model string) string {
	for _, layout := range []string{"-2006-01-02", "-20060102", "@20060102"} {
		if i := len(model) - len(layout); i > 0 {
			if _, err := time.Parse(layout, model[i:]); err == nil {
				return model[:i]
			}
		}
	}
	return model
}

const (
	inputKey  = "input_cost_per_token"
	outputKey = "output_cost_per_token"
	cachedKey = "cache_read_input_token_cost"
	aboveMark = "_above_"
	aboveUnit = "k_tokens"
)

func parsePrice(fields map[string]json.RawMessage) (price, error) {
	var m price
	if raw, ok := fields["litellm_provider"]; ok {
		if err := json.Unmarshal(raw, &m.provider); err != nil {
			return price{}, fmt.Errorf("litellm_provider: %w", err)
		}
	}
	base, err := parseTier(fields, 0, "")
	if err != nil {
		return price{}, err
	}
	if base.cached == nil {
		// DeepSeek's name for the same price.
		if base.cached, err = parseDollars(fields, inputKey+"_cache_hit"); err != nil {
			return price{}, err
		}
	}
	if m.request, err = parseDollars(fields, "input_cost_per_request"); err != nil {
		return price{}, err
	}
	reasoning, err := parseDollars(fields, "output_cost_per_reasoning_token")
	if err != nil {
		return price{}, err
	}
	if reasoning != nil && base.output != nil && reasoning.Cmp(base.output) != 0 {
		// An answer's tokens don't tell how many of them were reasoning.
		base.output = nil
	}
	m.tiers = []tier{base}
	thresholds, err := thresholds(fields)
	if err != nil {
		return price{}, err
	}
	for _, thousand := range thresholds {
		t, err := parseTier(fields, thousand*1000, aboveMark+strconv.FormatInt(thousand, 10)+aboveUnit)
		if err != nil {
			return price{}, err
		}
		// As LiteLLM does it: what a threshold leaves out costs as much as without it.
		below := base
		if t.input == nil {
			t.input = below.input
		}
		if t.output == nil || below.output == nil {
			t.output = below.output
		}
		if t.cached == nil {
			t.cached = below.cached
		}
		m.tiers = append(m.tiers, t)
	}
	return m, nil
}

func parseTier(fields map[string]json.RawMessage, above int64, suffix string) (tier, error) {
	t := tier{above: above}
	var err error
	for _, field := range []struct {
		key string
		to  **big.Rat
	}{{inputKey, &t.input}, {outputKey, &t.output}, {cachedKey, &t.cached}} {
		if *field.to, err = parseDollars(fields, field.key+suffix); err != nil {
			return tier{}, err
		}
	}
	return t, nil
}

// parseDollars reads a price as the exact number that its text says. A field that is missing or null is nil.
func parseDollars(fields map[string]json.RawMessage, key string) (*big.Rat, error) {
	raw, ok := fields[key]
	text := strings.Trim(string(raw), `"`)
	if !ok || text == "null" {
		return nil, nil
	}
	// The exponent is checked before the number is made: 1e-999999999 would fill the memory.
	if f, err := strconv.ParseFloat(text, 64); err != nil || !(f >= 0 && f < 1e6) || strings.Trim(text, "0123456789.eE+-") != "" {
		return nil, fmt.Errorf("%s: %.60q is not a price in dollars", key, text)
	}
	if i := strings.IndexAny(text, "eE"); len(text) > 60 || i >= 0 && len(text)-i > 5 {
		return nil, fmt.Errorf("%s: %.60q has too many digits", key, text)
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("%s: %.60q is not a price in dollars", key, text)
	}
	return r, nil
}

// thresholds lists the input lengths, in thousands of tokens, from which a model has other prices, rising.
func thresholds(fields map[string]json.RawMessage) ([]int64, error) {
	seen := map[int64]bool{}
	for key := range fields {
		for _, base := range []string{inputKey, outputKey, cachedKey} {
			rest, ok := strings.CutPrefix(key, base+aboveMark)
			if !ok {
				continue
			}
			n, err := strconv.ParseInt(strings.TrimSuffix(rest, aboveUnit), 10, 32)
			if err != nil || n <= 0 || !strings.HasSuffix(rest, aboveUnit) {
				return nil, fmt.Errorf("%s: its threshold is not understood", key)
			}
			seen[n] = true
		}
	}
	return sorted(seen), nil
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
