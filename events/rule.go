package events

// RuleSet says from which score or label of a run on it is good, for one workflow. Without a rule a score is no verdict.
type RuleSet struct {
	Workflow string `json:"workflow"`
	// Rule is as commands.ParseCriterion reads it, empty for none from here on.
	Rule string `json:"rule,omitempty"`
	// By is who set it.
	By string `json:"by,omitempty"`
}

func (RuleSet) Kind() string { return "rule.set" }

func (RuleSet) rule() {}
