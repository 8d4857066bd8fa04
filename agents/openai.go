package agents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultBaseURL is OpenAI's own API.
const DefaultBaseURL = "https://api.openai.com/v1"

// defaultTimeout bounds a call of a model as a whole.
const defaultTimeout = 5 * time.Minute

// OpenAIConfig says how to reach an OpenAI-compatible server. The zero value but for a key reaches OpenAI.
type OpenAIConfig struct {
	// APIKey goes into the Authorization header and nowhere else. It may be empty for a server of one's own.
	APIKey string
	// BaseURL is where /chat/completions hangs, usually ending in /v1. Default DefaultBaseURL.
	BaseURL string
	// Provider names the server in answers and for the price table. Default by the base URL's host, see ProviderOf.
	Provider string
	// Timeout bounds a call as a whole, waits and retries included. Default 5 min.
	Timeout time.Duration
	// Idle bounds the wait for the first byte and between two pieces of the stream. Default 90 s.
	Idle time.Duration
	// Attempts is the greatest number of requests for one call. Default 4.
	Attempts int
	// FirstWait and MostWait bound the waits between attempts where the server does not tell. Default 500 ms and 8 s.
	FirstWait, MostWait time.Duration
	// MostRetryAfter is the longest wait that a server may ask for: a call fails at once where it asks for more.
	// Default 60 s.
	MostRetryAfter time.Duration
	// API is ChatAPI or ResponsesAPI for requests that name none. Default the one that the model needs.
	API string
	// Connections is how many idle ones are kept: as many as calls are made at a time. Default 64.
	Connections int
	// Transport carries the requests. Default one like http.DefaultTransport, which honours HTTPS_PROXY.
	Transport http.RoundTripper
	// Now tells the time, for latencies and dates in Retry-After. Default time.Now.
	Now func() time.Time
	// Throttled hears of each refusal for there being too many requests (429), and of each failure with a Retry-After: the model, and how
	// long the server asks to wait, 0 where it does not say. Default nobody.
	Throttled func(model string, retryAfter time.Duration)
	// JitterSeed seeds the random part of waits. Default 0: the same waits in each process.
	JitterSeed uint64
}

// OpenAI is a model behind any server that speaks OpenAI's chat completions: OpenAI, Ollama, vLLM, llama.cpp.
type OpenAI struct {
	key, base, provider string
	api                 string
	timeout, idle       time.Duration
	attempts            int
	mostRetryAfter      time.Duration
	http                *http.Client
	now                 func() time.Time
	backoff             backoff
	learned             learned
	throttled           func(model string, retryAfter time.Duration)
}

var (
	errWholeCall = errors.New("the call as a whole took too long")
	errIdle      = errors.New("nothing came for too long")
)

// NewOpenAI checks the configuration. It sends nothing.
func NewOpenAI(c OpenAIConfig) (*OpenAI, error) {
	base := strings.TrimRight(cmp.Or(strings.TrimSpace(c.BaseURL), DefaultBaseURL), "/")
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the base URL is not an http or https URL: set OPENAI_BASE_URL to one such as http://localhost:11434/v1")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the base URL holds a user, a query or a fragment: OPENAI_BASE_URL takes only scheme, host, port and path; a secret goes into OPENAI_API_KEY")
	}
	key := strings.TrimSpace(c.APIKey)
	switch {
	case key == "" && base == DefaultBaseURL:
		return nil, errors.New("OpenAI needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL to a server that needs none")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("the key holds white space or characters that no key has: check OPENAI_API_KEY")
	case c.Timeout < 0 || c.Idle < 0 || c.Attempts < 0 || c.FirstWait < 0 || c.MostWait < 0 || c.MostRetryAfter < 0 || c.Connections < 0:
		return nil, errors.New("a time-out, a number of attempts or of connections is negative")
	}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	return &OpenAI{
		key:            key,
		api:            c.API,
		base:           base,
		provider:       cmp.Or(c.Provider, ProviderOf(u.Host)),
		timeout:        cmp.Or(c.Timeout, defaultTimeout),
		idle:           cmp.Or(c.Idle, 90*time.Second),
		attempts:       cmp.Or(c.Attempts, 4),
		mostRetryAfter: cmp.Or(c.MostRetryAfter, time.Minute),
		now:            now,
		throttled:      c.Throttled,
		http: &http.Client{
			Transport: transport(c),
			// A redirect would turn the request into another one, or carry it to where nobody meant it to go.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		backoff: backoff{
			first:  cmp.Or(c.FirstWait, 500*time.Millisecond),
			most:   cmp.Or(c.MostWait, 8*time.Second),
			random: rand.New(rand.NewPCG(c.JitterSeed, 0)), //nolint:gosec // spreads load, guards nothing
		},
	}, nil
}

// transport keeps as many idle connections as there are calls at a time. http.DefaultTransport keeps two a host, and so
// opens a new one for nearly every call beyond.
func transport(c OpenAIConfig) http.RoundTripper {
	if c.Transport != nil {
		return c.Transport
	}
	own := http.DefaultTransport.(*http.Transport).Clone()
	own.MaxIdleConnsPerHost = cmp.Or(c.Connections, 64)
	own.MaxIdleConns = own.MaxIdleConnsPerHost
	return own
}

// ProviderOf is the price table's name for the provider behind a host, or the host itself where it is none of those.
func ProviderOf(host string) string {
	provider, known := map[string]string{
		"api.openai.com":                    "openai",
		"api.anthropic.com":                 "anthropic",
		"api.deepseek.com":                  "deepseek",
		"api.groq.com":                      "groq",
		"api.mistral.ai":                    "mistral",
		"api.moonshot.ai":                   "moonshot",
		"api.together.xyz":                  "together_ai",
		"api.x.ai":                          "xai",
		"generativelanguage.googleapis.com": "gemini",
		"openrouter.ai":                     "openrouter",
	}[host]
	if !known {
		return host
	}
	return provider
}

// Provider is who answers, under the price table's name, or the server's host.
func (m *OpenAI) Provider() string { return m.provider }

// Chat streams one answer. It tries again only while nothing of an answer has come, and only after failures that may
// pass: 408, 409, 429, 5xx, a broken connection, silence. What a server refuses to be asked is left out, and
// remembered for its model; a server that refuses stream_options does not tell what the answer took.
func (m *OpenAI) Chat(ctx context.Context, req Request, onDelta func(string)) (Answer, error) {
	req.API = cmp.Or(req.API, m.api)
	if err := req.check(); err != nil {
		return Answer{}, &CallError{Kind: ErrBadRequest, Detail: err.Error()}
	}
	started := m.now()
	ctx, cancel := context.WithTimeoutCause(ctx, m.timeout, errWholeCall)
	defer cancel()
	requests := 0
	for attempt := 1; ; attempt++ {
		requests++
		answer, err := m.attempt(ctx, req, onDelta)
		if err == nil {
			answer.Latency = m.now().Sub(started)
			answer.Attempts = requests
			return answer, nil
		}
		var failed *CallError
		if !errors.As(err, &failed) {
			return Answer{}, err
		}
		failed.Attempts = requests
		if m.throttled != nil && failed.retryable && (failed.Kind == ErrRateLimited || failed.RetryAfter > 0) {
			m.throttled(req.Model, failed.RetryAfter)
		}
		if m.learned.from(req, failed) {
			attempt--
			continue
		}
		if !failed.retryable || failed.Streamed || attempt >= m.attempts {
			return Answer{}, failed
		}
		wait := m.backoff.wait(attempt)
		if failed.RetryAfter > 0 {
			wait = failed.RetryAfter
		}
		if deadline, ok := ctx.Deadline(); wait > m.mostRetryAfter || ok && time.Until(deadline) < wait {
			failed.Hint = fmt.Sprintf("try again in %s", wait.Round(time.Second))
			return Answer{}, failed
		}
		if err := pause(ctx, wait); err != nil {
			if errors.Is(err, errWholeCall) {
				return Answer{}, failed
			}
			return Answer{}, err
		}
	}
}
