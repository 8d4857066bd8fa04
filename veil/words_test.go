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
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/redact"
	"github.com/virtuous6/virtuous6/veil"
)

// nobodys are the texts that are no person's words, with why. What agents are made of (config, before, others) is among the texts that are encrypted
// here, since all that can names whose words it is: where it names nobody it is the workspace's. Each is named by its kind and the members down to it, or by the last of these.
var nobodys = map[string]string{
	"definition description":           "what a tool's server says of it",
	"definition schema description":    "what a tool's server says of it",
	"experiment.allocated reason":      "the program says which guardrail was broken",
	"experiment.expired reason":        "the program says that nothing was found",
	"experiment.planned screen reason": "the program says why history tells nothing",
	"experiment.rolled_back reason":    "the program says which guardrail was broken",
	"judge.measured criterion":         "what a judge is told, as an agent is",
	"review.asked reason":              "the program says what the run would tell",
	"review.closed reason":             "the program says that not all have judged",
	"run.approval_answered answer":     "granted or refused",
	"skill.saved description":          "what agents are told is the workspace's",
	"skill.saved files text":           "what agents are told is the workspace's",
	"slack.posted reason":              "Slack says why it would not have it",
	"timer.fired error":                "the program says why nothing was started",
	"trigger.set prompt":               "what agents are told is the workspace's",
}

// fill puts what somebody said wherever a value can hold a text, and a name wherever it can hold another one.
func fill(v reflect.Value, member, said string) {
	switch t := v.Type(); {
	case t == reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(`{"description":"` + said + `"}`))
	case t == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(1, 0).UTC()))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		fill(v.Elem(), member, said)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(t, 1, 1))
		fill(v.Index(0), member, said)
	case v.Kind() == reflect.Map && t.Elem().Kind() == reflect.String:
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(reflect.ValueOf("name").Convert(t.Key()), reflect.ValueOf(said).Convert(t.Elem()))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if name != "-" {
				fill(v.Field(i), name, said)
			}
		}
	case v.Kind() == reflect.String && slices.Contains([]string{"requester", "user", "of"}, member):
		v.SetString(bert)
	case v.Kind() == reflect.String && slices.Contains([]string{"by", "author"}, member):
		v.SetString("user:" + bert)
	case v.Kind() == reflect.String && redact.IsText(member):
		v.SetString(said)
	case v.Kind() == reflect.String:
		v.SetString("name")
	}
}

// left are the places of a JSON value where what somebody said can be read, by the names of the members.
func left(value any, at, said string) (places []string) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			places = append(places, left(inner, at+" "+name, said)...)
		}
	case []any:
		for _, inner := range v {
			places = append(places, left(inner, at, said)...)
		}
	case string:
		if strings.Contains(v, said) {
			places = append(places, at)
		}
	}
	return places
}

// Whatever a fact can hold of what a person said is encrypted with that person's key, and gone with it: this test goes through all members of all
// kinds, those to come too. What is no person's stands in nobodys, with why.
func TestNoPlaceIsLeft(t *testing.T) {
	t.Parallel()
	const said = "the salamander of bert"
	met := map[string]bool{}
	for _, kind := range events.Known.Kinds() {
		decoded, err := events.Known.Decode(kind, 1, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		fact := reflect.New(reflect.TypeOf(decoded)).Elem()
		fill(fact, "", said)
		l := newLogbook(t, &veil.Memory{})
		stream := strings.Split(kind, ".")[0] + "-1"
		if begin := map[string]events.Event{"run": events.RunStarted{Requester: bert}, "goal": events.GoalCreated{Requester: bert}}[strings.Split(kind, ".")[0]]; begin != nil {
			l.append(t, stream, envelope(t, "user:"+bert, begin))
		}
		for _, actor := range []string{"user:" + bert, "manager:run"} {
			l.append(t, stream, envelope(t, actor, fact.Interface().(events.Event)))
		}
		check := func(s eventstore.Store, what string) {
			t.Helper()
			facts, all := read(t, s)
			if strings.Contains(all, "UBERT") {
				t.Errorf("%s: %s, it names bert: %s", kind, what, all)
			}
			for _, e := range facts {
				var value any
				if err := json.Unmarshal(e.Data, &value); err != nil {
					t.Fatal(err)
				}
				for _, place := range left(value, kind, said) {
					known := ""
					for name := range nobodys {
						if place == name || strings.HasSuffix(place, " "+name) {
							known, met[name] = name, true
						}
					}
					if known == "" && !(e.Actor == "manager:run" && veil.Words(kind)) { // which are the program's then
						t.Errorf("%s, the text in `%s` of a fact by %s can be read: have it encrypted (veil/store.go), or say in nobodys why it is no person's", what, place, e.Actor)
					}
				}
			}
		}
		check(l.Stored(), "as it is stored")
		person, err := l.keys.Named(t.Context(), bert)
		if err == nil {
			err = l.keys.Erase(t.Context(), person.ID, l.now)
		}
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		l.now = l.now.Add(time.Minute)
		check(l, "once bert is forgotten")
	}
	for place := range nobodys {
		if !met[place] {
			t.Errorf("nobodys: there is no such text as `%s`", place)
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
		delete(fact, "improvement") // what is made of one is in its words
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
