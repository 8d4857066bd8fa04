// Package agents holds all that is not deterministic: models, tools and prices. It returns values and dispatches
// nothing; what it returns becomes facts elsewhere, so that a replay never comes here.
package agents
