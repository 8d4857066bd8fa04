package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// runner is what performs the turns of live runs, and the model that agents without one of their own use: a real one
// where a key or a server is given, the built-in scripted one where neither is.
func (a *app) runner(ctx context.Context) (agents.Runner, string, error) {
	server, err := a.modelServer()
	if err != nil {
		return agents.Runner{}, "", err
	}
	r := agents.Runner{Tools: a.ownTools(), Now: a.clock}
	a.pool = orchestrator.NewPool(orchestrator.PoolConfig{Provider: providerOf(server), Most: a.config.Turns, Models: a.config.ModelCalls})
	if server == nil {
		r.Prices, err = a.prices("built-in")
		r.Model = agents.Scripted{Now: a.clock}
		return r, events.ScriptedModel, err
	}
	r.Model, r.Timeout = &agents.Breaker{Model: server}, a.config.Timeout
	if r.Prices, err = a.prices(server.Provider()); err != nil {
		return r, "", err
	}
	return r, cmp.Or(a.config.Model, a.chosenModel(ctx, server)), nil
}

// modelServer is the server that the environment or the configuration names, nil where neither does.
func (a *app) modelServer() (*agents.OpenAI, error) {
	key, base := os.Getenv("OPENAI_API_KEY"), cmp.Or(os.Getenv("OPENAI_BASE_URL"), a.config.BaseURL)
	if key == "" && base == "" {
		return nil, nil
	}
	return agents.NewOpenAI(agents.OpenAIConfig{
		APIKey: key, BaseURL: base, API: a.config.API, Timeout: a.config.Timeout, Now: a.clock, Transport: a.world.Models,
		Throttled: func(model string, retryAfter time.Duration) { a.pool.Throttled(model, retryAfter) },
	})
}

// providerOf names who answers.
func providerOf(server *agents.OpenAI) string {
	if server == nil {
		return "built-in"
	}
	return server.Provider()
}

// chosenModel is the model where the configuration names none. A server of one's own says what it has.
func (a *app) chosenModel(ctx context.Context, server *agents.OpenAI) string {
	if a.config.Model != "" || server.Provider() == "openai" {
		return agents.DefaultModel
	}
	models, err := server.Models(ctx)
	model := agents.Chooses(models)
	switch {
	case model != "":
		a.note("Model %s, the first that %s lists: name another one by `model` in the configuration.", oneLine(model), oneLine(server.Provider()))
		return model
	case err != nil:
		a.note("Model %s, since %s does not tell which it has (%s): name one by `model` in the configuration.",
			agents.DefaultModel, oneLine(server.Provider()), oneLine(err.Error()))
	default:
		a.note("Model %s, since %s lists none: name one by `model` in the configuration.", agents.DefaultModel, oneLine(server.Provider()))
	}
	return agents.DefaultModel
}

// prices is one's own table, and the built-in one for what it has not where the provider has public prices.
func (a *app) prices(provider string) (*agents.Prices, error) {
	public, err := agents.PublicPrices(provider)
	if err != nil || a.config.Prices == "" {
		return public, err
	}
	own, err := agents.LoadPrices(a.config.Prices)
	if err != nil {
		return nil, fmt.Errorf("prices: %w", err)
	}
	if unread := own.Unread(); len(unread) > 0 {
		first := slices.Min(slices.Collect(maps.Keys(unread)))
		a.note("%s: %d of %d models have no price, since something of theirs is not understood. %q: %s",
			a.config.Prices, len(unread), own.Len(), first, oneLine(unread[first]))
	}
	return own.Or(public), nil
}

type modelsVerb struct {
	JSON bool `name:"json" help:"Print one JSON value."`
}

// Help tells whose models.
func (modelsVerb) Help() string {
	return "Asks the server that OPENAI_API_KEY or OPENAI_BASE_URL names which models it has, and tells for each whether its calls have a " +
		"price, and when the provider ends it. Without a server it is the built-in scripted model.\n\nExample:\n  virtuous6 models"
}

// modelRow is a model as `models --json` prints it.
type modelRow struct {
	Model string `json:"model"`
	// Default tells that agents without a model of their own use it.
	Default  bool   `json:"default"`
	Priced   bool   `json:"priced"`
	Shutdown string `json:"shutdown_date"`
}

// Run lists the models.
func (v modelsVerb) Run(ctx context.Context, a *app) error {
	server, err := a.modelServer()
	if err != nil {
		return err
	}
	rows := []modelRow{{Model: events.ScriptedModel, Default: true, Priced: true}}
	if server != nil {
		models, err := server.Models(ctx)
		if err != nil {
			return err
		}
		prices, err := a.prices(server.Provider())
		if err != nil {
			return err
		}
		if public, err := agents.PublicPrices(server.Provider()); err == nil && public.Len() > 0 {
			a.note("The built-in prices of %s are those of a table made on %s; `prices` in the configuration comes before them.", server.Provider(), public.Made())
		}
		standard := cmp.Or(a.config.Model, agents.DefaultModel)
		if a.config.Model == "" && server.Provider() != "openai" {
			standard = cmp.Or(agents.Chooses(models), standard)
		}
		rows = rows[:0]
		for _, m := range models {
			_, priced := prices.MaxCost(m.ID, 1, 1)
			rows = append(rows, modelRow{m.ID, m.ID == standard, priced, m.Shutdown})
		}
	}
	if v.JSON {
		return a.json(rows)
	}
	return table(a.out, "MODEL|DEFAULT|PRICED|ENDS", func(row func(...any)) {
		for _, r := range rows {
			row(short(r.Model, 60), r.Default, r.Priced, orDash(r.Shutdown))
		}
	})
}
