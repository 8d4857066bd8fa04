package agents

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// learned is what servers have refused, by model, so that they are asked for it once only.
type learned struct {
	mu     sync.Mutex
	models map[string]habits
}

// habits are what a model wants to be asked like. The zero value asks as the API is described.
type habits struct {
	// left are the parameters that are left out.
	left []string
	// otherLimit tells that the limit of tokens goes by its other name.
	otherLimit bool
	// api is the API that was found out, empty for none.
	api string
}

func (l *learned) of(model string) habits {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.models[model]
}

// from learns from a refusal what to do otherwise, and tells whether there is anything.
func (l *learned) from(req Request, failed *CallError) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.models[req.Model]
	h.left = slices.Clone(h.left)
	if !h.learn(req, failed) {
		return false
	}
	if l.models == nil {
		l.models = map[string]habits{}
	}
	l.models[req.Model] = h
	return true
}

func (h *habits) learn(req Request, failed *CallError) bool {
	f, sent := failed.fault, failed.sent
	if f == nil || failed.Streamed {
		return false
	}
	if api := otherAPI(f, sent.api); api != "" && h.api == "" && req.API == "" {
		h.api = api
		return true
	}
	param := refusedParam(f, sent.params)
	switch param {
	case "":
		return false
	case "max_tokens", "max_completion_tokens":
		// A limit is never dropped: it may be what bounds the cost.
		if h.otherLimit {
			return false
		}
		h.otherLimit = true
	case "max_output_tokens":
		return false
	default:
		h.left = append(h.left, param)
		slices.Sort(h.left)
	}
	return true
}

// otherAPI is the API that a server refers to, or the one that is left where it has not the one that was asked.
func otherAPI(f *fault, asked string) string {
	missing := (f.status == http.StatusNotFound || f.status == http.StatusMethodNotAllowed || f.status == http.StatusNotImplemented) &&
		!strings.Contains(strings.ToLower(f.message), "model")
	switch {
	case asked == ChatAPI && strings.Contains(f.message, "v1/responses"):
		return ResponsesAPI
	case asked == ResponsesAPI && (missing || strings.Contains(f.message, "v1/chat/completions")):
		return ChatAPI
	}
	return ""
}

// refuses finds the words of a server that does not take a parameter at all. One that wants another value is not meant.
var refuses = regexp.MustCompile(`(?i)not (yet )?support|n't support|unsupported|unavailable|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|not available|` +
	`not enabled|no longer|deprecated|extra (input|field)|extra_forbidden|only the default|(may|can) only be|only \S+ is (allowed|supported)|not both be|'t both be|requires --|no endpoints found|instead|cannot be (used|set|specified)|can't be|must (not|be (omitted|unset|left))|not (a )?valid (param|arg|field)|invalid (param|arg|field)`)

// toolWords are how servers speak of tools without naming the parameter.
var toolWords = regexp.MustCompile(`(?i)\b(tools?|tool[ _-]?(use|calls?|calling)|functions?|function[ _-]?(calls?|calling))\b`)

// lacks are how servers say that they have no such thing. llama.cpp and vLLM name the flag that they would need.
var lacks = regexp.MustCompile(`(?i)not (yet )?support|n't support|unsupported|not (available|enabled)|requires --|no endpoints found`)

// refusedParam is the parameter of the request that a server refuses, empty where it refuses none.
func refusedParam(f *fault, sent []string) string {
	switch f.status {
	case 0, http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusNotImplemented, http.StatusInternalServerError:
	default:
		return ""
	}
	if !refuses.MatchString(f.code + " " + f.kind + " " + f.message) {
		return ""
	}
	root, _, _ := strings.Cut(f.param, ".")
	root, _, _ = strings.Cut(root, "[")
	if slices.Contains(sent, root) {
		return root
	}
	for _, param := range sent {
		if regexp.MustCompile(`(?i)(^|[^a-z0-9_])` + regexp.QuoteMeta(param) + `([^a-z0-9_]|$)`).MatchString(f.message) {
			return param
		}
	}
	if slices.Contains(sent, "tools") && toolWords.MatchString(f.message) && lacks.MatchString(f.message) {
		return "tools"
	}
	return ""
}

// asked is what went out with a request: the API, and the parameters that could be left out.
type asked struct {
	api    string
	params []string
}

// needed are what no request goes without.
var needed = []string{"model", "messages", "input", "stream"}

// paramsOf lists what a server can refuse of a request's body, and of what goes back with its messages.
func paramsOf[V any](body map[string]V, extras ...string) []string {
	params := slices.Collect(maps.Keys(body))
	params = append(slices.DeleteFunc(params, func(p string) bool { return slices.Contains(needed, p) }), extras...)
	slices.Sort(params)
	return slices.Compact(params)
}
