package bench

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of the raw queries

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/web"
)

// Who reads, for how long, and how often each at least.
const (
	clients  = 8
	readTime = 300 * time.Millisecond
	atLeast  = 25
	// factsPerSecond are folded meanwhile: no answer is good for long.
	factsPerSecond = 50
)

// question is what the API is asked, and the query that answers it from the same rows.
type question struct{ path, query string }

// reads measures what eight clients get from the API at once, beside as many connections with a query by hand.
func reads(b *testing.B, e engine, t *table) {
	place := t.history(b, e, slices.Max(sizesWanted(b)))
	store, models := e.log(b, place), e.models(b, place, readmodel.Options{})
	defer store.Close()
	defer models.Close()
	rebuilt(b, store, models)
	db, err := sql.Open(e.driver, place)
	must(b, err)
	defer db.Close()
	db.SetMaxOpenConns(clients)
	db.SetMaxIdleConns(clients)
	server := httptest.NewServer(web.New(web.Config{Reader: models.In(""), Head: store.Head}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer moving(b, store, models)()
	report, err := models.In("").Report(b.Context(), projections.MetricsFilter{})
	must(b, err)
	all := asked(b, db)
	ours := func(of []question) func() sample {
		return crowd(b, of, atLeast, func(q question) error { return get(b.Context(), client, server.URL+q.path) })
	}
	// What the rebuild left to do is done, connections are open and statements prepared by the time that counts.
	for _, of := range all {
		ours(of.questions)()
	}
	for _, of := range all {
		taken := alternate(*rounds, crowd(b, of.questions, 1, func(q question) error { return byHand(b.Context(), db, q.query) }), ours(of.questions))
		r := row{
			name: fmt.Sprintf("%s of %d runs, %d at once", of.name, report.Runs, clients),
			raw:  median(taken[0], sample.perSecond), ours: median(taken[1], sample.perSecond), note: "p99 wanted: 50ms",
		}
		r.p50, r.p99 = quantiles(pool(taken[1]))
		t.rows = append(t.rows, r)
	}
}

// crowd has all clients ask at once, each the questions in turn.
func crowd(b *testing.B, questions []question, least int, ask func(question) error) func() sample {
	return func() sample {
		latencies := make([][]time.Duration, clients)
		s := measure(func() (n int) {
			var wait sync.WaitGroup
			end := time.Now().Add(readTime)
			for c := range clients {
				wait.Go(func() {
					for i := 0; i < least || time.Now().Before(end); i++ {
						began := time.Now()
						if err := ask(questions[i%len(questions)]); err != nil {
							b.Error(err)
							return
						}
						latencies[c] = append(latencies[c], time.Since(began))
					}
				})
			}
			wait.Wait()
			for _, l := range latencies {
				n += len(l)
			}
			return n
		})
		s.latencies = slices.Concat(latencies...)
		return s
	}
}

func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}

// byHand reads every column of what a query finds.
func byHand(ctx context.Context, db *sql.DB, query string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// moving has facts come in, and be folded, until stop is called.
func moving(b *testing.B, store eventstore.Store, models *projections.Models) (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := replay.Pump(ctx, store, models, models.Apply, nil); err != nil && ctx.Err() == nil {
			b.Error(err)
		}
	})
	wait.Go(func() {
		tick := time.NewTicker(time.Second / factsPerSecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			run := "reads-" + orchestrator.NewID().String()
			kind, version, data, err := events.Encode(events.RunStarted{Run: run, Workflow: "bench"})
			if err == nil {
				_, err = store.Append(ctx, "run-"+run, eventstore.NoStream, []events.Envelope{{
					ID: orchestrator.NewID(), Kind: kind, Version: version, Data: data, OccurredAt: time.Now(), Correlation: run, Actor: "user:bench",
				}})
			}
			if err != nil && ctx.Err() == nil {
				b.Error(err)
				return
			}
		}
	})
	return func() { cancel(); wait.Wait() }
}

type askedOf struct {
	name      string
	questions []question
}

// asked are metrics, runs and patterns by each filter, and each list by all of its filters.
func asked(b *testing.B, db *sql.DB) []askedOf {
	first := func(query string) string {
		var value string
		if err := db.QueryRowContext(b.Context(), query).Scan(&value); err != nil {
			return "nothing"
		}
		return value
	}
	one := func(name, path, query string) askedOf { return askedOf{name, []question{{path, query}}} }
	runs := func(name, filter, where string) askedOf {
		return one("runs"+name, "/api/runs"+filter, "SELECT "+columnsOf(b, db, "workflow_runs", "step_list")+" FROM workflow_runs WHERE workspace = ''"+where+" ORDER BY first_position DESC LIMIT 101")
	}
	by := func(column string) askedOf {
		v := first("SELECT " + column + " FROM workflow_runs WHERE " + column + " <> '' LIMIT 1")
		return runs(" by "+column, "?"+column+"="+url.QueryEscape(v), " AND "+column+" = '"+v+"'")
	}
	patterns := func(name, filter, where string) askedOf {
		return one("patterns"+name, "/api/patterns"+filter, "SELECT * FROM patterns WHERE kind = 'variant' AND workspace = ''"+where+" ORDER BY workflow, runs DESC, steps LIMIT 101")
	}
	workflow := first("SELECT workflow FROM workflow_runs LIMIT 1")
	agent := first("SELECT agent FROM agents LIMIT 1")
	all := []askedOf{
		one("metrics", "/api/metrics", "SELECT * FROM metrics WHERE day = '"+projections.AllDays+"'"),
		one("metrics of days", "/api/metrics?since=2020-01-01&until=2030-01-01", "SELECT * FROM metrics WHERE day >= '2020-01-01' AND day <= '2030-01-01'"),
		runs("", "", ""), by("workflow"), by("task"), by("conversation"), by("outcome"),
		runs(" by agent", "?agent="+url.QueryEscape(agent), ` AND agents LIKE '%"`+agent+`"%'`),
		runs(" by no agent", "?agent=nobody", ` AND agents LIKE '%"nobody"%'`),
		runs(" by start", "?until=2020-01-01T00:00:00Z", " AND started_at < 1577836800000000000 AND started_at <> 0"),
		patterns("", "", ""), patterns(" by workflow", "?workflow="+url.QueryEscape(workflow), " AND workflow = '"+workflow+"'"),
	}
	for _, l := range projections.Lists() {
		order := make([]string, len(l.Order))
		for i, o := range l.Order {
			order[i] = o.Column
			if o.Descending {
				order[i] += " DESC"
			}
		}
		of := askedOf{name: l.Name}
		for _, f := range append([]readmodel.Filter{{}}, l.Filters...) {
			q := question{"/api/" + l.Name, "SELECT * FROM " + l.Table + " WHERE workspace = ''"}
			if f.Column != "" {
				v := first("SELECT " + f.Column + " FROM " + l.Table + " LIMIT 1")
				if f.Values != nil {
					v = cmp.Or(f.Values[0], v)
				}
				q.path += "?" + f.Column + "=" + url.QueryEscape(v)
				q.query += " AND " + f.Column + " = '" + v + "'"
			}
			if len(order) > 0 {
				q.query += " ORDER BY " + strings.Join(order, ", ")
			}
			q.query += " LIMIT 101"
			of.questions = append(of.questions, q)
		}
		all = append(all, of)
	}
	return all
}

// columnsOf are the names of a table's columns but for one.
func columnsOf(b *testing.B, db *sql.DB, table, without string) string {
	rows, err := db.QueryContext(b.Context(), "SELECT * FROM "+table+" LIMIT 0")
	must(b, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(b, err)
	return strings.Join(slices.DeleteFunc(columns, func(c string) bool { return c == without }), ", ")
}
