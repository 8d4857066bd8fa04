package agents_test

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
)

func TestOpenAIRetries(t *testing.T) {
	t.Parallel()
	const start = "Sat, 01 Jan 2000 00:00:00 GMT" // where synctest's clock starts
	for name, c := range map[string]struct {
		first    http.HandlerFunc
		min, max time.Duration
	}{
		"seconds": {status(429, `{}`, "Retry-After", "7"), 7 * time.Second, 7 * time.Second},
		"a date":  {status(503, `{}`, "Retry-After", strings.Replace(start, "00:00:00", "00:00:42", 1)), 42 * time.Second, 42 * time.Second},
		"a date by a clock that is ahead": {
			status(503, `{}`, "Date", strings.Replace(start, "00:00:00", "05:00:00", 1), "Retry-After", strings.Replace(start, "00:00:00", "05:00:42", 1)),
			42 * time.Second, 42 * time.Second,
		},
		"a date by a clock that is behind": {
			status(503, `{}`, "Date", strings.Replace(start, "2000", "1999", 1), "Retry-After", strings.Replace(start, "2000 00:00:00", "1999 00:00:42", 1)),
			42 * time.Second, 42 * time.Second,
		},
		"a date in the past": {status(503, `{}`, "Retry-After", strings.Replace(start, "2000", "1999", 1)), 250 * time.Millisecond, 500 * time.Millisecond},
		"milliseconds come first": {
			status(429, `{}`, "Retry-After", "30", "Retry-After-Ms", "1250.5"), 1250500 * time.Microsecond, 1250500 * time.Microsecond,
		},
		"nonsense":             {status(429, `{}`, "Retry-After", "-3"), 250 * time.Millisecond, 500 * time.Millisecond},
		"nothing":              {status(500, `{}`), 250 * time.Millisecond, 500 * time.Millisecond},
		"408":                  {status(408, `{}`), 250 * time.Millisecond, 500 * time.Millisecond},
		"409":                  {status(409, `{}`), 250 * time.Millisecond, 500 * time.Millisecond},
		"a dropped connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 250 * time.Millisecond, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, model := serve(t, nil, c.first, hello)
				answer, err := model.Chat(t.Context(), ask, nil)
				if err != nil {
					t.Fatal(err)
				}
				if waited := d.at[1].Sub(d.at[0]); waited < c.min || waited > c.max || answer.Latency != waited {
					t.Errorf("waited %s, want %s to %s; latency %s", waited, c.min, c.max, answer.Latency)
				}
				if answer.Message.Content != "Hello" || answer.Attempts != 2 {
					t.Errorf("answer %+v", answer)
				}
			})
		})
	}
}

func TestOpenAIBacksOffWithACap(t *testing.T) {
	t.Parallel()
	var waits [2][]time.Duration
	for i := range waits {
		synctest.Test(t, func(t *testing.T) {
			d, model := serve(t, func(c *agents.OpenAIConfig) { c.Attempts, c.JitterSeed = 9, 5 }, status(500, `{}`))
			if _, err := model.Chat(t.Context(), ask, nil); !errors.Is(err, agents.ErrUnavailable) {
				t.Fatal(err)
			}
			for n := 1; n < len(d.at); n++ {
				wait, whole := d.at[n].Sub(d.at[n-1]), min(500*time.Millisecond<<(n-1), 8*time.Second)
				if wait < whole/2 || wait > whole {
					t.Errorf("wait %d is %s, want %s to %s", n, wait, whole/2, whole)
				}
				waits[i] = append(waits[i], wait)
			}
		})
	}
	if len(waits[0]) != 8 || !reflect.DeepEqual(waits[0], waits[1]) {
		t.Errorf("the same seed gave %s and %s", waits[0], waits[1])
	}
}

// Whoever spaces out calls hears of each refusal for there being too many, and of nothing else.
func TestRefusalsForTooMuchAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []string
		hears := func(c *agents.OpenAIConfig) {
			c.Attempts = 9
			c.Throttled = func(model string, after time.Duration) { told = append(told, model+" "+after.String()) }
		}
		_, model := serve(t, hears, status(429, `{}`, "Retry-After", "7"), status(429, `{}`), status(500, `{}`), status(503, `{}`, "Retry-After", "3"), hello)
		if _, err := model.Chat(t.Context(), ask, nil); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(told, ", "), "gpt-4o-mini 7s, gpt-4o-mini 0s, gpt-4o-mini 3s"; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
		told = nil
		_, model = serve(t, hears, status(429, `{"error":{"code":"insufficient_quota"}}`))
		if _, err := model.Chat(t.Context(), ask, nil); !errors.Is(err, agents.ErrQuota) || len(told) > 0 {
			t.Errorf("%v, told %q", err, told)
		}
	})
}
