package routing_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/routing"
)

// staff are agents as people write them.
func staff() *routing.Index {
	x := &routing.Index{}
	x.Put("clerk", "answers questions about orders and refunds", "You are the desk of a shop. Look the order up before you answer. Be polite to customers.")
	x.Put("poet", "writes verse", "You write haiku and sonnets. Count the syllables.")
	x.Put("sql", "", "You write SQL queries over the warehouse. Explain the plan of a slow query.")
	x.Put("idle", "", "")
	return x
}

func TestWhoFits(t *testing.T) {
	t.Parallel()
	for task, want := range map[string][]string{
		"Has the refund of order 12 been paid?":        {"clerk"},
		"Write a haiku about the sea, count syllables": {"poet"},
		"why is this query slow":                       {"sql"},
		"Who is the poet that wrote this?":             {"poet"},
		"an order in verse":                            {"clerk", "poet"},
		"What is the weather like?":                    nil,
		"please help me with a question":               nil,
		"polite":                                       nil, // one word of a prompt is too little
		"":                                             nil,
		"\x00\xff":                                     nil,
		"I would like a polite answer for this customer":  {"clerk"},
		"REFUNDS! REFUNDS! of verses, orders and refunds": {"clerk", "poet"},
	} {
		var got []string
		for _, m := range staff().Fitting(task) {
			got = append(got, m.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q fits %q, want %q", task, got, want)
		}
	}
}

// What nearly all of them say tells nobody apart.
func TestAWordOfMostCountsForNothing(t *testing.T) {
	t.Parallel()
	x := &routing.Index{}
	for i := range 6 {
		x.Put(fmt.Sprint("desk", i), "serves customers", fmt.Sprintf("subject%d", i))
	}
	if got := x.Fitting("serve the customers"); got != nil {
		t.Errorf("fits %v", got)
	}
}

// Putting, replacing and dropping leaves what putting the rest alone gives, whatever the order.
func TestTheIndexIsWhatItHolds(t *testing.T) {
	t.Parallel()
	words := rapid.SampledFrom([]string{"order", "refund", "haiku", "verse", "query", "plan", "sea"})
	text := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.SliceOfN(words, 0, 6).Draw(t, "words")) })
	rapid.Check(t, func(t *rapid.T) {
		x, holds := &routing.Index{}, map[string][2]string{}
		for range rapid.IntRange(0, 12).Draw(t, "changes") {
			name := fmt.Sprint("agent", rapid.IntRange(0, 4).Draw(t, "name"))
			if rapid.Bool().Draw(t, "drop") {
				x.Drop(name)
				delete(holds, name)
				continue
			}
			now := [2]string{text.Draw(t, "role"), text.Draw(t, "prompt")}
			x.Put(name, now[0], now[1])
			holds[name] = now
		}
		anew := &routing.Index{}
		for name, now := range holds {
			anew.Put(name, now[0], now[1])
		}
		task := text.Draw(t, "task")
		if got, want := fmt.Sprint(x.Fitting(task)), fmt.Sprint(anew.Fitting(task)); got != want {
			t.Errorf("%q fits %s, want %s", task, got, want)
		}
	})
}

func TestARecordSpeaksAgainstOneOnlyWhereItIsKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		record routing.Record
		holds  bool
	}{
		{routing.Record{}, true}, {routing.Record{Rated: 3}, true}, {routing.Record{Rated: 4, Succeeded: 4}, true},
		{routing.Record{Rated: 4, Succeeded: 3}, false}, {routing.Record{Rated: 20, Succeeded: 15}, true}, {routing.Record{Rated: 20, Succeeded: 14}, false},
	} {
		if got := c.record.Holds(); got != c.holds {
			t.Errorf("%+v holds: %v, at %.3f", c.record, got, c.record.Low())
		}
	}
}

func TestLikeTasks(t *testing.T) {
	t.Parallel()
	fits := []string{"order", "refund", "sea"}
	for text, want := range map[string]bool{
		"refunds of orders": true, "the sea": false, "orders at sea": true, "": false,
	} {
		if got := routing.Like(fits, text); got != want {
			t.Errorf("%q is like it: %v", text, got)
		}
	}
	if routing.Like(nil, "anything") {
		t.Error("everything is like nothing")
	}
}

// A specialist that is made from somebody's workflow is told their words: it says whose, and who is forgotten teaches nobody.
func TestATemplateOfAWorkflowSaysWhose(t *testing.T) {
	t.Parallel()
	of := func(book events.RunbookSaved) (found *routing.Template) {
		for _, t := range routing.Templates([]events.RunbookSaved{book}) {
			if t.From == "runbook:refund" {
				found = &t
			}
		}
		return found
	}
	book := events.RunbookSaved{Runbook: "refund", Requester: "slack:T1:U1", Steps: []events.RunbookStep{{Name: "find", Instruction: "Find the order."}}}
	if got := of(book); got == nil || !slices.Equal(got.Of, []string{"slack:T1:U1"}) {
		t.Errorf("got %+v", got)
	}
	book.Steps[0].Instruction = events.Erased
	if got := of(book); got != nil {
		t.Errorf("of who is forgotten: %+v", got)
	}
}
