package main

import (
	"net"
	"net/http"
	"time"

	"github.com/virtuous6/virtuous6/orchestrator"
)

// World is what the program knows the time by, and reaches others by. The zero value is the real one.
type World struct {
	// Clock tells the time, IDs makes ids. Default time.Now and UUIDv7.
	Clock orchestrator.Clock
	IDs   orchestrator.IDs
	// Ticker makes the ticks by which a log in a file looks for what other processes appended, and the function that ends them.
	// Default time.NewTicker.
	Ticker func(time.Duration) (<-chan time.Time, func())
	// Listen listens for requests. Default net.Listen.
	Listen func(network, address string) (net.Listener, error)
	// Models carries requests to the server of the models. Default one like http.DefaultTransport, which honours HTTPS_PROXY.
	Models http.RoundTripper
}

func (w World) filled() World {
	if w.Clock == nil {
		w.Clock = time.Now
	}
	if w.IDs == nil {
		w.IDs = orchestrator.NewID
	}
	if w.Listen == nil {
		w.Listen = net.Listen
	}
	return w
}
