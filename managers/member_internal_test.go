package managers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
)

// What is forgotten about a manager stops the start, with a sentence that says what.
func TestAForgottenPartStopsTheStart(t *testing.T) {
	t.Parallel()
	whole := func() Manager[int] {
		return Manager[int]{
			Name: "m", Version: 1, Opens: []string{"run.started"}, Follows: []string{"run.finished"},
			Key:    func(*events.Envelope) string { return "" },
			Evolve: func(s int, _ *events.Envelope, _ events.Event) int { return s },
			Wants:  func(int) []Want { return nil },
			Over:   func(int) bool { return false },
		}
	}
	says := func(start func()) (said string) {
		defer func() {
			if r := recover(); r != nil {
				said = fmt.Sprint(r)
			}
		}()
		start()
		return ""
	}
	if said := says(func() { member(whole()) }); said != "" {
		t.Fatalf("nothing is forgotten: %s", said)
	}
	for want, forget := range map[string][]func(*Manager[int]){
		`"" lacks a name`: {func(m *Manager[int]) { m.Name = "" }},
		`"m" lacks`: {
			func(m *Manager[int]) { m.Version = 0 }, func(m *Manager[int]) { m.Opens = nil }, func(m *Manager[int]) { m.Key = nil },
			func(m *Manager[int]) { m.Evolve = nil }, func(m *Manager[int]) { m.Wants = nil }, func(m *Manager[int]) { m.Over = nil },
		},
		`the kind "run.imagined", which events/all.go does not list`: {
			func(m *Manager[int]) { m.Opens = []string{"run.imagined"} }, func(m *Manager[int]) { m.Follows = []string{"run.imagined"} },
		},
	} {
		for i, f := range forget {
			m := whole()
			f(&m)
			if said := says(func() { member(m) }); !strings.Contains(said, want) {
				t.Errorf("%s, %d: it says %q", want, i, said)
			}
		}
	}
	if said := says(func() { distinct(member(whole()), member(whole())) }); !strings.Contains(said, "declared twice: m") {
		t.Errorf("of two of one name it says %q", said)
	}
}
