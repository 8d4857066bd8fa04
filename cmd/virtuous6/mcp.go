package main

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/agents/mcptool"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// builtIn are the tools of the program itself that need no network.
var builtIn = agents.BuiltIn

// ownTools are the tools of the program itself.
func (a *app) ownTools() agents.Tools {
	p := a.config.Policy
	fetch := agents.FetchConfig{Hosts: p.FetchHosts}
	for _, network := range p.FetchNetworks {
		fetch.Networks = append(fetch.Networks, netip.MustParsePrefix(network)) // it was looked at as the configuration was read
	}
	return agents.NewTools(append(builtIn(a.clock).All(), agents.Fetch(fetch))...)
}

// mcpConfig is an MCP server: a command, or a URL.
type mcpConfig struct {
	Command []string `yaml:"command"`
	// Env are the environment variables that the command is given, besides PATH, HOME and the like.
	Env []string `yaml:"env"`
	URL string   `yaml:"url"`
	// TokenEnv is the environment variable that holds the token for the URL.
	TokenEnv string `yaml:"token_env"`
	// Only are the tools that are looked at, by the server's own names. Default all.
	Only []string `yaml:"only"`
	// Timeout bounds a call of a tool. Default 30s.
	Timeout time.Duration `yaml:"timeout"`
}

func (c mcpConfig) of(name string) mcptool.Server {
	return mcptool.Server{Name: name, Command: c.Command, Env: c.Env, URL: c.URL, Only: c.Only, Timeout: c.Timeout}
}

// toolbox finds the tools of agents. Servers are started and dialled once one of their tools is needed.
func (a *app) toolbox() (orchestrator.Toolbox, error) {
	if a.servers == nil {
		var servers []mcptool.Server
		for _, name := range slices.Sorted(maps.Keys(a.config.MCP)) {
			c := a.config.MCP[name]
			server := c.of(name)
			if c.TokenEnv != "" {
				if server.Token = os.Getenv(c.TokenEnv); server.Token == "" {
					return orchestrator.Toolbox{}, fmt.Errorf("mcp: %s: the environment variable %s, which should hold its token, is not set", name, c.TokenEnv)
				}
			}
			servers = append(servers, server)
		}
		log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: max(a.level(), slog.LevelWarn)}))
		a.servers = mcptool.New(servers, version(), log, a.clock)
		a.closers = append(a.closers, a.servers.Close)
	}
	d := a.dispatcher()
	return orchestrator.Toolbox{Own: a.ownTools(), Servers: a.servers, Pins: d, Dispatch: d.Dispatch, Clock: a.clock, IDs: a.ids}, nil
}
