package commands

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// RuleStream is the stream of a workflow's rule.
func RuleStream(workspace, workflow string) string {
	return events.StreamName("rule", workspace, workflow)
}

// SetRule says from which score or label of a run on it is good, in one workflow. An empty rule is none from here on.
type SetRule struct {
	Meta
	Workflow string
	Rule     string
	By       string
}

func (c SetRule) Stream() string { return RuleStream(c.Workspace, c.Workflow) }

func (SetRule) rule() {}

// Criterion is a rule that was read: it makes a verdict of a score or a label.
type Criterion struct {
	// Name is what was judged, empty for the whole.
	Name string
	op   string
	// value is what the score is compared with, or word what the label is.
	value float64
	word  string
}

// ruleOps are the comparisons, the longer ones first.
var ruleOps = []string{">=", "<=", "!=", ">", "<", "="}

// ParseCriterion reads a rule such as "correctness>=0.5", "verdict=correct" or ">=1", which is on judgements of the whole.
func ParseCriterion(text string) (Criterion, error) {
	at := strings.IndexAny(text, "<>!=")
	for _, op := range ruleOps {
		if at < 0 || !strings.HasPrefix(text[at:], op) {
			continue
		}
		r := Criterion{Name: strings.TrimSpace(text[:at]), op: op, word: strings.TrimSpace(text[at+len(op):])}
		v, err := strconv.ParseFloat(r.word, 64)
		switch {
		case err == nil && !math.IsNaN(v):
			r.value, r.word = v, ""
			return r, nil
		case err == nil:
		case r.word != "" && !strings.ContainsAny(r.word, "<>=") && (op == "=" || op == "!="):
			return r, nil
		}
		break
	}
	return Criterion{}, fmt.Errorf("%q is no rule: write the name of a score, a comparison (>=, >, <=, <, =, !=) and a number, or = and a label, such as correctness>=0.5 or grade=correct", text)
}

// Of is the verdict that the rule makes of a judgement on a run as a whole, or false where it says nothing of it.
func (r Criterion) Of(f GiveFeedback) (events.Outcome, bool) {
	good := false
	switch {
	case f.Run == "" || f.Step != nil || f.Name != r.Name:
		return "", false
	case r.word != "":
		if f.Label == "" {
			return "", false
		}
		good = strings.EqualFold(f.Label, r.word) == (r.op == "=")
	case f.Score == nil:
		return "", false
	default:
		switch s := *f.Score; r.op {
		case ">=":
			good = s >= r.value
		case ">":
			good = s > r.value
		case "<=":
			good = s <= r.value
		case "<":
			good = s < r.value
		case "=":
			good = s == r.value
		case "!=":
			good = s != r.value
		}
	}
	if good {
		return events.Succeeded, true
	}
	return events.Failed, true
}
