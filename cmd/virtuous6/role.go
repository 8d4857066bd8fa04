package main

import (
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// roleConfig is a model for something that the program does, with money of its own. Without a model it is not asked.
type roleConfig struct {
	Model string `yaml:"model"`
	// Limit is what it may cost in a period, in dollars. It has to be given. Period is day or month, default day.
	Limit  string              `yaml:"limit"`
	Period events.BudgetPeriod `yaml:"period"`
}

// mistake tells what is wrong with it, empty for nothing.
func (c roleConfig) mistake() string {
	limit, err := events.ParseUSD(c.Limit)
	switch {
	case c == (roleConfig{}):
		return ""
	case c.Model == "":
		return "it should name a model, such as model: gpt-6-luna"
	case err != nil || limit <= 0:
		return "it should say what it may cost, in dollars, such as limit: \"0.50\""
	case c.Period != "" && c.Period != events.Daily && c.Period != events.Monthly:
		return "its period should be day or month"
	}
	return ""
}

// of is a role with the model and the money that the configuration gives it. It is not there without a model.
func (c roleConfig) of(role orchestrator.Role) (_ orchestrator.Role, there bool) {
	role.LimitNanos, _ = events.ParseUSD(c.Limit) // mistake has looked at it
	if role.Model, role.Period = c.Model, c.Period; role.Period == "" {
		role.Period = events.Daily
	}
	return role, c.Model != ""
}
