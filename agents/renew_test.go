package agents_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// catalogue is where npm's @earendil-works/pi-ai has its models: see `make prices`. It is made from models.dev and the vendors'
// pages, and stands under the MIT licence.
var catalogue = flag.String("catalogue", "", "renew prices.json from this folder")

// A model that the catalogue has takes its prices from there. One that it has no more keeps its entry, with the month that it is
// of: histories name old models too. What the catalogue does not know, the prices of other service tiers, stays where the
// standard prices are what they were.
func TestRenewThePrices(t *testing.T) {
	if *catalogue == "" {
		t.Skip("no -catalogue: `make prices` gives one")
	}
	told, err := renew(*catalogue, "prices.json", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(told)
}

// A renewal takes what it knows, tells what became another price, and keeps the rest.
func TestARenewalKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file(".manifest.json", `{"generatedAt":"2026-12-20T10:00:00Z"}`)
	for _, v := range vendors {
		file(v.file+".json", `{}`)
	}
	file("openai.json", `{"openai-responses":{
		"chat:gpt-6-luna":{"type":"chat","maxTokens":128000,"cost":{"input":0.1,"output":0.5,"cacheRead":0.01,"cacheWrite":0,"tiers":[{"inputTokensAbove":272000,"input":0.2,"output":0.75}]}},
		"chat:gpt-old":{"type":"chat","cost":{"input":2,"output":4}},"chat:free":{"type":"chat","cost":{"input":0,"output":0}},
		"classifier:gpt-6-luna":{"type":"classifier","cost":{"input":9,"output":9}}}}`)
	file("anthropic.json", `{"anthropic-messages":{"chat:claude-new":{"type":"chat","cost":{"input":0.1,"output":0.5,"cacheWrite":0.125}}}}`)
	table := file("prices.json", `{"sample_spec":{},
		"gpt-6-luna":{"input_cost_per_token":1e-7,"output_cost_per_token":5e-7,"cache_read_input_token_cost":1e-8,"input_cost_per_token_flex":5e-8,"as_of":"2026-09"},
		"gpt-old":{"input_cost_per_token":1e-6,"output_cost_per_token":4e-6,"input_cost_per_token_flex":5e-7},
		"gpt-gone":{"input_cost_per_token":3e-6,"output_cost_per_token":4e-6,"as_of":"2025-01"}}`)
	told, err := renew(dir, table, time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if want := "claude-new: new\ngpt-old: input_cost_per_token 0.000001 -> 0.000002\n4 models, 2 of them new or with other prices, from a catalogue of 2026-12-20"; told != want {
		t.Errorf("told %q, want %q", told, want)
	}
	data, _ := os.ReadFile(table) //nolint:gosec // a file of this test
	for _, want := range []string{
		`"made":"2027-01-02"`, `"gpt-gone": {"as_of":"2025-01",`, `"input_cost_per_token":0.0000001,"input_cost_per_token_above_272k_tokens":0.0000002,"input_cost_per_token_flex":5e-8,`,
		`"cache_creation_input_token_cost_above_1hr":0.0000002,`, `"gpt-old": {"as_of":"2026-12","input_cost_per_token":0.000002,"litellm_provider"`,
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s is not in\n%s", want, data)
		}
	}
}

// vendor is one whose own prices the table has.
type vendor struct{ file, provider, prefix, page string }

var vendors = []vendor{
	{"anthropic", "anthropic", "", "https://platform.claude.com/docs/en/about-claude/pricing"},
	{"google", "gemini", "gemini/", "https://ai.google.dev/gemini-api/docs/pricing"},
	{"groq", "groq", "groq/", "https://groq.com/pricing"},
	{"mistral", "mistral", "mistral/", "https://mistral.ai/pricing"},
	{"moonshotai", "moonshot", "moonshot/", "https://platform.moonshot.ai/docs/pricing"},
	{"openai", "openai", "", "https://developers.openai.com/api/docs/pricing"},
	{"xai", "xai", "xai/", "https://docs.x.ai/docs/models"},
}

// served are what other service tiers cost of the standard price, as each model's page at OpenAI says. Where a page has no
// row for a tier, neither has this.
var served = map[string]map[string]string{
	"gpt-6-astra":   {"_batches": "1/2", "_flex": "1/2", "_priority": "2"},
	"gpt-6.1-sol":   {"_batches": "1/2", "_flex": "1/2", "_priority": "2"},
	"gpt-6.1-terra": {"_batches": "1/2", "_flex": "1/2", "_priority": "2"},
	"gpt-6.2-astra": {"_batches": "1/2", "_priority": "2"},
	"gpt-6.2-sol":   {"_batches": "1/2", "_priority": "2"},
}

// rates are dollars for a million tokens. 0 of the cache is "not told".
type rates struct {
	Input, Output, CacheRead, CacheWrite json.Number
}

type catalogued struct {
	Type      string
	MaxTokens int64
	Cost      struct {
		rates
		Tiers []struct {
			InputTokensAbove int64
			rates
		}
	}
}

type entry map[string]any

// renew writes the table anew, and tells what is new in it.
func renew(folder, path string, now time.Time) (told string, err error) {
	table := map[string]entry{}
	if err := readJSON(path, &table); err != nil {
		return "", err
	}
	var manifest struct{ GeneratedAt time.Time }
	if err := readJSON(filepath.Join(folder, ".manifest.json"), &manifest); err != nil {
		return "", err
	}
	var news []string
	for _, v := range vendors {
		var apis map[string]map[string]catalogued
		if err := readJSON(filepath.Join(folder, v.file+".json"), &apis); err != nil {
			return "", err
		}
		for _, models := range apis {
			for id, m := range models {
				name := v.prefix + strings.TrimPrefix(id, m.Type+":")
				e, ok := priceOf(m)
				if m.Type != "chat" || !ok {
					continue // a price of 0 is a free tier, or is not told
				}
				if v.provider == "anthropic" {
					hours(e)
				}
				e["litellm_provider"], e["mode"], e["source"], e["as_of"] = v.provider, "chat", v.page, manifest.GeneratedAt.Format("2006-01")
				old := table[name]
				what := compare(old, e)
				tiers(e, served[name])
				if old != nil && what == "" {
					for key, value := range old {
						if _, told := e[key]; !told {
							e[key] = value
						}
					}
				}
				if what != "" {
					news = append(news, name+": "+what)
				}
				table[name] = e
			}
		}
	}
	table["sample_spec"] = entry{
		"made": now.UTC().Format(time.DateOnly), "catalogue": manifest.GeneratedAt.Format(time.DateOnly),
		"from": "the vendors' pages named at each entry, as github.com/earendil-works/pi (MIT) has them, and for models that it has no more github.com/pydantic/genai-prices (MIT); in LiteLLM's shape",
	}
	slices.Sort(news)
	news = append(news, fmt.Sprintf("%d models, %d of them new or with other prices, from a catalogue of %s", len(table)-1, len(news), manifest.GeneratedAt.Format(time.DateOnly)))
	return strings.Join(news, "\n"), writeTable(path, table)
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// priceOf are the keys of LiteLLM's shape. It is false where the catalogue tells no price.
func priceOf(m catalogued) (entry, bool) {
	e := entry{}
	if !put(e, "input_cost_per_token", "", m.Cost.Input) || !put(e, "output_cost_per_token", "", m.Cost.Output) {
		return nil, false
	}
	put(e, "cache_read_input_token_cost", "", m.Cost.CacheRead)
	put(e, "cache_creation_input_token_cost", "", m.Cost.CacheWrite)
	for _, t := range m.Cost.Tiers {
		above := fmt.Sprintf("_above_%dk_tokens", t.InputTokensAbove/1000)
		put(e, "input_cost_per_token", above, t.Input)
		put(e, "output_cost_per_token", above, t.Output)
		put(e, "cache_read_input_token_cost", above, t.CacheRead)
		put(e, "cache_creation_input_token_cost", above, t.CacheWrite)
	}
	if m.MaxTokens > 0 {
		e["max_output_tokens"] = m.MaxTokens
	}
	return e, true
}

// put writes a price a token, exactly. It is false where there is none.
func put(e entry, key, suffix string, million json.Number) bool {
	r, ok := new(big.Rat).SetString(million.String())
	if !ok || r.Sign() <= 0 {
		return false
	}
	e[key+suffix] = number(r.Quo(r, big.NewRat(1_000_000, 1)))
	return true
}

// number is a decimal without an exponent. No price has more than 15 places.
func number(r *big.Rat) json.Number {
	return json.Number(strings.TrimSuffix(strings.TrimRight(r.FloatString(15), "0"), "."))
}

// hours adds what a write to the cache for an hour costs: twice the input, says Anthropic's page.
func hours(e entry) {
	for key, value := range maps.Clone(e) {
		if suffix, ok := strings.CutPrefix(key, "input_cost_per_token"); ok {
			r, _ := new(big.Rat).SetString(value.(json.Number).String())
			e["cache_creation_input_token_cost_above_1hr"+suffix] = number(r.Add(r, r))
		}
	}
}

// tiers adds what other ways of serving cost.
func tiers(e entry, of map[string]string) {
	for key, value := range maps.Clone(e) {
		if n, ok := value.(json.Number); ok && strings.Contains(key, "_cost") {
			for tier, times := range of {
				r, _ := new(big.Rat).SetString(n.String())
				factor, _ := new(big.Rat).SetString(times)
				e[key+tier] = number(r.Mul(r, factor))
			}
		}
	}
}

// compare tells what the standard prices were, empty where they are what they were.
func compare(old, now entry) string {
	if old == nil {
		return "new"
	}
	var changes []string
	for _, key := range []string{"input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost", "cache_creation_input_token_cost"} {
		was, is := value(old[key]), value(now[key])
		if is.Sign() != 0 && was.Cmp(is) != 0 {
			changes = append(changes, fmt.Sprintf("%s %s -> %s", key, number(was), number(is)))
		}
	}
	return strings.Join(changes, ", ")
}

func value(v any) *big.Rat {
	n, _ := v.(json.Number)
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return new(big.Rat)
	}
	return r
}

// writeTable puts a model on a line, so that a renewal reads as one.
func writeTable(path string, table map[string]entry) error {
	var b bytes.Buffer
	b.WriteString("{\n  \"sample_spec\": ")
	line := func(e entry) error {
		data, err := json.Marshal(e)
		if err == nil {
			b.Write(data)
		}
		return err
	}
	if err := line(table["sample_spec"]); err != nil {
		return err
	}
	delete(table, "sample_spec")
	for _, name := range slices.Sorted(maps.Keys(table)) {
		fmt.Fprintf(&b, ",\n  %q: ", name)
		if err := line(table[name]); err != nil {
			return err
		}
	}
	b.WriteString("\n}\n")
	return os.WriteFile(path, b.Bytes(), 0o644) //nolint:gosec // a file of the sources
}
