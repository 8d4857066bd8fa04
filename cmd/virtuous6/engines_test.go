package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
	"github.com/virtuous6/virtuous6/eventstore/pgtest"
)

// TestTheMainJobOnEveryEngine runs the same history through the program on each engine. The figures, the proposals and
// the read models' rows are the same, and a copy from one engine to the next keeps the log's digest.
func TestTheMainJobOnEveryEngine(t *testing.T) {
	t.Parallel()
	server, err := pgtest.Start(t.Context())
	pgtest.Need(t, err)
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	double, err := esdbtest.Start(esdbtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(double.Close)
	database := func() string {
		url, err := server.Create(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return url
	}

	empty := newProgram(t)
	empty.store = database()
	if out, err := empty.command("metrics").CombinedOutput(); err == nil || !strings.Contains(string(out), "there is no store at the PostgreSQL database yet") {
		t.Errorf("a verb that reads, on a database without a log: %v, %s", err, out)
	}

	lite := newProgram(t)
	lite.run("simulate", "--seed", "9", "--runs", "60")
	want := figures(lite)
	var runs []struct {
		Started string `json:"started_at"`
	}
	if err := json.Unmarshal(lite.run("runs", "--json"), &runs); err != nil {
		t.Fatal(err)
	}
	middle := runs[len(runs)/2].Started
	past := func(p program, into string) string {
		var built struct{ Digest string }
		if err := json.Unmarshal(p.run("replay", "--to", middle, "--into", into, "--json"), &built); err != nil {
			t.Fatal(err)
		}
		return string(p.run("metrics", "--json", "--as-of", middle)) + "digest " + built.Digest
	}
	then := past(lite, database()+"&search_path=then")
	if past(lite, "sqlite:then.db") != then {
		t.Errorf("of the past SQLite gives\n%s", then)
	}
	from := "sqlite:" + lite.dir + "/store.db"
	second, err := esdbtest.Start(esdbtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	for _, engine := range []struct{ name, imported, models, copied string }{
		{"PostgreSQL", database(), "", database()},
		{"PostgreSQL, read models in a file", database(), "sqlite:models.db", ""},
		{"EventStoreDB, read models in a file", double.URL(), "", ""},
		{"EventStoreDB, read models in PostgreSQL", second.URL(), database(), ""},
		{"SQLite, read models in PostgreSQL", "", database(), ""},
	} {
		p := newProgram(t)
		p.store, p.models = engine.imported, engine.models
		p.run("simulate", "--seed", "9", "--runs", "60")
		if again := string(p.run("simulate", "--seed", "9", "--runs", "60")); !strings.Contains(again, " 0 events added") {
			t.Errorf("%s: again: %s", engine.name, again)
		}
		if got := figures(p); got != want {
			t.Errorf("%s gives\n%s\nwant\n%s", engine.name, got, want)
		}
		if said := string(p.run("ask", "calculate 6 * 7")); !strings.Contains(said, "42") {
			t.Errorf("%s: ask: %s", engine.name, said)
		}
		p.run("verify")
		p.run("replay", "metrics")
		p.run("replay")
		got := past(p, "sqlite:then.db")
		if strings.HasPrefix(engine.name, "EventStoreDB") {
			// The positions that rows hold are its own.
			got, _, _ = strings.Cut(got, "digest ")
		}
		if !strings.HasPrefix(then, got) {
			t.Errorf("%s: of the past it gives\n%s\nwant\n%s", engine.name, got, then)
		}
		p.run("verify")
		if engine.copied == "" {
			continue
		}
		var there, back struct{ Digest string }
		if err := json.Unmarshal(lite.run("copy", "--from", from, "--to", engine.copied, "--json"), &there); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(lite.run("copy", "--from", engine.copied, "--to", "sqlite:"+p.dir+"/back.db", "--json"), &back); err != nil {
			t.Fatal(err)
		}
		if there.Digest == "" || there.Digest != back.Digest {
			t.Errorf("%s: there %s, back %s", engine.name, there.Digest, back.Digest)
		}
	}
}

// TestLogsThatShareAServer has two logs and another program in one EventStoreDB: neither sees the others.
func TestLogsThatShareAServer(t *testing.T) {
	t.Parallel()
	double, err := esdbtest.Start(esdbtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(double.Close)
	double.Share(3000)
	var seen []string
	for _, prefix := range []string{"north/", "south/"} {
		p := newProgram(t)
		p.store = double.URL() + "&prefix=" + prefix
		if out, err := p.command("simulate", "--seed", "9", "--runs", "40").CombinedOutput(); err != nil || strings.Contains(string(out), "other programs' events") {
			t.Errorf("%s: %v, %s", prefix, err, out)
		}
		p.run("replay")
		p.run("verify")
		seen = append(seen, figures(p))
	}
	lite := newProgram(t)
	lite.run("simulate", "--seed", "9", "--runs", "40")
	if want := figures(lite); seen[0] != want || seen[1] != want {
		t.Errorf("on a shared server\n%s\nand\n%s\nwant\n%s", seen[0], seen[1], want)
	}
	plain := newProgram(t)
	crowded, err := esdbtest.Start(esdbtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(crowded.Close)
	crowded.Share(3000)
	plain.store = crowded.URL()
	for _, told := range []bool{true, false} { // once, where the log begins
		out, err := plain.command("simulate", "--seed", "9", "--runs", "40").CombinedOutput()
		if err != nil || strings.Contains(string(out), "prefix=NAME/") != told {
			t.Errorf("a log that begins among others' events, told %t: %v, %s", told, err, out)
		}
	}
}

// figures is what the program says of a history, but for positions.
func figures(p program) string {
	var all strings.Builder
	for _, verb := range [][]string{{"metrics", "--json"}, {"patterns"}, {"tasks"}, {"agents"}, {"runs", "--limit", "0"}} {
		all.Write(p.run(verb...))
	}
	return all.String()
}
