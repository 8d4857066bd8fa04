package web_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/web"
)

func TestGiveFeedback(t *testing.T) {
	t.Parallel()
	l := &log{}
	w := request(web.New(config(reader{runs: threeRuns()}, l)), "POST", "/api/runs/r1/feedback",
		`{"user":"anna","step":1,"name":"helpfulness","score":0.5,"label":"meh","text":"hm","better":"this"}`)
	id, step, score := events.NameID(noon, "1"), 1, 0.5
	want := commands.GiveFeedback{
		Meta:     commands.Meta{ID: events.DeriveID(id, 0), At: noon, Actor: "door:web", Workspace: "w", Correlation: "r1"},
		Feedback: id.String(), Run: "r1", Step: &step, User: "anna", Name: "helpfulness", Score: &score, Label: "meh", Text: "hm", Better: "this",
	}
	if w.Code != http.StatusAccepted || len(l.commands) != 1 || !reflect.DeepEqual(l.commands[0], want) {
		t.Errorf("%d %s: %+v", w.Code, w.Body, l.commands)
	}
}

// A verdict is a fact of its own, beside what else is said or alone, and the same again for the same key.
func TestGiveVerdict(t *testing.T) {
	t.Parallel()
	l := &log{}
	door := web.New(config(reader{runs: threeRuns()}, l))
	w := request(door, "POST", "/api/runs/r1/feedback", `{"user":"anna","outcome":"failed","wish":"shorter"}`)
	feedback := events.NameID(noon, "1")
	meta := commands.Meta{ID: events.DeriveID(feedback, 1<<20), At: noon, Actor: "door:web", Workspace: "w", Correlation: "r1"}
	want := commands.GiveVerdict{Meta: meta, Run: "r1", Verdict: events.Failed, From: events.ByPerson, By: "anna"}
	if w.Code != http.StatusAccepted || len(l.commands) != 2 || !reflect.DeepEqual(l.commands[1], want) {
		t.Fatalf("%d %s: %+v", w.Code, w.Body, l.commands)
	}
	if f, ok := l.commands[0].(commands.GiveFeedback); !ok || f.Wish != "shorter" {
		t.Errorf("got %+v", l.commands[0])
	}
	w = request(door, "POST", "/api/runs/r2/feedback", `{"outcome":"none"}`)
	if v, ok := l.commands[len(l.commands)-1].(commands.GiveVerdict); w.Code != http.StatusAccepted || !ok || v.Verdict != events.Unrated || v.By != "door:web" || len(l.commands) != 3 {
		t.Errorf("%d %s: %+v", w.Code, w.Body, l.commands)
	}
	for _, body := range []string{`{}`, `{"outcome":"great"}`} {
		if w := request(door, "POST", "/api/runs/r3/feedback", body); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}
