package orchestrator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// faulty is a server that answers each request with the same fault.
type faulty struct {
	answer   func(*http.Request) *http.Response
	requests atomic.Int64
}

// RoundTrip implements http.RoundTripper. A nil answer never comes.
func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	f.requests.Add(1)
	_, _ = io.Copy(io.Discard, r.Body)
	resp := f.answer(r)
	if resp == nil {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	resp.Request = r
	return resp, nil
}

// refused is an answer of a status.
func refused(status int, header ...string) func(*http.Request) *http.Response {
	return func(*http.Request) *http.Response {
		resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{"error":{"message":"busy"}}`))}
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp
	}
}

// streamed is an answer of these pieces. One that is "cut" ends the connection.
func streamed(pieces ...string) func(*http.Request) *http.Response {
	return func(*http.Request) *http.Response {
		read, write := io.Pipe()
		go func() {
			for _, piece := range pieces {
				if piece == "cut" {
					_ = write.CloseWithError(io.ErrUnexpectedEOF)
					return
				}
				if _, err := fmt.Fprintf(write, "data: %s\n\n", piece); err != nil {
					return
				}
			}
			_ = write.Close()
		}()
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: read}
	}
}

// dripping sends a sign of life every second, and never an answer.
type dripping struct{ ctx context.Context }

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second): // the fake clock's
		return copy(p, ": still here\n\n"), nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

func (dripping) Close() error { return nil }

// saidPiece, endedPiece and usedPiece are pieces of an answer.
func saidPiece(text string) string {
	return fmt.Sprintf(`{"model":"m","choices":[{"index":0,"delta":{"content":%q}}]}`, text)
}

func endedPiece(reason string) string {
	return fmt.Sprintf(`{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":%q}]}`, reason)
}

func usedPiece(in, out string) string {
	return fmt.Sprintf(`{"model":"m","choices":[],"usage":{"prompt_tokens":%s,"completion_tokens":%s}}`, in, out)
}

// TestTwelveFaultsOfAServer asks runs of a server with each fault, under a cap: every run ends, by one fact and each call by one, what
// is spent stays within the cap, and memory within a bound. `make faults` asks 100 of each and prints the table.
func TestTwelveFaultsOfAServer(t *testing.T) {
	const heapMiB = 64
	runs := 10
	if os.Getenv("VIRTUOUS6_FAULTS") == "long" {
		runs = 100
	}
	call := `{"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":%d,"id":"a","type":"function","function":{"name":"clock","arguments":"{}"}}]}}]}`
	for _, c := range []struct {
		name   string
		answer func(*http.Request) *http.Response
		// outcome is how all of the runs end that there is money for.
		outcome events.Outcome
		says    string
	}{
		{"429, in seconds", refused(429, "Retry-After", "7"), events.Failed, "rate limited"},
		{"429, by date", func(r *http.Request) *http.Response {
			return refused(429, "Retry-After", time.Now().Add(9*time.Second).UTC().Format(http.TimeFormat))(r)
		}, events.Failed, "rate limited"},
		{"500", refused(500), events.Failed, "unavailable"},
		{"hang", func(*http.Request) *http.Response { return nil }, events.Failed, "in time"},
		{"drip", func(r *http.Request) *http.Response {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: dripping{r.Context()}}
		}, events.Failed, "in time"},
		{"cut stream", streamed(saidPiece("The ans"), "cut"), events.Failed, "cut off"},
		{"invalid JSON", streamed(saidPiece("a"), `{"choices":[{"delta":`), events.Failed, "not the JSON"},
		{"wrong schema", streamed(saidPiece("x is 1"), endedPiece("stop"), usedPiece("20", "7"), "[DONE]"), events.Failed, "does not satisfy the agent's schema"},
		{"10 MB answer", streamed(saidPiece(strings.Repeat("a", 5<<20)), saidPiece(strings.Repeat("a", 5<<20)), endedPiece("stop"), "[DONE]"), events.Failed, "longer than"},
		{"length stop", streamed(saidPiece(`{"x":`), endedPiece("length"), usedPiece("20", "100"), "[DONE]"), events.Failed, "limit of tokens"},
		{"duplicate tool calls", streamed(fmt.Sprintf(call, 0), fmt.Sprintf(call, 1), endedPiece("tool_calls"), usedPiece("20", "7"), "[DONE]"), events.Failed, "kept asking for tools"},
		{"wrong usage", streamed(saidPiece(`{"x":1}`), endedPiece("stop"), usedPiece("-5", `"many"`), "[DONE]"), events.Succeeded, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				prices, err := agents.ParsePrices(strings.NewReader(`{"m": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5}}`))
				if err != nil {
					t.Fatal(err)
				}
				server := &faulty{answer: c.answer}
				model, err := agents.NewOpenAI(agents.OpenAIConfig{APIKey: "none", BaseURL: "http://double.test/v1", Transport: server, Now: time.Now})
				if err != nil {
					t.Fatal(err)
				}
				h := newHouse(t)
				defer h.close(t)
				h.configure = func(c *orchestrator.Config) {
					c.Model, c.Turns = "m", 8
					c.Runner = agents.Runner{Model: model, Tools: agents.BuiltIn(time.Now), Prices: prices}
				}
				h.spawn(t, "clerk", events.AgentConfig{MaxTokens: 100, Tools: []string{"clock"}, Schema: json.RawMessage(`{"type":"object","required":["x"]}`)})
				limit := events.Nanos(runs) * 1_000_000 // not enough for all that each run could cost
				if c.says == "kept asking for tools" {
					limit = events.Nanos(runs) * 1_400_000 // they are many calls, and take turns: with less all stop short of the end
				}
				set := commands.SetBudget{
					Meta:   commands.Meta{ID: events.NameID(time.Now(), "set"), At: time.Now(), Actor: "user:anna"},
					Budget: "all", Period: events.Total, LimitNanos: limit, Fails: true,
				}
				if _, err := h.dispatch(t.Context(), set); err != nil {
					t.Fatal(err)
				}
				for i := range runs {
					h.askOf(t, fmt.Sprint("r", i), "clerk", "go")
				}
				before := heap()
				began := time.Now()
				stop := h.serve(t)
				n := map[string]int{}
				for range 48 {
					later(5 * time.Minute)
					if n = h.tally(t); n[string(projections.Running)] == 0 {
						break
					}
				}
				took := time.Since(began)
				stop()
				grown := (heap() - before) >> 20
				poor := 0
				for row, err := range h.models.Runs(t.Context(), projections.RunFilter{}) {
					switch {
					case err != nil:
						t.Fatal(err)
					case strings.Contains(row.Error, "budget exhausted"):
						poor++
					case row.Outcome != c.outcome || !strings.Contains(row.Error, c.says):
						t.Errorf("run %s: %s %q", row.Run, row.Outcome, row.Error)
					}
				}
				if n["succeeded"]+n["failed"] != runs || poor == runs {
					t.Errorf("of %d runs: %v, %d without money", runs, n, poor)
				}
				budgets, err := h.models.Budgets(t.Context())
				if err != nil || len(budgets) != 1 || budgets[0].SpentNanos > limit {
					t.Errorf("spent %+v, %v", budgets, err)
				}
				h.endsOnce(t, runs)
				if grown > heapMiB {
					t.Errorf("%d MiB of memory more than before", grown)
				}
				t.Logf("%-22s %3d runs, %3d succeeded, %3d failed, %3d of them without money, %5d requests, $%s of $%s, %8s, %d MiB",
					c.name, runs, n["succeeded"], n["failed"], poor, server.requests.Load(), budgets[0].SpentNanos, budgets[0].LimitNanos, took, max(grown, 0))
			})
		})
	}
}

// heap is what memory is held.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// endsOnce holds each run to one end, and each step and each reservation to one.
func (h *house) endsOnce(t *testing.T, runs int) {
	t.Helper()
	ends, open := 0, map[string]int{}
	for e, err := range h.store.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		fact, err := events.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		switch f := fact.(type) {
		case events.RunStepStarted:
			open[fmt.Sprint(e.Stream, f.Step)]++
		case events.RunStepFinished:
			open[fmt.Sprint(e.Stream, f.Step)]--
		case events.BudgetReserved:
			open[f.Reservation]++
		case events.BudgetSettled:
			open[f.Reservation]--
		case events.RunFinished, events.RunFailed, events.RunCancelled:
			ends++
		}
	}
	for what, n := range open {
		if n != 0 {
			t.Errorf("%s is open %d times", what, n)
		}
	}
	if ends != runs {
		t.Errorf("%d runs ended %d times", runs, ends)
	}
}
