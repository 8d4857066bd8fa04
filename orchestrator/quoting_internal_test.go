package orchestrator

import (
	"errors"
	"testing"
)

func TestWhatOutlivesARequestQuotesNobody(t *testing.T) {
	t.Parallel()
	const request = "My neighbour Greta owes me 1200 for the boat. Please write her at greta@example.com that she should pay by Friday, and keep it friendly."
	const template = "You write letters. Please write her name, and keep it friendly and short."
	for name, c := range map[string]struct {
		draft string
		want  error
	}{
		"of its own":                {"You write reminders for debts between people. Ask for the sum and the date first, and stay friendly.", nil},
		"what the template says":    {"You write letters. Please write her name, and keep it friendly and short.", nil},
		"several words in a row":    {"When somebody says that she should pay by tomorrow, be kind.", errQuotes},
		"in other letters":          {"THAT SHE SHOULD PAY BY tomorrow is a good phrase for it.", errQuotes},
		"with other punctuation":    {"Say \"that she: should, pay (by\" tomorrow.", errQuotes},
		"a person":                  {"You write reminders to Greta and others, in a friendly tone.", errNames},
		"a person in small letters": {"You write reminders to greta and others, in a friendly tone.", errNames},
		"a figure":                  {"You write reminders about 1200 or so, in a friendly tone.", errNames},
		"an address":                {"You write to (greta@example.com) in a friendly tone.", errNames},
		"a word that opens":         {"My tone is friendly, and I write reminders for debts.", nil},
	} {
		if err := quotes(c.draft, request, template); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if err := quotes("", "", ""); err != nil {
		t.Error(err)
	}
}
