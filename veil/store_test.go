package veil_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/storetest"
	"github.com/virtuous6/virtuous6/veil"
)

func TestAVeiledLogIsALog(t *testing.T) {
	storetest.Run(t, func(t *testing.T) eventstore.Store {
		s := veil.New(eventstore.NewMemory(time.Now), veil.Config{Keys: &veil.Memory{}, Who: veil.Everyone})
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}

const anna, bert = "slack:T1:UANNA", "slack:T1:UBERT"

// logbook is a veiled log, and a clock that goes on by itself.
type logbook struct {
	*veil.Store
	keys veil.Keys
	now  time.Time
	told []string
}

func newLogbook(t *testing.T, keys veil.Keys) *logbook {
	t.Helper()
	l := &logbook{keys: keys, now: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)}
	l.Store = veil.New(eventstore.NewMemory(time.Now), l.config())
	return l
}

func (l *logbook) config() veil.Config {
	return veil.Config{Keys: l.keys, Now: func() time.Time { return l.now }, Unknown: func(id string) { l.told = append(l.told, id) }}
}

// envelope is a fact as it is appended. Its id comes from what it is.
func envelope(t *testing.T, actor string, fact events.Event) events.Envelope {
	t.Helper()
	kind, version, data, err := events.Encode(fact)
	if err != nil {
		t.Fatal(err)
	}
	return events.Envelope{
		ID: uuid.NewSHA1(uuid.Nil, append([]byte(actor+kind), data...)), Kind: kind, Version: version, Actor: actor, OccurredAt: time.Unix(1, 0).UTC(), Data: data,
	}
}

func (l *logbook) append(t *testing.T, stream string, batch ...events.Envelope) eventstore.Appended {
	t.Helper()
	at, err := l.Append(t.Context(), stream, eventstore.Any, batch)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func read(t *testing.T, s eventstore.Store) (facts []events.Envelope, all string) {
	t.Helper()
	for e, err := range s.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		facts = append(facts, e)
		all += e.Actor + string(e.Data) + "\n"
	}
	return facts, all
}

// story is a run of Anna's with all that is said in it, and what Bert says of it.
func story(t *testing.T, l *logbook) {
	t.Helper()
	asked := envelope(t, "user:"+anna, events.RunStarted{
		Run: "r1", Workflow: "slack", Requester: anna, Prompt: "where is \"my\" salary?\n<ü>", Conversation: "slack:T1:C1:1.1", Labels: map[string]string{"mood": "sad"},
	})
	l.append(t, "run-r1", asked)
	l.append(t, "run-r1",
		envelope(t, "manager:run", events.RunAssigned{Agent: "assistant", Arms: []events.Arm{{Experiment: "x", Arm: "a", Permille: 1, Unit: anna}}}),
		envelope(t, "manager:run", events.RunLLMCalled{
			Model: "m", Asked: []events.Message{{Role: "user", Content: "where is my salary?"}}, Answered: []events.Message{{Role: "assistant", Content: "at the salary office"}},
		}),
		envelope(t, "manager:run", events.RunToolCalled{Result: events.Message{Role: "tool", Content: "salary: 12"}}),
		envelope(t, "manager:run", events.RunFinished{Outcome: events.Succeeded, Answer: "at the salary office"}),
	)
	score := 0.0
	l.append(t, "feedback-f1", envelope(t, "user:"+bert, events.FeedbackGiven{Feedback: "f1", Run: "r1", User: bert, Score: &score, Text: "rude words"}))
	l.append(t, "review-r1", envelope(t, "user:"+bert, events.ReviewJudged{Run: "r1", User: bert, Judgement: events.JudgedWrong, Reason: "rude words of a reviewer"}))
	l.append(t, "improvement-i1", envelope(t, "user:"+anna, events.ImprovementApproved{By: "user:" + anna, Note: "go"}))
	l.append(t, "run-r2", envelope(t, "user:carl", events.RunStarted{Run: "r2", Workflow: "cli", Requester: "carl", Prompt: "hello"}))
}

var secrets = []string{"salary", "sad", "rude words", "UANNA", "UBERT"}

func TestWhatPeopleSaidIsNotInTheLog(t *testing.T) {
	t.Parallel()
	l, plain := newLogbook(t, &veil.Memory{}), newLogbook(t, &veil.Memory{})
	plain.Store = veil.New(eventstore.NewMemory(time.Now), veil.Config{Keys: plain.keys, Who: func(string) bool { return false }})
	story(t, l)
	story(t, plain)
	stored, bytesStored := read(t, l.Stored())
	for _, secret := range secrets {
		if strings.Contains(bytesStored, secret) {
			t.Errorf("%q stands in the log: %s", secret, bytesStored)
		}
	}
	if !strings.Contains(bytesStored, `"prompt":"hello"`) || !strings.Contains(bytesStored, `"requester":"carl"`) {
		t.Errorf("what is nobody's in Slack is veiled: %s", bytesStored)
	}
	_, got := read(t, l)
	if _, want := read(t, plain); got != want {
		t.Errorf("read:\n%s\nwant:\n%s", got, want)
	}
	// The same again is a repeat, and would be the same bytes: another log with these keys is the same.
	before := len(stored)
	story(t, l)
	if again, _ := read(t, l.Stored()); len(again) != before {
		t.Errorf("%d events became %d", before, len(again))
	}
	other := newLogbook(t, l.keys)
	story(t, other)
	if _, twin := read(t, other.Stored()); twin != bytesStored {
		t.Errorf("the same facts with the same keys are\n%s\nand\n%s", bytesStored, twin)
	}
}

func TestWhoIsErasedIsForgotten(t *testing.T) {
	t.Parallel()
	l := newLogbook(t, &veil.Memory{})
	story(t, l)
	_, before := read(t, l.Stored())
	person, err := l.keys.Named(t.Context(), anna)
	if err != nil {
		t.Fatal(err)
	}
	read(t, l) // what was read is remembered, and not for long
	if err := l.keys.Erase(t.Context(), person.ID, l.now); err != nil {
		t.Fatal(err)
	}
	l.now = l.now.Add(3 * time.Second)
	facts, got := read(t, l)
	for _, secret := range []string{"salary", "sad", "UANNA"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is read: %s", secret, got)
		}
	}
	for _, want := range []string{`"prompt":"[erased]"`, `"answer":"[erased]"`, `"asked":[]`, `"requester":"erased:` + person.ID[:12] + `"`, "user:erased:" + person.ID[:12], `"text":"rude words"`, "UBERT"} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %s: %s", want, got)
		}
	}
	for _, e := range facts {
		if _, err := events.Decode(e); err != nil {
			t.Error(err)
		}
	}
	if _, after := read(t, l.Stored()); after != before {
		t.Error("the log has changed")
	}
	// What still comes of a run under way is erased at once; who comes back is somebody else.
	l.append(t, "run-r1", envelope(t, "manager:run", events.RunCancelled{Reason: "about the salary"}))
	l.append(t, "run-r3", envelope(t, "user:"+anna, events.RunStarted{Run: "r3", Workflow: "slack", Requester: anna, Prompt: "me again"}))
	facts, got = read(t, l)
	if strings.Contains(got, "salary") || !strings.Contains(got, "me again") || !strings.Contains(string(facts[len(facts)-2].Data), events.Erased) {
		t.Errorf("got %s", got)
	}
	if again, err := l.keys.Named(t.Context(), anna); err != nil || again.ID == person.ID {
		t.Errorf("got %+v, %v", again, err)
	}
}

// What holds the words of two people is gone with either of them, and what one says within is gone with that one alone.
func TestWhatTwoHaveSaidIsGoneWithEither(t *testing.T) {
	t.Parallel()
	for _, who := range []string{anna, bert} {
		l := newLogbook(t, &veil.Memory{})
		fix := events.Fix{Error: "no salamander", Of: []string{bert}}
		l.append(t, "improvement-i", envelope(t, "analyst:errors", events.ImprovementProposed{
			Reason: "runs that say ouch", Of: []string{anna, bert}, Change: events.Change{Instruction: "after ouch", Config: &events.AgentConfig{Prompt: "Be kind.", Fixes: []events.Fix{fix}}},
		}))
		_, stored := read(t, l.Stored())
		for _, secret := range []string{"ouch", "salamander", "UANNA", "UBERT"} {
			if strings.Contains(stored, secret) {
				t.Errorf("%q stands in the log: %s", secret, stored)
			}
		}
		if _, got := read(t, l); strings.Count(got, "ouch") != 2 || !strings.Contains(got, "no salamander") || !strings.Contains(got, "Be kind.") {
			t.Errorf("read: %s", got)
		}
		person, err := l.keys.Named(t.Context(), who)
		if err == nil {
			err = l.keys.Erase(t.Context(), person.ID, l.now)
		}
		if err != nil {
			t.Fatal(err)
		}
		l.now = l.now.Add(time.Minute)
		_, got := read(t, l)
		if strings.Contains(got, "ouch") || strings.Contains(got, "salamander") != (who == anna) || !strings.Contains(got, "Be kind.") || strings.Contains(got, who) {
			t.Errorf("without %s: %s", who, got)
		}
	}
}

// Whose words a fact holds it says by their names, which are replaced as any: also those that do not look like a person's, where everyone is covered.
func TestWhoseWordsItIsIsNamedByNoName(t *testing.T) {
	t.Parallel()
	l := newLogbook(t, &veil.Memory{})
	l.Store = veil.New(eventstore.NewMemory(time.Now), veil.Config{Keys: l.keys, Who: veil.Everyone, Now: l.config().Now})
	l.append(t, "improvement-i", envelope(t, "analyst:errors", events.ImprovementProposed{
		Reason: "runs that say ouch", Of: []string{"walter"}, Change: events.Change{Config: &events.AgentConfig{Fixes: []events.Fix{{Error: "no salamander", Of: []string{"gwen", "walter"}}}}},
	}))
	_, stored := read(t, l.Stored())
	for _, name := range []string{"walter", "gwen", "ouch", "salamander"} {
		if strings.Contains(stored, name) {
			t.Errorf("%q stands in the log: %s", name, stored)
		}
	}
	if _, got := read(t, l); strings.Count(got, "walter") != 2 || strings.Count(got, "gwen") != 1 {
		t.Errorf("read: %s", got)
	}
	person, err := l.keys.Named(t.Context(), "gwen")
	if err == nil {
		err = l.keys.Erase(t.Context(), person.ID, l.now)
	}
	l.now = l.now.Add(time.Minute)
	if _, got := read(t, l); err != nil || strings.Contains(got, "salamander") || strings.Contains(got, "gwen") || !strings.Contains(got, "ouch") {
		t.Errorf("without gwen: %s, %v", got, err)
	}
}

// What a goal's plan calls a task is in the words of who asked for the goal. What a run is called otherwise is a name.
func TestATitleOfAPlanIsWords(t *testing.T) {
	t.Parallel()
	l := newLogbook(t, &veil.Memory{})
	l.append(t, "run-r1", envelope(t, "manager:goal", events.RunStarted{Run: "r1", Goal: "g1", Task: "breed the iguana", Requester: anna}))
	l.append(t, "run-r2", envelope(t, "user:"+anna, events.RunStarted{Run: "r2", Task: "refund", Requester: anna}))
	if _, stored := read(t, l.Stored()); strings.Contains(stored, "iguana") || !strings.Contains(stored, "refund") {
		t.Errorf("stored: %s", stored)
	}
	if _, got := read(t, l); !strings.Contains(got, `"task":"breed the iguana"`) {
		t.Errorf("read: %s", got)
	}
	person, err := l.keys.Named(t.Context(), anna)
	if err == nil {
		err = l.keys.Erase(t.Context(), person.ID, l.now)
	}
	l.now = l.now.Add(time.Minute)
	if _, got := read(t, l); err != nil || !strings.Contains(got, `"task":"[erased]"`) || !strings.Contains(got, "refund") {
		t.Errorf("without anna: %s, %v", got, err)
	}
}

// What somebody holds another one's answer to is of both.
func TestACheckOfAnAnswerIsOfBoth(t *testing.T) {
	t.Parallel()
	for _, who := range []string{anna, bert} {
		l := newLogbook(t, &veil.Memory{})
		l.append(t, "dataset-d", envelope(t, "user:"+bert, events.DatasetRunAdded{Dataset: "d", Run: "r1", By: "user:" + bert, Of: []string{anna}, Checks: []events.Check{{Kind: events.ContainsCheck, Text: "ouch"}}}))
		person, err := l.keys.Named(t.Context(), who)
		if err == nil {
			err = l.keys.Erase(t.Context(), person.ID, l.now)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, got := read(t, l); strings.Contains(got, "ouch") {
			t.Errorf("without %s: %s", who, got)
		}
	}
}

// Who makes a change has not said why it was proposed: that is of whom it names.
func TestWhyAnImprovementWasMadeIsNotItsApproversWords(t *testing.T) {
	t.Parallel()
	l := newLogbook(t, &veil.Memory{})
	l.append(t, "agent-a", envelope(t, "user:"+bert, events.AgentConfigured{Author: "user:" + bert, Reason: "of anna", Of: []string{anna}, Improvement: "i1"}))
	l.append(t, "agent-a", envelope(t, "user:"+bert, events.AgentConfigured{Author: "user:" + bert, Reason: "of nobody", Improvement: "i2"}))
	person, err := l.keys.Named(t.Context(), bert)
	if err == nil {
		err = l.keys.Erase(t.Context(), person.ID, l.now)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, got := read(t, l); !strings.Contains(got, "of anna") || !strings.Contains(got, "of nobody") || strings.Contains(got, "UBERT") {
		t.Errorf("without bert: %s", got)
	}
	if _, stored := read(t, l.Stored()); strings.Contains(stored, "of anna") {
		t.Errorf("stored: %s", stored)
	}
}

// Who is gone gets no key again, also where everyone has one and a fact is copied that named them.
func TestWhoIsErasedGetsNoKeyAgain(t *testing.T) {
	t.Parallel()
	l := newLogbook(t, &veil.Memory{})
	l.Store = veil.New(eventstore.NewMemory(time.Now), veil.Config{Keys: l.keys, Who: veil.Everyone})
	l.append(t, "agent-a", envelope(t, "manager:run", events.AgentConfigured{Config: events.AgentConfig{Prompt: "Be kind.", Of: []string{"erased:0123456789ab"}}}))
	if all, err := l.keys.All(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("there are %+v, %v", all, err)
	}
}

// A copy without the keys shows nothing, and nothing can be added to what is a person's.
func TestWithoutTheKeysNothingIsShown(t *testing.T) {
	t.Parallel()
	l := newLogbook(t, &veil.Memory{})
	story(t, l)
	copied := &logbook{keys: &veil.Memory{}, now: l.now}
	copied.Store = veil.New(l.Stored(), copied.config())
	_, got := read(t, copied)
	for _, secret := range secrets {
		if strings.Contains(got, secret) {
			t.Errorf("%q is read: %s", secret, got)
		}
	}
	if !strings.Contains(got, veil.Locked) || strings.Contains(got, events.Erased) || len(copied.told) != 2 {
		t.Errorf("told of %v: %s", copied.told, got)
	}
	late := []events.Envelope{envelope(t, "manager:run", events.RunCancelled{Reason: "late"})}
	if _, err := copied.Append(t.Context(), "run-r1", eventstore.Any, late); !errors.Is(err, veil.ErrNoKey) || !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// What looks like a veil and is none is a text as any other, and nobody can pass for another.
func TestAVeilCanNotBeForged(t *testing.T) {
	t.Parallel()
	l := newLogbook(t, &veil.Memory{})
	story(t, l)
	stored, _ := read(t, l.Stored())
	_, rest, _ := strings.Cut(string(stored[0].Data), `"prompt":"`)
	sealed, _, _ := strings.Cut(rest, `"`)
	stolen := []string{sealed, "veiled:", "veiled:s:x:y", sealed[:len(sealed)-4], strings.Replace(sealed, ":", `\:`, 1)}
	for i, text := range stolen {
		e := envelope(t, "user:carl", events.RunStarted{Run: "r9", Workflow: "cli", Requester: "carl", Prompt: text})
		l.append(t, "run-stolen"+string(rune('0'+i)), e)
		facts, _ := read(t, l)
		if fact, err := events.Decode(facts[len(facts)-1]); err != nil || fact.(events.RunStarted).Prompt != text {
			t.Errorf("%q reads as %+v, %v", text, fact, err)
		}
	}
	person, err := l.keys.Named(t.Context(), anna)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []events.Envelope{
		envelope(t, "user:carl", events.RunStarted{Run: "r9", Workflow: "cli", Requester: "person:" + person.ID}),
		envelope(t, "user:person:"+person.ID, events.RunStarted{Run: "r9", Workflow: "cli"}),
	} {
		if _, err := l.Append(t.Context(), "run-r9", eventstore.Any, []events.Envelope{e}); !errors.Is(err, eventstore.ErrInvalid) {
			t.Errorf("%s %s: %v", e.Actor, e.Data, err)
		}
	}
}

// Every fact comes back byte for byte, and can be read when its person is gone.
func TestEveryKindComesBack(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../events/testdata/golden/*.json")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	keys := &veil.Memory{}
	l := newLogbook(t, keys)
	var want []string
	for i, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(filepath.Base(file), ".")
		stream := parts[0] + "-" + string(rune('a'+i))
		if parts[0] == "run" || parts[0] == "goal" {
			stream = parts[0] + "-1"
		}
		data = bytes.TrimSpace(data)
		e := events.Envelope{ID: uuid.NewSHA1(uuid.Nil, data), Kind: parts[0] + "." + parts[1], Version: int(parts[2][1] - '0'), OccurredAt: time.Unix(1, 0).UTC(), Data: data}
		if want = append(want, string(data)); i == 0 || !strings.HasSuffix(stream, "-1") {
			l.append(t, stream, e)
			continue
		}
		first := envelope(t, "", map[string]events.Event{"run": events.RunStarted{Requester: anna}, "goal": events.GoalCreated{Requester: anna}}[parts[0]])
		l.append(t, stream, first) // a repeat but for the first time
		l.append(t, stream, e)
	}
	got := map[string]bool{}
	facts, _ := read(t, l)
	for _, e := range facts {
		got[string(e.Data)] = true
	}
	for _, data := range want {
		if !got[data] {
			t.Errorf("this did not come back: %s", data)
		}
	}
	all, err := keys.All(t.Context())
	if err != nil || len(all) == 0 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, p := range all {
		if err := keys.Erase(t.Context(), p.ID, l.now); err != nil {
			t.Fatal(err)
		}
	}
	l.now = l.now.Add(time.Minute)
	facts, _ = read(t, l)
	for _, e := range facts {
		if _, err := events.Decode(e); err != nil {
			t.Error(err)
		}
	}
}
