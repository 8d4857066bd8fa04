package agents

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// Prices is a price table in the shape that LiteLLM made common: an object of models, each with its prices in dollars
// a token. It is read-only once loaded. A nil table knows no price.
type Prices struct {
	models map[string]price
	// provider is whose table it is, empty for one's own.
	provider string
	// unread tells why models of the table have no price.
	unread map[string]string
	// others are asked for what this table has not.
	others *Prices
	// made is the day that the table says it was made on, empty where it does not.
	made string
}

// maxTable bounds a price file in bytes. LiteLLM's is about 2 MB.
const maxTable = 64 << 20

//go:embed prices.json
var publicPrices []byte

// PublicPrices is what the table that comes with the program has for one provider: its models at its public prices,
// each with the page that tells them and the month they are of. A provider that is not in it has none, least of all a
// server of one's own: what it serves under a vendor's names does not cost what the vendor takes.
func PublicPrices(provider string) (*Prices, error) {
	p, err := ParsePrices(bytes.NewReader(publicPrices))
	if err != nil {
		return nil, fmt.Errorf("the program's own price table: %w", err)
	}
	p.provider = provider
	for name, m := range p.models {
		if m.provider != provider {
			delete(p.models, name)
		}
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

// ParsePrices reads a table. Numbers are taken exactly as they are written. What can't be understood leaves its model
// without a price, and nothing else; see Unread.
func ParsePrices(r io.Reader) (*Prices, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxTable+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxTable {
		return nil, fmt.Errorf("it is larger than %d MiB", maxTable>>20)
	}
	var table map[string]json.RawMessage
	if err := json.Unmarshal(data, &table); err != nil {
		return nil, fmt.Errorf("it is not a table of models in LiteLLM's shape: %w", err)
	}
	p := &Prices{models: make(map[string]price, len(table)), unread: map[string]string{}}
	for name, raw := range table {
		// LiteLLM describes the shape itself in an entry of this name. The program's own table tells of itself there.
		if name == "sample_spec" {
			var spec struct {
				Made string `json:"made"`
			}
			_ = json.Unmarshal(raw, &spec) // a table need not tell
			p.made = spec.Made
			continue
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(raw, &fields); err != nil {
			p.models[name], p.unread[name] = price{}, "it is no object of prices"
			continue
		}
		m, err := parsePrice(fields)
		if err != nil {
			m, p.unread[name] = price{provider: m.provider}, err.Error()
		}
		p.models[name] = m
	}
	return p, nil
}

// Or is this table, and the other one for the models that are not in it. Either may be nil.
func (p *Prices) Or(other *Prices) *Prices {
	if p == nil {
		return other
	}
	both := *p
	both.others = p.others.Or(other)
	return &both
}

// Len counts the models in the table.
func (p *Prices) Len() int { return len(p.models) }

// Made is the day that the table says it was made on, empty where it does not.
func (p *Prices) Made() string { return p.made }

// Unread tells of each model that has no price because of something in its entry, what that is.
func (p *Prices) Unread() map[string]string { return p.unread }

// Spent is what one call took.
type Spent struct {
	// Provider is who answered, Model the name that it gave for what did, and Asked the name that was asked for.
	Provider, Model, Asked string
	// Input holds CacheRead and CacheWrite, which holds CacheWriteHour; Output holds Reasoning.
	Input, CacheRead, CacheWrite, CacheWriteHour int64
	Output, Reasoning                            int64
	// Tier is what it was served as by the provider's word, empty for the standard.
	Tier string
}

// spent is what the answer took, for the price table.
func (a Answer) spent(asked string) Spent {
	return Spent{
		Provider: a.Provider, Model: a.Model, Asked: asked, Input: a.InputTokens, CacheRead: a.CachedTokens, CacheWrite: a.CacheWriteTokens,
		CacheWriteHour: a.CacheWriteHourTokens, Output: a.OutputTokens, Reasoning: a.ReasoningTokens, Tier: a.ServiceTier,
	}
}

// Cost is what one call costs, rounded once, half to even, to the nano-dollar. It is false where the table does not
// tell: the model that answered is not in it, a price that the call needs is missing, or reasoning is priced apart and
// was not told apart.
//
// What was read from and written to the cache costs as much as other input where the table has no price for it. Where
// the table has dearer prices for long inputs, they hold for the whole call.
//
// The model is looked up under these names, in this order, the first that the table holds:
//
//  1. "provider/model", where the provider is known
//  2. "model"
//  3. "model" without the provider in front of it, where the entry is that provider's
//     ("openai/gpt-4o" is openai's "gpt-4o")
//
// A release is another model than the one before it, with prices of its own. Only where a name without a date was asked
// for, and one of its releases answered that the table has not, does the price of the name hold.
func (p *Prices) Cost(s Spent) (events.Nanos, bool) {
	m, ok := p.lookup(s.Provider, s.Model)
	if !ok && s.Asked != s.Model && trimDate(s.Model) == s.Asked {
		m, ok = p.lookup(s.Provider, s.Asked)
	}
	if !ok || min(s.Input, s.CacheRead, s.CacheWrite, s.CacheWriteHour, s.Output, s.Reasoning) < 0 ||
		s.CacheRead > s.Input || s.CacheWrite > s.Input-s.CacheRead || s.CacheWriteHour > s.CacheWrite || s.Reasoning > s.Output {
		return 0, false
	}
	rates, ok := m.at(s.Input, s.Tier)
	if !ok {
		return 0, false
	}
	if rates.thought != nil && s.Reasoning == 0 && s.Output > 0 {
		return 0, false
	}
	return sum(m.request,
		share{s.Input - s.CacheRead - s.CacheWrite, rates.input},
		share{s.CacheRead, either(rates.read, rates.input)},
		share{s.CacheWrite - s.CacheWriteHour, either(rates.write, rates.input)},
		share{s.CacheWriteHour, rates.writeHour},
		share{s.Output - s.Reasoning, rates.output},
		share{s.Reasoning, either(rates.thought, rates.output)},
	)
}

// MaxCost is the most that one call can cost at the standard tier, before it is made: so many tokens of input, all of
// them written to the cache where that costs more, and so many of output. 0 of output means the most that the table says
// the model can give. It is false where the table does not tell.
func (p *Prices) MaxCost(model string, input, output int64) (events.Nanos, bool) {
	m, ok := p.lookup("", model)
	if output == 0 {
		output = m.mostOutput
	}
	if !ok || input < 0 || output <= 0 {
		return 0, false
	}
	var most events.Nanos
	told := false
	for _, rates := range m.tiers {
		if rates.above > 0 && input <= rates.above {
			break
		}
		nanos, ok := sum(m.request,
			share{input, dearest(rates.input, rates.write, rates.writeHour)},
			share{output, dearest(rates.output, rates.thought)},
		)
		if !ok {
			return 0, false
		}
		most, told = max(most, nanos), true
	}
	return most, told
}

// mostOutput is how many tokens a model answers with at most, 0 where the table does not tell.
func (p *Prices) mostOutput(model string) int64 {
	m, _ := p.lookup("", model)
	return m.mostOutput
}

// share is so many tokens at a price.
type share struct {
	tokens int64
	price  *big.Rat
}

// sum is what the shares cost, with what a request costs by itself. A share that has no price makes the sum unknown.
func sum(request *big.Rat, shares ...share) (events.Nanos, bool) {
	total := new(big.Rat)
	if request != nil {
		total.Set(request)
	}
	for _, p := range shares {
		if p.tokens == 0 {
			continue
		}
		if p.price == nil {
			return 0, false
		}
		cost := new(big.Rat).SetInt64(p.tokens)
		total.Add(total, cost.Mul(cost, p.price))
	}
	nanos, err := events.RoundUSD(total)
	return nanos, err == nil
}

func either(a, b *big.Rat) *big.Rat {
	if a != nil {
		return a
	}
	return b
}

// dearest is the highest of the prices. Without the first, nothing is known.
func dearest(first *big.Rat, others ...*big.Rat) *big.Rat {
	if first == nil {
		return nil
	}
	for _, other := range others {
		if other != nil && other.Cmp(first) > 0 {
			first = other
		}
	}
	return first
}

func (p *Prices) lookup(provider, name string) (price, bool) {
	if p == nil {
		return price{}, false
	}
	if m, ok := p.models[cmp.Or(provider, p.provider)+"/"+name]; ok {
		return m, true
	}
	if m, ok := p.models[name]; ok {
		return m, true
	}
	if prefix, rest, cut := strings.Cut(name, "/"); cut {
		if m, ok := p.models[rest]; ok && m.provider == prefix {
			return m, true
		}
	}
	return p.others.lookup(provider, name)
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
