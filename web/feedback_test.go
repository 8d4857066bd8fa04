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
