package veil_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/redact"
	"github.com/virtuous6/virtuous6/veil"
)

// nobodys are the kinds outside of runs and goals whose texts are no person's words: what agents, tools and workflows are told, and
// what the program itself says of why.
var nobodys = strings.Fields(`
	agent.configured
	agent.retired
	agent.spawned
	analyst.bound
	analyst.freed
	dataset.run_added
	eval.finished
	experiment.allocated
	experiment.expired
	experiment.planned
	experiment.rolled_back
	improvement.applied
	improvement.evidence_changed
	improvement.proposed
	improvement.rolled_back
	judge.measured
	review.asked
	review.closed
	role.answered
	role.asked
	skill.saved
	slack.posted
	task.opened
	task.updated
	timer.fired
	token.revoked
	tool.changed
	tool.pinned
	trigger.removed
	trigger.set
`)

// hasText tells whether a value of a type can hold what somebody said.
func hasText(typ reflect.Type) bool {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || !strings.HasPrefix(typ.PkgPath(), "github.com/virtuous6") {
		return false
	}
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "-" && redact.IsText(name) || hasText(field.Type) {
			return true
		}
	}
	return false
}

// namesWho tells whether a fact says who did it.
func namesWho(typ reflect.Type) bool {
	for i := range typ.NumField() {
		if name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ","); name == "by" || name == "user" {
			return true
		}
	}
	return false
}

// A new fact with a text is nobody's, of who asked for a run or a goal, or of who did it: this test asks which.
func TestEveryTextIsSomebodysOrNobodys(t *testing.T) {
	t.Parallel()
	for _, kind := range events.Known.Kinds() {
		fact, err := events.Known.Decode(kind, 1, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		typ := reflect.TypeOf(fact)
		category, _, _ := strings.Cut(kind, ".")
		asked := (category == "run" || category == "goal") && !namesWho(typ)
		if hasText(typ) && !asked && veil.Words(kind) == slices.Contains(nobodys, kind) {
			t.Errorf("%s: say in words (store.go) that its texts are of who did it, or here that they are no person's", kind)
		}
	}
}

// What a person says is encrypted with their own key, also in what others have asked for, and is gone with it.
func TestWordsAreOfWhoSaidThem(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../events/testdata/golden/*.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		parts := strings.Split(filepath.Base(file), ".")
		kind := parts[0] + "." + parts[1]
		if !veil.Words(kind) {
			continue
		}
		seen++
		data, err := os.ReadFile(file) //nolint:gosec // test data
		if err != nil {
			t.Fatal(err)
		}
		var fact map[string]any
		if err := json.Unmarshal(data, &fact); err != nil {
			t.Fatal(err)
		}
		texts := 0
		for name, value := range fact {
			switch _, is := value.(string); {
			case name == "by" || name == "requester":
				fact[name] = "user:" + bert
			case name == "user":
				fact[name] = bert
			case is && redact.IsText(name) && kind+name != "run.approval_answeredanswer":
				fact[name] = "the salamander of bert"
				texts++
			}
		}
		if data, err = json.Marshal(fact); err != nil {
			t.Fatal(err)
		}
		l := newLogbook(t, &veil.Memory{})
		stream := parts[0] + "-1"
		if first := map[string]events.Event{"run": events.RunStarted{Requester: anna, Prompt: "anna's"}, "goal": events.GoalCreated{Requester: anna, Prompt: "anna's"}}[parts[0]]; first != nil {
			l.append(t, stream, envelope(t, "user:"+anna, first))
		}
		l.append(t, stream, events.Envelope{ID: uuid.NewSHA1(uuid.Nil, data), Kind: kind, Version: 1, Actor: "user:" + bert, OccurredAt: time.Unix(1, 0).UTC(), Data: data})
		if _, stored := read(t, l.Stored()); texts > 0 && (strings.Contains(stored, "salamander") || strings.Contains(stored, "UBERT")) {
			t.Errorf("%s: the log has %s", kind, stored)
		}
		if _, whole := read(t, l); strings.Count(whole, "salamander") != texts {
			t.Errorf("%s: what was said %d times is read as %s", kind, texts, whole)
		}
		person, err := l.keys.Named(t.Context(), bert)
		if err == nil {
			err = l.keys.Erase(t.Context(), person.ID, l.now)
		}
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		l.now = l.now.Add(time.Minute)
		facts, after := read(t, l)
		if strings.Contains(after, "salamander") || strings.Contains(after, "UBERT") || len(facts) == 2 && !strings.Contains(after, "anna's") || texts > 0 && !strings.Contains(after, events.Erased) {
			t.Errorf("%s: what bert said is read as %s", kind, after)
		}
		if kind == "run.approval_answered" && !bytes.Contains(facts[1].Data, []byte(`"answer":"granted"`)) {
			t.Errorf("what was decided is gone: %s", facts[1].Data)
		}
	}
	if seen < 15 {
		t.Errorf("%d kinds were looked at", seen)
	}
}
