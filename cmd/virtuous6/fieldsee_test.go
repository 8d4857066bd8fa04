package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// spoken is a whole answer of a model, with what it took.
func spoken(model, more, usage string) string {
	return fmt.Sprintf(`data: {"model":%q,%s"choices":[{"delta":{"content":"42"},"finish_reason":"stop"}],"usage":{%s}}`+"\n\n", model, more, usage)
}

// price asks for an answer by a table of one's own, and gives what it cost.
func (f *field) price(table, body, model string) string {
	f.t.Helper()
	seen := f.asks(body, "prices: "+table+"\nmodel: "+model+"\n")
	_, cost, _ := strings.Cut(seen, "$")
	cost, _, _ = strings.Cut(cost, " ")
	if strings.HasSuffix(cost, "?") {
		return "unknown"
	}
	return cost
}

func byTier(f *field) map[string]string {
	table, err := filepath.Abs(filepath.Join(f.folder, f.inputs[0]))
	if err != nil {
		f.t.Fatal(err)
	}
	short, long, priority := `"prompt_tokens":1000,"completion_tokens":100`, `"prompt_tokens":250000,"completion_tokens":100`, `"service_tier":"priority",`
	return map[string]string{
		"short, standard": f.price(table, spoken("my-model", "", short), "my-model"),
		"long, standard":  f.price(table, spoken("my-model", "", long), "my-model"),
		"long, priority":  f.price(table, spoken("my-model", priority, long), "my-model"),
		"short, priority, which has no price for output": f.price(table, spoken("my-model", priority, short), "my-model"),
	}
}

func byCacheWrites(f *field) map[string]string {
	table := write(f.t, f.t.TempDir(), "prices.json", `{"claude-sonnet-4-20250514": {"input_cost_per_token": 3e-6, "output_cost_per_token": 1.5e-5,
		"cache_read_input_token_cost": 3e-7, "cache_creation_input_token_cost": 3.75e-6, "cache_creation_input_token_cost_above_1hr": 6e-6}}`)
	written := func(details string) string {
		return spoken("claude-sonnet-4-20250514", "", `"prompt_tokens":7000,"completion_tokens":100,"total_tokens":7100,"prompt_tokens_details":{"cached_tokens":1000,`+details+`}`)
	}
	return map[string]string{
		"5 minutes":       f.price(table, written(`"cache_creation_tokens":4000`), "claude-sonnet-4-20250514"),
		"an hour":         f.price(table, written(`"cache_write_tokens":4000,"cache_creation_token_details":{"ephemeral_1h_input_tokens":4000}`), "claude-sonnet-4-20250514"),
		"another release": f.price(table, spoken("claude-sonnet-4-20260101", "", `"prompt_tokens":7000,"completion_tokens":100`), "claude-sonnet-4-20250514"),
	}
}

// sentBack is a part of the request that follows a tool's call.
func (f *field) sentBack(delta, part string) map[string]string {
	f.t.Helper()
	f.asks(`data: {"choices":[{"delta":{`+delta+`"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"clock","arguments":"{}"},`+
		`"extra_content":{"google":{"thought_signature":"sig"}}}]},"finish_reason":"tool_calls"}]}`+"\n\n", "")
	if len(f.asked) != 2 || !strings.Contains(f.asked[1], part) {
		f.t.Fatalf("asked %q", f.asked)
	}
	return map[string]string{"": part}
}

func signedCall(f *field) map[string]string {
	return f.sentBack("", `"extra_content":{"google":{"thought_signature":"sig"}}`)
}

func thoughtCall(f *field) map[string]string {
	return f.sentBack(`"reasoning_content":"what",`, `"reasoning_content":"what"`)
}

// withCounts has counts behind an answer that tells none, as floats and as texts.
func withCounts(f *field) map[string]string {
	got := map[string]string{}
	for i, file := range f.inputs {
		usage := []string{`"prompt_tokens":20.0,"completion_tokens":7.0,"total_tokens":27.0`, `"prompt_tokens":"20","completion_tokens":"7"`}[i%2]
		body := strings.Replace(f.body(file), "data: [DONE]", `data: {"choices":[],"usage":{`+usage+"}}\n\ndata: [DONE]", 1)
		got[file] = f.asks(body, "")
	}
	return got
}

// withoutTools has the body refuse whoever offers tools.
func withoutTools(f *field) map[string]string {
	got := map[string]string{}
	for _, file := range f.inputs {
		got[file] = f.asks(`"tools":|`+f.body(file), "")
	}
	return got
}

// agent makes the configuration of one that is asked by another name or in another way.
func (f *field) agent(flags ...string) {
	f.t.Helper()
	if _, errOut := f.program(append([]string{"agents", "spawn", "solver"}, flags...)...); errOut != "" {
		f.t.Fatal(errOut)
	}
}

func limitOfTokens(f *field) map[string]string {
	got := map[string]string{}
	for _, model := range []string{"o4-mini", "openai/o4-mini", "my-deployment"} {
		f.asked, f.before = nil, func() { f.agent("--model", model, "--max-tokens", "500") }
		f.asks(`"max_tokens"|{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens"}}`,
			"", "--agent", "solver")
		var names []string
		for _, body := range f.asked {
			var sent map[string]json.RawMessage
			if err := json.Unmarshal([]byte(body), &sent); err != nil {
				f.t.Fatal(err)
			}
			for _, name := range []string{"max_tokens", "max_completion_tokens"} {
				if _, ok := sent[name]; ok {
					names = append(names, name)
				}
			}
		}
		got[model] = strings.Join(names, ", ")
	}
	return got
}

func temperatureOfZero(f *field) map[string]string {
	f.before = func() { f.agent("--model", "o4-mini", "--temperature", "0") }
	seen := f.asks(`"temperature"|{"error":{"message":"Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.","param":"temperature"}}`,
		"", "--agent", "solver")
	if len(f.asked) != 2 || !strings.Contains(f.asked[0], `"temperature":0`) || strings.Contains(f.asked[1], `"temperature"`) {
		f.t.Fatalf("asked %q", f.asked)
	}
	return map[string]string{"": "asked with it, then without it: " + seen}
}

// spent is what the runs of a file cost and took.
func (f *field) spent(file string, flags ...string) string {
	f.t.Helper()
	f.fresh()
	_, told := f.program(append([]string{"import", filepath.Join(f.folder, file)}, flags...)...)
	if n := strings.Count(told, "left out: "); n > 0 {
		if strings.Count(told, "name the sign before the decimals, by --decimal") != n {
			f.t.Errorf("told %q", told)
		}
		return fmt.Sprintf("%d left out: name the sign", n)
	}
	out, _ := f.program("runs", "--json")
	var runs []struct {
		CostUSD string `json:"cost_usd"`
		Tokens  int64  `json:"input_tokens"`
	}
	if err := json.Unmarshal([]byte(out), &runs); err != nil {
		f.t.Fatal(err)
	}
	var all []string
	for _, r := range runs {
		all = append(all, strings.TrimPrefix(fmt.Sprintf("%s, %d tokens", r.CostUSD, r.Tokens), "0, "))
	}
	return strings.Join(all, "; ")
}

func decimals(f *field) map[string]string {
	file := f.inputs[0]
	return map[string]string{
		file:                        f.spent(file, "--cost", "Kosten", "--input-tokens", "Tokens", "--decimal", ","),
		file + " without --decimal": f.spent(file, "--cost", "Kosten", "--input-tokens", "Tokens"),
	}
}

func thousands(f *field) map[string]string {
	file := f.inputs[0]
	return map[string]string{file: f.spent(file, "--input-tokens", "tokens", "--decimal", ","), file + " without --decimal": f.spent(file, "--input-tokens", "tokens")}
}

// trials is what metrics say of tasks that were tried more than once.
func trials(f *field) map[string]string {
	f.imports(f.inputs[0])
	out, _ := f.program("metrics")
	_, told, _ := strings.Cut(out, "(pass^k): ")
	told, _, _ = strings.Cut(told, "\n")
	return map[string]string{f.inputs[0]: told}
}
