// Command prices writes the program's own price table anew from the catalogue of models that the npm package
// @earendil-works/pi-ai carries (MIT; it is made from models.dev and the vendors' pages): make prices.
//
// A model that the catalogue has takes its prices from there. One that it has no more keeps its entry, with the month that it is
// of: histories name old models too. What the catalogue does not know, the prices of other service tiers, stays where the
// standard prices are what they were.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

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

type model struct {
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

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: prices FOLDER-OF-THE-CATALOGUE TABLE")
		os.Exit(2)
	}
	if err := renew(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "prices:", err)
		os.Exit(1)
	}
}

func renew(folder, path string) error {
	table := map[string]entry{}
	if err := read(path, &table); err != nil {
		return err
	}
	var manifest struct{ GeneratedAt time.Time }
	if err := read(filepath.Join(folder, ".manifest.json"), &manifest); err != nil {
		return err
	}
	var news []string
	for _, v := range vendors {
		var apis map[string]map[string]model
		if err := read(filepath.Join(folder, v.file+".json"), &apis); err != nil {
			return err
		}
		for _, models := range apis {
			for id, m := range models {
				name := v.prefix + strings.TrimPrefix(id, m.Type+":")
				e, ok := price(m)
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
		"made": time.Now().UTC().Format(time.DateOnly), "catalogue": manifest.GeneratedAt.Format(time.DateOnly),
		"from": "the vendors' pages named at each entry, as github.com/earendil-works/pi (MIT) has them, and for models that it has no more github.com/pydantic/genai-prices (MIT); in LiteLLM's shape",
	}
	slices.Sort(news)
	for _, line := range news {
		fmt.Println(line)
	}
	fmt.Printf("%d models, %d of them new or with other prices, from a catalogue of %s\n", len(table)-1, len(news), manifest.GeneratedAt.Format(time.DateOnly))
	return write(path, table)
}

func read(path string, into any) error {
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

// price are the keys of LiteLLM's shape. It is false where the catalogue tells no price.
func price(m model) (entry, bool) {
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

// write puts a model on a line, so that a renewal reads as one.
func write(path string, table map[string]entry) error {
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
