package agents_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

// shared is a file of the real data, or "" where it is absent.
func shared(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("VIRTUOUS6_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(root, name)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return ""
	}
	return path
}

func load(t testing.TB, path string) *agents.Prices {
	t.Helper()
	p, err := agents.LoadPrices(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCost(t *testing.T) {
	t.Parallel()
	p := load(t, "testdata/prices.json")
	type tokens struct{ input, output, cached int64 }
	const unknown = events.Nanos(-1)
	for name, c := range map[string]struct {
		provider, model string
		given           tokens
		then            events.Nanos
	}{
		"input and output":             {"", "exact-1", tokens{1000, 100, 0}, 150_000 + 60_000},
		"cached input":                 {"", "exact-1", tokens{1000, 100, 400}, 90_000 + 30_000 + 60_000},
		"no price for cached input":    {"", "exact-1-2099-01-31", tokens{1000, 0, 400}, 200_000},
		"cache hits by another name":   {"", "hit", tokens{1000, 0, 1000}, 14_000},
		"half to even, down":           {"", "half", tokens{1, 0, 0}, 0},
		"half to even, up":             {"", "half", tokens{3, 0, 0}, 2},
		"rounded once, not by part":    {"", "half", tokens{1, 1, 0}, 3},
		"short input":                  {"", "long", tokens{128_000, 10, 0}, 128_100_000},
		"long input":                   {"", "long", tokens{128_001, 10, 0}, 256_002_000 + 200_000},
		"longer input":                 {"", "long", tokens{200_001, 10, 0}, 800_004_000 + 100_000},
		"by request":                   {"", "by-request", tokens{1, 0, 0}, 5_001_000},
		"free, by the table":           {"", "free", tokens{1000, 1000, 0}, 0},
		"only input is needed":         {"", "embedder", tokens{100, 0, 0}, 1000},
		"output has no price":          {"", "embedder", tokens{100, 1, 0}, unknown},
		"priced by the second":         {"", "by-second", tokens{100, 1, 0}, unknown},
		"reasoning priced apart":       {"", "thinker", tokens{100, 1, 0}, unknown},
		"unknown model":                {"", "nobody", tokens{1, 1, 0}, unknown},
		"the description of the shape": {"", "sample_spec", tokens{1, 1, 0}, unknown},
		"negative tokens":              {"", "exact-1", tokens{-1, 1, 0}, unknown},
		"more cached than input":       {"", "exact-1", tokens{1, 1, 2}, unknown},
		"more than money can hold":     {"", "by-request", tokens{math.MaxInt64, 0, 0}, unknown},
		"the provider's own entry":     {"cloud", "exact-1", tokens{10, 0, 0}, 3000},
		"another provider":             {"localhost:8080", "exact-1", tokens{10, 0, 0}, 1500},
		"prefix of the entry's":        {"", "acme/exact-1", tokens{10, 0, 0}, 1500},
		"prefix of another":            {"", "other/exact-1", tokens{10, 0, 0}, unknown},
		"prefix without an entry's":    {"", "other/hit", tokens{10, 0, 0}, unknown},
		"a date that is in the table":  {"", "exact-1-2099-01-31", tokens{10, 0, 0}, 2000},
		"a date that is not":           {"", "exact-1-2098-01-31", tokens{10, 0, 0}, unknown},
		"provider and date":            {"cloud", "exact-1-20980131", tokens{10, 0, 0}, unknown},
		"digits that are no date":      {"", "exact-1-20981331", tokens{10, 0, 0}, unknown},
		"a version is another model":   {"", "exact-1-0613", tokens{10, 0, 0}, unknown},
		"nothing but a date":           {"", "-2099-01-31", tokens{10, 0, 0}, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nanos, priced := p.Cost(agents.Spent{Provider: c.provider, Model: c.model, Input: c.given.input, Output: c.given.output, CacheRead: c.given.cached})
			if priced != (c.then != unknown) || priced && nanos != c.then || !priced && nanos != 0 {
				t.Errorf("cost %d, priced %v; want %d", nanos, priced, c.then)
			}
		})
	}
}

// exactly multiplies out what the table's text says, in another way than the package: over the JSON numbers.
func exactly(fields map[string]json.Number, input, output, cached int64) *big.Rat {
	suffix, best := "", int64(0)
	for _, at := range []int64{128, 200} {
		key := map[int64]string{128: "_above_128k_tokens", 200: "_above_200k_tokens"}[at]
		if _, ok := fields["input_cost_per_token"+key]; ok && input > at*1000 && at > best {
			suffix, best = key, at
		}
	}
	price := func(names ...string) *big.Rat {
		for _, n := range names {
			if text, ok := fields[n]; ok {
				r, _ := new(big.Rat).SetString(text.String())
				return r
			}
		}
		return nil
	}
	in := price("input_cost_per_token"+suffix, "input_cost_per_token")
	out := price("output_cost_per_token"+suffix, "output_cost_per_token")
	hit := price("cache_read_input_token_cost"+suffix, "cache_read_input_token_cost", "input_cost_per_token_cache_hit", "input_cost_per_token"+suffix, "input_cost_per_token")
	sum := new(big.Rat).Mul(in, big.NewRat(input-cached, 1))
	sum.Add(sum, new(big.Rat).Mul(hit, big.NewRat(cached, 1)))
	sum.Add(sum, new(big.Rat).Mul(out, big.NewRat(output, 1)))
	if fixed := price("input_cost_per_request"); fixed != nil {
		sum.Add(sum, fixed)
	}
	return sum
}

// within tells that nanos is the nearest integer to dollars, and the even one of two.
func within(nanos events.Nanos, dollars *big.Rat) bool {
	off := new(big.Rat).Sub(big.NewRat(int64(nanos), 1), new(big.Rat).Mul(dollars, big.NewRat(1e9, 1)))
	switch off.Abs(off).Cmp(big.NewRat(1, 2)) {
	case -1:
		return true
	case 0:
		return nanos%2 == 0
	}
	return false
}

func TestCostEqualsExactArithmetic(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"testdata/prices.json", shared(t, "cost/model_prices.json")} {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			t.Parallel()
			if path == "" {
				t.Skip("the shared data is absent")
			}
			p := load(t, path)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var raw map[string]map[string]any
			decoder := json.NewDecoder(strings.NewReader(string(data)))
			decoder.UseNumber()
			if err := decoder.Decode(&raw); err != nil {
				t.Fatal(err)
			}
			table, names := map[string]map[string]json.Number{}, []string(nil)
			for name, fields := range raw {
				numbers := map[string]json.Number{}
				for k, v := range fields {
					if n, ok := v.(json.Number); ok {
						numbers[k] = n
					}
				}
				_, in := numbers["input_cost_per_token"]
				out, ok := numbers["output_cost_per_token"]
				if reasoning, apart := numbers["output_cost_per_reasoning_token"]; in && ok && (!apart || reasoning == out) {
					table[name], names = numbers, append(names, name)
				}
			}
			t.Logf("%d models, %d with prices for input and output", p.Len(), len(names))
			check := func(t rapid.TB, name string, input, output, cached int64) {
				nanos, priced := p.Cost(agents.Spent{Model: name, Input: input, Output: output, CacheRead: cached})
				if want := exactly(table[name], input, output, cached); !priced || !within(nanos, want) {
					t.Fatalf("%s for %d, %d, %d: %d, priced %v; want %s dollars", name, input, output, cached, nanos, priced, want.FloatString(15))
				}
			}
			for _, name := range names {
				check(t, name, 250_001, 1_234, 77_777)
				check(t, name, 3, 1, 1)
			}
			rapid.Check(t, func(t *rapid.T) {
				input := rapid.Int64Range(0, 2_000_000).Draw(t, "input")
				check(t, rapid.SampledFrom(names).Draw(t, "model"), input,
					rapid.Int64Range(0, 100_000).Draw(t, "output"), rapid.Int64Range(0, input).Draw(t, "cached"))
			})
		})
	}
}

func TestRealTable(t *testing.T) {
	t.Parallel()
	path := shared(t, "cost/model_prices.json")
	if path == "" {
		t.Skip("the shared data is absent")
	}
	p := load(t, path)
	if p.Len() != 1701 {
		t.Errorf("%d models, want 1701", p.Len())
	}
	if len(p.Unread()) != 0 {
		t.Errorf("not understood: %v", p.Unread())
	}
}

func TestParsePricesRefuses(t *testing.T) {
	t.Parallel()
	for _, given := range []string{`{`, `[1]`} {
		if _, err := agents.ParsePrices(strings.NewReader(given)); err == nil || !strings.Contains(err.Error(), "LiteLLM's shape") {
			t.Errorf("%s: %v", given, err)
		}
	}
	if _, err := agents.LoadPrices("testdata/absent.json"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

func TestAnEntryThatIsNotUnderstoodLeavesItsModelWithoutAPrice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ given, says string }{
		"a negative price":    {`{"input_cost_per_token":-1}`, "input_cost_per_token"},
		"a price in words":    {`{"output_cost_per_token":"much"}`, "is not a price"},
		"a price like NaN":    {`{"output_cost_per_token":"NaN"}`, "is not a price"},
		"a fraction":          {`{"output_cost_per_token":"1/3"}`, "is not a price"},
		"a price too large":   {`{"output_cost_per_token":1e400}`, "is not a price"},
		"a price too fine":    {`{"output_cost_per_token":1e-999999999}`, "too many digits"},
		"a strange threshold": {`{"input_cost_per_token":1,"input_cost_per_token_above_many_tokens":1}`, "threshold"},
		"a strange provider":  {`{"input_cost_per_token":1,"litellm_provider":7}`, "litellm_provider"},
		"no object":           {`7`, "no object"},
	} {
		p, err := agents.ParsePrices(strings.NewReader(`{"m":` + c.given + `,"good":{"input_cost_per_token":1e-6,"input_cost_per_token_of_tomorrow":{"x":1}}}`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, priced := p.Cost(agents.Spent{Model: "m", Input: 1}); priced || !strings.Contains(p.Unread()["m"], c.says) {
			t.Errorf("%s: priced %v, %q, want %q", name, priced, p.Unread()["m"], c.says)
		}
		if nanos, priced := p.Cost(agents.Spent{Model: "good", Input: 1}); !priced || nanos != 1000 {
			t.Errorf("%s: beside it %d, %v", name, nanos, priced)
		}
	}
}

func table(t *testing.T, text string) *agents.Prices {
	t.Helper()
	p, err := agents.ParsePrices(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCostByTierCacheAndService(t *testing.T) {
	t.Parallel()
	tiers := load(t, "testdata/prices_priority.json")
	claude := table(t, `{"claude": {"input_cost_per_token": 3e-6, "output_cost_per_token": 15e-6, "cache_read_input_token_cost": 3e-7,
		"cache_creation_input_token_cost": 3.75e-6, "cache_creation_input_token_cost_above_1hr": 6e-6,
		"input_cost_per_token_above_200k_tokens": 6e-6, "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 12e-6,
		"input_cost_per_token_batches": 1.5e-6, "output_cost_per_token_batches": 7.5e-6},
		"thinker": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "output_cost_per_reasoning_token": 3e-6},
		"luna": {"input_cost_per_token": 1e-7, "output_cost_per_token": 5e-7, "input_cost_per_token_above_272k_tokens": 2e-7}}`)
	qwen := table(t, `{"qwen": {"tiered_pricing": [{"range": [32e3, "1e6"], "input_cost_per_token": 5e-7, "output_cost_per_token": 2.5e-6, "cache_read_input_token_cost": 1e-7},
		{"range": [0, 32e3], "input_cost_per_token": "3e-7", "output_cost_per_token": 1.5e-6}]},
		"late": {"tiered_pricing": [{"range": [10, 20], "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}]},
		"flat": {"input_cost_per_token": 1e-6, "tiered_pricing": []}, "odd": {"input_cost_per_token": 1e-6, "tiered_pricing": [{"range": "all", "input_cost_per_token": 1e-6}]}}`)
	const unknown = events.Nanos(-1)
	for name, c := range map[string]struct {
		prices *agents.Prices
		given  agents.Spent
		then   events.Nanos
	}{
		"standard":                           {tiers, agents.Spent{Model: "my-model", Input: 1000}, 2_000_000},
		"named standard":                     {tiers, agents.Spent{Model: "my-model", Input: 1000, Tier: "default"}, 2_000_000},
		"standard, long":                     {tiers, agents.Spent{Model: "my-model", Input: 200_001}, 800_004_000},
		"priority, as the call says":         {tiers, agents.Spent{Model: "my-model", Input: 1000, Tier: "priority"}, 3_600_000},
		"priority, long":                     {tiers, agents.Spent{Model: "my-model", Input: 200_001, Tier: "priority"}, 1_440_007_200},
		"priority has no price for output":   {tiers, agents.Spent{Model: "my-model", Input: 1000, Output: 1, Tier: "priority"}, unknown},
		"a service that the table has not":   {tiers, agents.Spent{Model: "my-model", Input: 1000, Tier: "flex"}, unknown},
		"batch":                              {claude, agents.Spent{Model: "claude", Input: 10, Output: 10, Tier: "batch"}, 90_000},
		"cache written":                      {claude, agents.Spent{Model: "claude", Input: 1000, CacheRead: 200, CacheWrite: 300}, 1_500_000 + 60_000 + 1_125_000},
		"cache written for an hour":          {claude, agents.Spent{Model: "claude", Input: 1000, CacheWrite: 300, CacheWriteHour: 100}, 2_100_000 + 750_000 + 600_000},
		"cache written for an hour, long":    {claude, agents.Spent{Model: "claude", Input: 200_001, CacheWrite: 1, CacheWriteHour: 1}, 1_200_012_000},
		"an hour's write without a price":    {tiers, agents.Spent{Model: "my-model", Input: 2, CacheWrite: 1, CacheWriteHour: 1}, unknown},
		"more of the cache than of input":    {claude, agents.Spent{Model: "claude", Input: 10, CacheRead: 6, CacheWrite: 5}, unknown},
		"reasoning told apart":               {claude, agents.Spent{Model: "thinker", Output: 10, Reasoning: 4}, 12_000 + 12_000},
		"reasoning not told apart":           {claude, agents.Spent{Model: "thinker", Output: 10}, unknown},
		"below 272k":                         {claude, agents.Spent{Model: "luna", Input: 272_000}, 27_200_000},
		"in the first range":                 {qwen, agents.Spent{Model: "qwen", Input: 32_000, Output: 10}, 9_600_000 + 15_000},
		"in the second, all tokens":          {qwen, agents.Spent{Model: "qwen", Input: 32_001, Output: 10, CacheRead: 1}, 16_000_000 + 100 + 25_000},
		"below all ranges":                   {qwen, agents.Spent{Model: "late", Input: 10}, unknown},
		"no ranges":                          {qwen, agents.Spent{Model: "flat", Input: 10}, 10_000},
		"a range that is not understood":     {qwen, agents.Spent{Model: "odd", Input: 10}, unknown},
		"above 272k":                         {claude, agents.Spent{Model: "luna", Input: 272_001}, 54_400_200},
		"a release of what was asked for":    {claude, agents.Spent{Model: "luna-2026-09-22", Asked: "luna", Input: 10}, 1000},
		"a release that was itself asked":    {claude, agents.Spent{Model: "luna-2026-09-22", Asked: "luna-2026-09-22", Input: 10}, unknown},
		"what was asked did not answer":      {claude, agents.Spent{Model: "m-1", Asked: "luna", Input: 10}, unknown},
		"a release with a price of no input": {table(t, `{"a":{"input_cost_per_token":1},"a-2026-01-01":{"input_cost_per_token_above_200k_tokens":1}}`), agents.Spent{Model: "a-2026-01-01", Asked: "a", Input: 10}, unknown},
		"no table":                           {nil, agents.Spent{Model: "luna", Input: 10}, unknown},
		"one's own before the public one":    {table(t, `{"luna":{"input_cost_per_token":1}}`).Or(claude), agents.Spent{Model: "luna", Input: 1}, 1_000_000_000},
		"the public one for what it has not": {table(t, `{"x":{}}`).Or(claude), agents.Spent{Model: "luna", Input: 10}, 1000},
	} {
		nanos, priced := c.prices.Cost(c.given)
		if priced != (c.then != unknown) || priced && nanos != c.then || !priced && nanos != 0 {
			t.Errorf("%s: cost %d, priced %v; want %d", name, nanos, priced, c.then)
		}
	}
}

func TestNoCallCostsMoreThanItsMost(t *testing.T) {
	t.Parallel()
	p := table(t, `{"m": {"input_cost_per_token": 3e-6, "output_cost_per_token": 15e-6, "cache_read_input_token_cost": 3e-7,
		"cache_creation_input_token_cost": 3.75e-6, "input_cost_per_token_above_200k_tokens": 6e-6, "max_output_tokens": 500}}`)
	rapid.Check(t, func(t *rapid.T) {
		input, output := rapid.Int64Range(0, 400_000).Draw(t, "input"), rapid.Int64Range(1, 500).Draw(t, "output")
		read := rapid.Int64Range(0, input).Draw(t, "read")
		s := agents.Spent{Model: "m", Input: input, Output: output, CacheRead: read, CacheWrite: rapid.Int64Range(0, input-read).Draw(t, "write")}
		cost, priced := p.Cost(s)
		most, known := p.MaxCost("m", input, output)
		atAll, _ := p.MaxCost("m", input, 0)
		if !priced || !known || cost > most || most > atAll {
			t.Fatalf("%+v costs %d, at most %d, at all %d", s, cost, most, atAll)
		}
	})
	ranges := table(t, `{"m":{"tiered_pricing":[{"range":[10,20],"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}]}}`)
	if most, known := ranges.MaxCost("m", 10, 1); known {
		t.Errorf("below all ranges a call costs at most %d", most)
	}
	if most, known := ranges.MaxCost("m", 11, 1); !known || most != 12_000 {
		t.Errorf("in a range a call costs at most %d, %v", most, known)
	}
	if _, known := p.MaxCost("other", 1, 1); known {
		t.Error("a model that the table has not has a greatest cost")
	}
	if _, known := table(t, `{"m":{"input_cost_per_token":1,"output_cost_per_token":1}}`).MaxCost("m", 1, 0); known {
		t.Error("an answer without a limit has a greatest cost")
	}
}

func TestPublicPricesAreEachProvidersOwn(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("prices.json")
	if err != nil {
		t.Fatal(err)
	}
	var models map[string]struct {
		Provider string `json:"litellm_provider"`
		Source   string `json:"source"`
		AsOf     string `json:"as_of"`
	}
	if err := json.Unmarshal(data, &models); err != nil {
		t.Fatal(err)
	}
	for name, m := range models {
		if name == "sample_spec" {
			continue
		}
		own, err := agents.PublicPrices(m.Provider)
		if err != nil {
			t.Fatal(err)
		}
		if _, priced := own.Cost(agents.Spent{Provider: m.Provider, Model: name, Input: 300_000, Output: 1000}); !priced || len(own.Unread()) != 0 {
			t.Errorf("%s has no price: %v", name, own.Unread())
		}
		bare := strings.TrimPrefix(name, m.Provider+"/")
		if most, known := own.MaxCost(bare, 1000, 100); !known || (most <= 0) != (m.Provider == "built-in") {
			t.Errorf("%s has no greatest cost", name)
		}
		if m.Source == "" || m.AsOf == "" {
			t.Errorf("%s does not tell its source and date", name)
		}
	}
	if openai, err := agents.PublicPrices("openai"); err != nil || openai.Made() < "2026-11-28" {
		t.Errorf("the table was made on %q, %v", openai.Made(), err)
	}
	local, err := agents.PublicPrices("127.0.0.1:11434")
	if err != nil || local.Len() != 0 {
		t.Errorf("a server on this machine has %d public prices, %v", local.Len(), err)
	}
}

// What the vendors' pages say of their newest models, so that a renewal that reads the catalogue wrongly is noticed.
func TestTheTableHasTodaysModels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		spent agents.Spent
		want  events.Nanos
	}{
		{agents.Spent{Provider: "openai", Model: "gpt-6.2-sol", Input: 100_000, CacheRead: 60_000, CacheWrite: 20_000, Output: 1000}, 106_000_000},
		{agents.Spent{Provider: "openai", Model: "gpt-6.2-astra", Input: 300_000, Output: 1000, Tier: "priority"}, 9_720_000_000},
		{agents.Spent{Provider: "openai", Model: "gpt-6.1-terra", Input: 1000, Output: 1000, Tier: "flex"}, 3_000_000},
		{agents.Spent{Provider: "openai", Model: "gpt-6-luna", Input: 1000, Output: 1000}, 600_000},
		{agents.Spent{Provider: "anthropic", Model: "claude-haiku-5-5", Input: 101_000, CacheWrite: 1000, CacheWriteHour: 1000, Output: 1000}, 53_500_000},
		{agents.Spent{Provider: "anthropic", Model: "claude-sonnet-5-5", Input: 1000, CacheRead: 500, CacheWrite: 500, Output: 100}, 2_300_000},
		{agents.Spent{Provider: "gemini", Model: "gemini-4-neon", Input: 1000, CacheRead: 1000, Output: 1000}, 15_150_000},
		{agents.Spent{Provider: "xai", Model: "grok-4.7", Input: 201_000, Output: 1000}, 816_000_000},
	} {
		p, err := agents.PublicPrices(c.spent.Provider)
		if err != nil {
			t.Fatal(err)
		}
		if nanos, priced := p.Cost(c.spent); !priced || nanos != c.want {
			t.Errorf("%s costs %d, %v, want %d", c.spent.Model, nanos, priced, c.want)
		}
	}
	// OpenAI's page has no row of flex for it.
	p, _ := agents.PublicPrices("openai")
	if nanos, priced := p.Cost(agents.Spent{Provider: "openai", Model: "gpt-6.2-sol", Input: 1000, Output: 1000, Tier: "flex"}); priced {
		t.Errorf("a tier without a price costs %d", nanos)
	}
}

func FuzzParsePrices(f *testing.F) {
	sample, err := os.ReadFile("testdata/prices.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(sample))
	f.Add(`{"m":{"input_cost_per_token":1e-7,"output_cost_per_token":null,"input_cost_per_token_above_9k_tokens":"2e-7"}}`)
	f.Fuzz(func(t *testing.T, table string) {
		p, err := agents.ParsePrices(strings.NewReader(table))
		if err != nil {
			return
		}
		if nanos, priced := p.Cost(agents.Spent{Model: "m", Input: 10_000, Output: 10, CacheRead: 5}); nanos < 0 || !priced && nanos != 0 {
			t.Errorf("cost %d, priced %v", nanos, priced)
		}
	})
}
