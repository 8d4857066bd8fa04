package main

import "strings"

// fieldChecks tell by each property what is right, as the program shows it.
var fieldChecks = map[string]fieldCheck{
	`*_above_200k_tokens_priority keys in a LiteLLM table`: {
		right: `table loads; priced as priority only where a call says that it was`, see: byTier,
		want: map[string]string{
			"short, standard": `0.0032`,
			"long, standard":  `1.0018`,
			"long, priority":  `1.80324`,
			"short, priority, which has no price for output": `unknown`,
		},
	},
	`answering model has no price [plain, dated-tiered-only]`: {
		right: `cost unknown (unpriced)`, see: asAnswer,
		want: map[string]string{
			"live/plain.body": `succeeded [chat succeeded] 20/7/0 $0? "The result is 42."`,
		},
	},
	`cache writes priced apart (cache_creation_tokens / cache_write_tokens) [dated-claude-sonnet-4-20250514]`: {
		right: `0.141569 or unpriced`, see: byCacheWrites,
		want: map[string]string{
			"5 minutes":       `0.0228`,
			"an hour":         `0.0318`,
			"another release": `unknown`,
		},
	},
	`tool name repeated in every chunk [dup_name]`: {
		right: `one call of calculate`, see: asAnswer,
		want: map[string]string{
			"live/dup_name.body": `succeeded [chat succeeded, calculate succeeded, chat succeeded] 20/7/0 $0? "The result is 42."`,
		},
	},
	`parallel calls without ids (no index, or index 0) [noindex_noids, noindex_noids_onechunk, index0_noids]`: {
		right: `2 calls of calculate`, see: asAnswer,
		want: map[string]string{
			"live/noindex_noids.body":          `succeeded [chat succeeded, calculate succeeded, calculate succeeded, chat succeeded] 20/7/0 $0? "The result is 42."`,
			"live/noindex_noids_onechunk.body": `succeeded [chat succeeded, calculate succeeded, calculate succeeded, chat succeeded] 20/7/0 $0? "The result is 42."`,
			"live/index0_noids.body":           `succeeded [chat succeeded, calculate succeeded, calculate succeeded, chat succeeded] 20/7/0 $0? "The result is 42."`,
		},
	},
	`call whose name never comes [no_name]`: {
		right: `told to the model as an unknown tool, run goes on`, see: asAnswer,
		want: map[string]string{
			"live/no_name.body": `succeeded [chat succeeded, unnamed failed, chat succeeded] 20/7/0 $0? "The result is 42."`,
		},
	},
	`tool name with a line break, or longer than 512 bytes [name_newline]`: {
		right: `unknown tool, told to the model`, see: asAnswer,
		want: map[string]string{
			"live/name_newline.body": `succeeded [chat succeeded, calculate_ failed, chat succeeded] 20/7/0 $0? "The result is 42."`,
		},
	},
	`Gemini: thought_signature must come back [sig_required]`: {
		right: `second request carries extra_content`, see: signedCall,
		want: map[string]string{
			"": `"extra_content":{"google":{"thought_signature":"sig"}}`,
		},
	},
	`DeepSeek thinking: reasoning_content must come back with tool results [reasoning_required]`: {
		right: `second request carries reasoning_content`, see: thoughtCall,
		want: map[string]string{
			"": `"reasoning_content":"what"`,
		},
	},
	`OpenRouter chunk with id first, then error [err_openrouter_empty, err_openrouter_mid, err_mid_nofinish]`: {
		right: `'Worker local total request limit reached' / 'Provider disconnected unexpectedly'`, see: asAnswer,
		want: map[string]string{
			"live/err_openrouter_empty.body": `failed [chat failed] 0/0/0 $0? "ask m-1: the provider is unavailable (HTTP 502): Worker local total request limit reached (33/32) (after 4 attempts); try again later"`,
			"live/err_openrouter_mid.body":   `failed [chat failed] 0/0/0 $0? "ask m-1: the provider is unavailable: Provider disconnected unexpectedly; try again later"`,
			"live/err_mid_nofinish.body":     `failed [chat failed] 0/0/0 $0? "ask m-1: rate limited (HTTP 429): rate limited upstream; try again later"`,
		},
	},
	`SSE field 'error:' (builds until autumn 2025) [err_llamacpp_field]`: {
		right: `context length, no retry`, see: asAnswer,
		want: map[string]string{
			"live/err_llamacpp_field.body": `failed [chat failed] 0/0/0 $0 "ask m-1: the conversation is longer than the model's context (HTTP 400): the request exceeds the available context size. try increasing the context size or enable context shift; shorten the conversation, or use a model with a longer context"`,
		},
	},
	`error as a text, or with blanks before the key, or as event: error [err_string, err_spaced]`: {
		right: `the server's message`, see: asAnswer,
		want: map[string]string{
			"live/err_string.body": `failed [chat failed] 0/0/0 $0? "ask m-1: the provider is unavailable: model requires more system memory (8.0 GiB) than is available (4.0 GiB); use a smaller model, or a machine with more memory"`,
			"live/err_spaced.body": `failed [chat failed] 0/0/0 $0? "ask m-1: the provider is unavailable: model is overloaded (after 4 attempts); try again later"`,
		},
	},
	`framing [bom_only_chunk, cr, multiline_data]`: {
		right: `answer`, see: asAnswer,
		want: map[string]string{
			"live/bom_only_chunk.body": `succeeded [chat succeeded] 0/0/0 $0? "The result is 42."`,
			"live/cr.body":             `succeeded [chat succeeded] 20/7/0 $0? "The result is 42."`,
			"live/multiline_data.body": `succeeded [chat succeeded] 0/0/0 $0? "The result is 42."`,
		},
	},
	`created and token counts as floats or text [created_float, created_string]`: {
		right: `answer, 20 in, 7 out`, see: withCounts,
		want: map[string]string{
			"live/created_float.body":  `succeeded [chat succeeded] 20/7/0 $0? "The result is 42."`,
			"live/created_string.body": `succeeded [chat succeeded] 20/7/0 $0? "The result is 42."`,
		},
	},
	`Mistral reasoning: delta.content is a list [content_array]`: {
		right: `'The result is 42.'`, see: asAnswer,
		want: map[string]string{
			"live/content_array.body": `succeeded [chat succeeded] 20/7/0 $0? "The result is 42."`,
		},
	},
	`arguments as an object [args_object]`: {
		right: `call performed`, see: asAnswer,
		want: map[string]string{
			"live/args_object.body": `succeeded [chat succeeded, calculate succeeded, chat succeeded] 20/7/0 $0? "The result is 42."`,
		},
	},
	`cut at the token limit, filtered, or empty [length, length_empty, content_filter, empty_answer, reasoning_only]`: {
		right: `not a success (failed or unrated, with the reason)`, see: asAnswer,
		want: map[string]string{
			"live/length.body":         `failed [chat succeeded] 20/7/0 $0? "the answer was cut at the limit of tokens: raise the agent's max_tokens, or ask for a shorter answer"`,
			"live/length_empty.body":   `failed [chat succeeded] 20/7/0 $0? "the answer was cut at the limit of tokens: raise the agent's max_tokens, or ask for a shorter answer"`,
			"live/content_filter.body": `failed [chat succeeded] 20/7/0 $0? "the provider's content filter stopped the answer: change the prompt, or use another model"`,
			"live/empty_answer.body":   `failed [chat succeeded] 20/7/0 $0? "the model ended without an answer"`,
			"live/reasoning_only.body": `failed [chat succeeded] 20/7/0 $0? "the model thought and ended without an answer: raise the agent's max_tokens, or use another model"`,
		},
	},
	`usage elsewhere in the chunk [usage_groq, usage_moonshot, usage_cost]`: {
		right: `20 and 7; $0.0123`, see: asAnswer,
		want: map[string]string{
			"live/usage_groq.body":     `succeeded [chat succeeded] 20/7/0 $0? "The result is 42."`,
			"live/usage_moonshot.body": `succeeded [chat succeeded] 20/7/16 $0? "The result is 42."`,
			"live/usage_cost.body":     `succeeded [chat succeeded] 20/7/0 $0.0123 "The result is 42."`,
		},
	},
	`ask --json where usage or price is unknown [usage_none]`: {
		right: `a key that says so, as runs --json has (unpriced)`, see: asAnswer,
		want: map[string]string{
			"live/usage_none.body": `succeeded [chat succeeded] 0/0/0 $0? "The result is 42."`,
		},
	},
	`model that takes no tools [no_tools]`: {
		right: `asked again without tools, or a way to make an agent without`, see: withoutTools,
		want: map[string]string{
			"live/no_tools.body": `succeeded [chat succeeded] 0/0/0 $0? "The result is 42."`,
		},
	},
	`reasoning model behind a prefix or a deployment name: max_tokens`: {
		right: `max_completion_tokens, or learnt from the 400`, see: limitOfTokens,
		want: map[string]string{
			"o4-mini":        `max_completion_tokens`,
			"openai/o4-mini": `max_completion_tokens`,
			"my-deployment":  `max_tokens, max_completion_tokens`,
		},
	},
	`temperature 0 to a reasoning model`: {
		right: `left out, or learnt from the 400`, see: temperatureOfZero,
		want: map[string]string{
			"": `asked with it, then without it: succeeded [chat succeeded] 0/0/0 $0? "The result is 42."`,
		},
	},
	`cache writes inside input, cache reads on top, total given`: {
		right: `in 98805 (= total - output)`, see: asHistory,
		want: map[string]string{
			"langfuse/litellm_creation_inside.json": `succeeded [g succeeded] 98805/5120/66360 $0? ""`,
		},
	},
	`cached on top, reasoning inside the output`: {
		right: `in 17903, out 100`, see: asHistory,
		want: map[string]string{
			"langfuse/cached_top_reasoning_inside.json": `succeeded [gen0 succeeded] 17903/100/17817 $0? "ho"`,
		},
	},
	`AGENT observation repeats its generations' usage and cost`: {
		right: `300/30, 0.03`, see: asHistory,
		want: map[string]string{
			"langfuse/agent_wrapper_sum.json": `succeeded [agent run succeeded, gen1 succeeded, gen2 succeeded] 300/30/0 $0.03 "ho"`,
		},
	},
	`bulk exports: observations table as JSON, blob storage JSONL, API list {data:[...]}`: {
		right: `read, or told what to export instead`, see: asHistory,
		want: map[string]string{
			"langfuse/ui_observations.json":    `succeeded [answer succeeded] 10/5/0 $0.001 "ho"`,
			"langfuse/blob_observations.jsonl": `succeeded [answer succeeded] 10/5/0 $0.001 "ho"`,
			"langfuse/api_data_envelope.json":  `succeeded [gen0 succeeded] 1/1/0 $0? "ho"`,
		},
	},
	`LangSmith runs`: {
		right: `read, or told`, see: asHistory,
		want: map[string]string{
			"langsmith/api_envelope.json": `succeeded [agent succeeded, ChatOpenAI succeeded] 10/5/0 $0.0001 ""`,
			"langsmith/runs.jsonl":        `succeeded [agent succeeded, ChatOpenAI succeeded] 10/5/0 $0.0001 ""`,
			"langsmith/runs_array.json":   `succeeded [agent succeeded, ChatOpenAI succeeded] 10/5/0 $0.0001 ""`,
		},
	},
	`cache beside the input (more cached than input)`: {
		right: `in 130213, cached 128955`, see: asHistory,
		want: map[string]string{
			"otlp/cache_exclusive.json": `succeeded [chat m succeeded] 130213/100/128955 $0? ""`,
		},
	},
	`failed leaf whose parent was dropped, true root is fine`: {
		right: `run succeeded (its root did)`, see: asHistory,
		want: map[string]string{
			"otlp/orphan_error.json": `succeeded [root succeeded, execute_tool x failed] 0/0/0 $0 ""` + "\n" +
				`orphan_error.json:1: record 00000000000000000000000000000001: the parent of span 0000000000000005 is missing: it stands at the top of the run, and does not decide how that ended`,
		},
	},
	`reasoning part of an answer`: {
		right: `answer '42 and 1'`, see: asHistory,
		want: map[string]string{
			"otlp/anyvalues.json":          `succeeded [chat m succeeded] 12/3/0 $0? "42 and 1"`,
			"chat/anthropic_parallel.json": `unrated, judged succeeded [calc succeeded, calc failed] 0/0/0 $0? "4, and the second failed."`,
		},
	},
	`logs and metrics in the same file`: {
		right: `traces read`, see: asHistory,
		want: map[string]string{
			"otlp/mixed_signals.jsonl": `succeeded [root succeeded] 0/0/0 $0 ""` + "\n" +
				`mixed_signals.jsonl: 2 exports of logs or metrics are no traces, and left out`,
		},
	},
	`Anthropic blocks: two tool_use, one user message with two tool_result, one is_error`: {
		right: `2 steps: succeeded, failed`, see: asHistory,
		want: map[string]string{
			"chat/anthropic_parallel.json": `unrated, judged succeeded [calc succeeded, calc failed] 0/0/0 $0? "4, and the second failed."`,
			"chat/anthropic_mixed.json":    `unrated, judged succeeded [look succeeded] 0/0/0 $0? "done"`,
		},
	},
	`failure flag on the tool's message`: {
		right: `steps 2-5 failed, 6 succeeded`, see: asHistory,
		want: map[string]string{
			"chat/tool_errors.json": `unrated, judged failed [f failed, f failed, f failed, f failed, f failed, f succeeded] 0/0/0 $0? "done"`,
		},
	},
	`tau2 results file`: {
		right: `2 runs: 1 succeeded, 1 failed; tool step failed; usage and cost`, see: asHistory,
		want: map[string]string{
			"chat/tau2_results.json": `unrated, judged failed [chat succeeded, find_order failed, chat succeeded] 13207/123/0 $0.05 "I can't find it."` + "\n" +
				`unrated, judged succeeded [chat succeeded, find_order failed, chat succeeded] 13207/123/0 $0.05 "I can't find it."`,
			"chat/tau2_simulations.jsonl": `unrated, judged failed [chat succeeded, find_order failed, chat succeeded] 13207/123/0 $0.05 "I can't find it."` + "\n" +
				`unrated, judged succeeded [chat succeeded, find_order failed, chat succeeded] 13207/123/0 $0.05 "I can't find it."`,
		},
	},
	`usage and cost on assistant messages`: {
		right: `2006/300, 0.01`, see: asHistory,
		want: map[string]string{
			"chat/usage_on_messages.json": `unrated, judged succeeded [chat succeeded] 2006/300/1920 $0.01 "ho"`,
		},
	},
	`logs in other shapes`: {
		right: `read, or told`, see: asHistory,
		want: map[string]string{
			"chat/responses_items.json":  `unrated, judged succeeded [f succeeded] 0/0/0 $0? "done"`,
			"chat/request_response.json": `unrated, judged succeeded [chat succeeded] 5/2/0 $0? "ho"`,
		},
	},
	`start ended by ate_abort or withdraw`: {
		right: `A ends 09:00:10, D 09:03:01, cancelled`, see: asHistory,
		want: map[string]string{
			"xes/lifecycle.xes": `unrated [A cancelled 2026-03-01T09:00:10Z, B succeeded 2026-03-01T09:01:20Z, B succeeded 2026-03-01T09:01:10Z, C succeeded 2026-03-01T09:02:00Z, D cancelled 2026-03-01T09:03:01Z] 0/0/0 $0 ""`,
		},
	},
	`events directly in the log`: {
		right: `told`, see: asHistory,
		want: map[string]string{
			"xes/stray_events.xes": `stray_events.xes: 2 events stand outside of any trace: no case is known for them, and none is taken`,
		},
	},
	`24:00:00`: {
		right: `next day 00:00`, see: asHistory,
		want: map[string]string{
			"xes/times_24.xes": `unrated [A succeeded 2026-03-02T00:00:00Z] 0/0/0 $0 ""`,
		},
	},
	`decimal comma`: {
		right: `0.0125, or a flag for it`, see: decimals,
		want: map[string]string{
			"csv/bom_semicolon_decimal.csv":                   `12, 12000 tokens; 1234.5125, 1820 tokens`,
			"csv/bom_semicolon_decimal.csv without --decimal": `2 left out: name the sign`,
		},
	},
	`thousands point`: {
		right: `13000, or refused`, see: thousands,
		want: map[string]string{
			"csv/thousands_silent.csv":                   `13000 tokens`,
			"csv/thousands_silent.csv without --decimal": `1 left out: name the sign`,
		},
	},
	`NaT in a tenth of the rows`: {
		right: `18 of 20 cases taken`, see: asHistory,
		want: map[string]string{
			"csv/nat_tenth.csv": strings.Repeat("unrated [A succeeded] 0/0/0 $0 \"\"\n", 18) +
				"nat_tenth.csv:20: record c18: timestamp: \"NaT\" is no time\nnat_tenth.csv:21: record c19: timestamp: \"NaT\" is no time",
		},
	},
	`46082.375`: {
		right: `refused or 2026-03-01`, see: asHistory,
		want: map[string]string{
			"csv/excel_serial.csv": `excel_serial.csv: column timestamp: "46082.375" may be a spreadsheet's number of days, or seconds since 1970: name it by --time-layout excel or --time-layout unix: the rest of the file can't be read`,
		},
	},
	`record over 1 MiB on EventStoreDB`: {
		right: `left out by name; the rest taken`, see: tooLarge,
		want: map[string]string{
			"": `1 taken, 1 left out: large`,
		},
	},
	`tasks with different numbers of trials`: {
		right: `never rises with k; or says over how many tasks`, see: trials,
		want: map[string]string{
			"stats/unequal_trials.jsonl": `1: 50.0% (2 tasks), 2: 100.0% (1 task), 3: 100.0%`,
		},
	},
}
