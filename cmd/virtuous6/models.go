package main

import (
	"cmp"
	"fmt"
	"os"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

// runner is what performs the turns of live runs, and the model that agents without one of their own use: a real one
// where a key or a server is given, the built-in scripted one where neither is.
func (a *app) runner() (agents.Runner, string, error) {
	prices, err := a.prices()
	if err != nil {
		return agents.Runner{}, "", err
	}
	r := agents.Runner{Prices: prices, Tools: agents.BuiltIn(a.clock), Now: a.clock}
	key, base := os.Getenv("OPENAI_API_KEY"), cmp.Or(os.Getenv("OPENAI_BASE_URL"), a.config.BaseURL)
	if key == "" && base == "" {
		r.Model = agents.Scripted{Now: a.clock}
		return r, events.ScriptedModel, nil
	}
	model, err := agents.NewOpenAI(agents.OpenAIConfig{APIKey: key, BaseURL: base, Timeout: a.config.Timeout, Now: a.clock})
	if err != nil {
		return r, "", err
	}
	r.Model = model
	return r, cmp.Or(a.config.Model, "gpt-4o-mini"), nil
}

func (a *app) prices() (*agents.Prices, error) {
	if a.config.Prices == "" {
		return agents.PublicPrices()
	}
	prices, err := agents.LoadPrices(a.config.Prices)
	if err != nil {
		return nil, fmt.Errorf("prices: %w", err)
	}
	return prices, nil
}
