package aggregates

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// roleState is a question that a model is asked in a role, nil for nothing yet. A silence is asked nothing.
type roleState struct {
	asked              *events.RoleAsked
	answered, silenced bool
}

func role() Decider[roleState, commands.Role, events.Role] {
	return Decider[roleState, commands.Role, events.Role]{
		Initial: func() roleState { return roleState{} },
		Decide:  decideRole,
		Evolve: func(s roleState, e events.Role) roleState {
			switch e := e.(type) {
			case events.RoleAsked:
				s.asked = &e
			case events.RoleAnswered:
				s.answered = true
			case events.RoleSilenced:
				s.silenced = true
			}
			return s
		},
	}
}

// The bounds of what an answer is held to, in bytes, and of a text, in characters.
const (
	maxGround  = 8 << 10
	maxWording = 600
)

func decideRole(c commands.Role, s roleState) ([]events.Role, error) {
	switch c := c.(type) {
	case commands.AskRole:
		for what, name := range map[string]string{"run": c.Fact.Run, "role": c.Fact.Role} {
			if err := checkName(what, name); err != nil {
				return nil, err
			}
		}
		switch {
		case s.asked != nil:
			return nil, fmt.Errorf("%s: %w", c.Stream(), ErrExists)
		case s.silenced:
			return nil, fmt.Errorf("%w: %s is a silence, and asks nothing", ErrInvalid, c.Stream())
		case len(c.Fact.Ground) > maxGround:
			return nil, fmt.Errorf("%w: an answer is held to %d bytes at most", ErrInvalid, maxGround)
		}
		if err := checkEvidence(c.Fact.Evidence); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Stream(), err)
		}
		return []events.Role{c.Fact}, nil
	case commands.AnswerRole:
		switch {
		case s.asked == nil:
			return nil, fmt.Errorf("%s: %w", c.Stream(), ErrMissing)
		case s.answered:
			return nil, fmt.Errorf("%s: %w", c.Stream(), ErrEnded)
		case c.Fact.Role != s.asked.Role:
			return nil, fmt.Errorf("%w: %s was asked as %q, and answers as %q", ErrInvalid, c.Stream(), s.asked.Role, c.Fact.Role)
		}
		if err := checkAnswer(c.Fact, s.asked.Ground); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Stream(), err)
		}
		return []events.Role{c.Fact}, nil
	case commands.SilenceRole:
		if err := checkName("role", c.Fact.Role); err != nil {
			return nil, err
		}
		switch {
		case s.asked != nil:
			return nil, fmt.Errorf("%w: %s is a question, and silences nobody", ErrInvalid, c.Stream())
		case s.silenced:
			return nil, nil
		}
		return []events.Role{c.Fact}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

// checkAnswer holds what is taken of an answer to what its role may say: an analyst words, who knows runbooks drafts them, and the others
// propose.
func checkAnswer(f events.RoleAnswered, ground string) error {
	switch {
	case f.Candidates < 0 || (f.Candidates > 0) != (f.Improvement != ""):
		return fmt.Errorf("%w: a proposal has candidates, and candidates have a proposal", ErrInvalid)
	case f.Text != "" && f.Role != events.RoleAnalysis || f.Runbook != nil && f.Role != events.RoleRunbook ||
		f.Improvement != "" && (f.Role == events.RoleAnalysis || f.Role == events.RoleRunbook):
		return fmt.Errorf("%w: that is nothing that the role %s may say", ErrInvalid, f.Role)
	case f.Text == "" && f.Runbook == nil && f.Improvement == "" && len(f.Refused) == 0:
		return fmt.Errorf("%w: nothing came of it, and nothing says why", ErrInvalid)
	case f.Text != "":
		return checkWording(f.Text, ground)
	case f.Runbook != nil:
		b := f.Runbook
		_, err := decideRunbook(commands.SaveRunbook{Runbook: b.Runbook, Workflow: b.Workflow, Run: b.Run, Steps: b.Steps, Notes: b.Notes}, Runbook{})
		return err
	}
	return nil
}

var (
	// figure finds numbers in digits, and link what leads out of a text.
	figure = regexp.MustCompile(`\p{Nd}+(?:[.,]\p{Nd}+)*`)
	link   = regexp.MustCompile(`(?i)\w+://|www\.|]\(`)
)

// countWords are numbers in words. One, first and second are said of much that is not counted.
var countWords = map[string]float64{
	"zero": 0, "half": .5, "quarter": .25, "two": 2, "twice": 2, "double": 2, "doubled": 2, "doubles": 2, "three": 3, "thrice": 3, "triple": 3, "tripled": 3, "four": 4, "five": 5,
	"six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "dozen": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
	"seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
	"hundred": 100, "hundreds": 100, "thousand": 1e3, "thousands": 1e3, "million": 1e6, "millions": 1e6, "billion": 1e9, "billions": 1e9,
}

// checkWording refuses words that say more than what they word: a number that is not there, a link, or more than fits beside it.
func checkWording(text, ground string) error {
	if n := utf8.RuneCountInString(text); n > maxWording {
		return fmt.Errorf("%w: it has %d characters, and %d are taken", ErrInvalid, n, maxWording)
	}
	if _, unseen := events.Unseen(text); unseen || strings.Contains(text, "\t") {
		return fmt.Errorf("%w: there is a character in it that nobody sees", ErrInvalid)
	}
	if link.MatchString(text) {
		return fmt.Errorf("%w: there is a link in it", ErrInvalid)
	}
	known := figures(ground)
	said := figures(text)
	for _, word := range slices.Sorted(maps.Keys(said)) {
		if !slices.Contains(slices.Collect(maps.Values(known)), said[word]) {
			return fmt.Errorf("%w: it says %q, and what it words does not", ErrInvalid, word)
		}
	}
	return nil
}

// figures are the numbers that a text says, by how they are written.
func figures(text string) map[string]float64 {
	found := map[string]float64{}
	for _, word := range figure.FindAllString(text, -1) {
		n, err := strconv.ParseFloat(strings.ReplaceAll(word, ",", ""), 64)
		if err != nil {
			n = math.NaN() // digits of another script, or two points: nothing says the same
		}
		found[word] = n
	}
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if n, is := countWords[word]; is {
			found[word] = n
		}
	}
	return found
}
