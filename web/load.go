package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/virtuous6/virtuous6/orchestrator"
)

// modelLoad is how busy a model is, as /api/metrics/load tells it.
type modelLoad struct {
	Provider    string      `json:"provider"`
	Model       string      `json:"model"`
	Busy        int         `json:"busy" doc:"Calls under way."`
	Limit       int         `json:"limit" doc:"How many may be under way at a time by now: fewer than most where the provider refused some for there being too many."`
	Most        int         `json:"most" doc:"How many may be under way at best."`
	Waiting     int         `json:"waiting" doc:"Calls that wait for their turn."`
	Waited      int64       `json:"waited" doc:"Calls that had their turn, since the server's start."`
	WaitSeconds float64     `json:"wait_seconds" doc:"How long those waited together."`
	Throttled   int64       `json:"throttled" doc:"Refusals for there being too many (429), since the server's start."`
	Paused      float64     `json:"paused_seconds" doc:"For how much longer nothing is sent, since the provider asked for that."`
	Utilisation int         `json:"utilisation_permille" doc:"The busy share of what is allowed, over this minute and the one before."`
	Agents      []agentLoad `json:"agents" doc:"The agents of the workspace that called it lately."`
}

type agentLoad struct {
	Agent       string  `json:"agent"`
	Busy        int     `json:"busy" doc:"Its calls under way."`
	BusySeconds float64 `json:"busy_seconds" doc:"How long its calls took together, since the server's start."`
	Utilisation int     `json:"utilisation_permille" doc:"Its busy share of what the model allows, over this minute and the one before."`
}

// loads tells how busy the models are.
func (d *door) loads(api huma.API) {
	type input struct {
		Workspace string `query:"workspace" maxLength:"64" doc:"Show the agents of this workspace. Default: the server's own."`
	}
	type answer struct{ Body []modelLoad }
	huma.Register(api, huma.Operation{
		OperationID: "load", Method: http.MethodGet, Path: "/api/metrics/load",
		Summary: "How busy the models are, by provider, model and agent: calls under way, what waits, and the share of what is allowed, as the server that drives sees it",
		Errors:  []int{http.StatusForbidden},
	}, func(ctx context.Context, in *input) (*answer, error) {
		if err := opens(ctx, in.Workspace); err != nil {
			return nil, err
		}
		out := &answer{Body: []modelLoad{}}
		workspace := Workspace(ctx, cmp.Or(in.Workspace, d.Workspace))
		for _, l := range d.Load() {
			load := modelLoad{
				Provider: l.Provider, Model: l.Model, Busy: l.Busy, Limit: l.Limit, Most: l.Most, Waiting: l.Waiting, Waited: l.Waits.Count, WaitSeconds: l.Waits.Sum.Seconds(),
				Throttled: l.Throttled, Paused: l.Paused.Seconds(), Utilisation: l.Utilisation, Agents: []agentLoad{},
			}
			for _, a := range l.Agents {
				if a.Workspace == workspace {
					load.Agents = append(load.Agents, agentLoad{a.Agent, a.Busy, a.BusyTime.Seconds(), a.Utilisation})
				}
			}
			out.Body = append(out.Body, load)
		}
		return out, nil
	})
}

// exposition answers Prometheus at /metrics.
func (d *door) exposition(router chi.Router) {
	process := prometheus.NewRegistry()
	process.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	router.Get("/metrics", func(w http.ResponseWriter, r *http.Request) {
		own := prometheus.NewRegistry()
		own.MustRegister(exposed{d, r.Context()})
		promhttp.HandlerFor(prometheus.Gatherers{own, process}, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
}

// exposed is what one request is told.
type exposed struct {
	door *door
	ctx  context.Context //nolint:containedctx // it lives as long as the request
}

var (
	byModel  = []string{"provider", "model"}
	byAgent  = []string{"provider", "model", "workspace", "agent"}
	headDesc = prometheus.NewDesc("virtuous6_log_position", "Position of the log's last fact.", nil, nil)
	readDesc = prometheus.NewDesc("virtuous6_read_models_position", "Position that the read models have seen everything up to.", nil, nil)

	busyDesc      = prometheus.NewDesc("virtuous6_model_calls_busy", "Calls under way.", byModel, nil)
	limitDesc     = prometheus.NewDesc("virtuous6_model_calls_limit", "How many calls may be under way at a time by now.", byModel, nil)
	mostDesc      = prometheus.NewDesc("virtuous6_model_calls_most", "How many calls may be under way at best.", byModel, nil)
	waitingDesc   = prometheus.NewDesc("virtuous6_model_calls_waiting", "Calls that wait for their turn.", byModel, nil)
	waitDesc      = prometheus.NewDesc("virtuous6_model_call_wait_seconds", "How long calls waited for their turn.", byModel, nil)
	throttledDesc = prometheus.NewDesc("virtuous6_model_throttled_total", "Refusals for there being too many calls.", byModel, nil)
	busyTimeDesc  = prometheus.NewDesc("virtuous6_model_busy_seconds_total", "Calls under way, added up over time.", byModel, nil)
	allowedDesc   = prometheus.NewDesc("virtuous6_model_allowed_seconds_total",
		"Calls allowed at a time, added up over time: the rate of virtuous6_model_busy_seconds_total by this one's is the utilisation.", byModel, nil)
	agentBusyDesc = prometheus.NewDesc("virtuous6_agent_calls_busy", "Calls of an agent under way.", byAgent, nil)
	agentTimeDesc = prometheus.NewDesc("virtuous6_agent_busy_seconds_total", "Calls of an agent under way, added up over time.", byAgent, nil)
)

// Describe implements prometheus.Collector: what there is is known only once it is collected.
func (exposed) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (e exposed) Collect(out chan<- prometheus.Metric) {
	gauge := func(of *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(of, prometheus.GaugeValue, v, valid(labels)...)
	}
	counter := func(of *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(of, prometheus.CounterValue, v, valid(labels)...)
	}
	if at, err := e.door.Reader.Position(e.ctx); err == nil {
		gauge(readDesc, float64(at))
	}
	if head, err := e.door.Head(e.ctx); err == nil {
		gauge(headDesc, float64(head))
	}
	caller, _ := e.ctx.Value(callerKey{}).(Caller)
	for _, l := range e.door.Load() {
		gauge(busyDesc, float64(l.Busy), l.Provider, l.Model)
		gauge(limitDesc, float64(l.Limit), l.Provider, l.Model)
		gauge(mostDesc, float64(l.Most), l.Provider, l.Model)
		gauge(waitingDesc, float64(l.Waiting), l.Provider, l.Model)
		counter(throttledDesc, float64(l.Throttled), l.Provider, l.Model)
		counter(busyTimeDesc, l.BusyTime.Seconds(), l.Provider, l.Model)
		counter(allowedDesc, l.AllowedTime.Seconds(), l.Provider, l.Model)
		within := make(map[float64]uint64, len(l.Waits.Within))
		for i, n := range l.Waits.Within {
			within[orchestrator.WaitBounds[i].Seconds()] = uint64(n)
		}
		out <- prometheus.MustNewConstHistogram(waitDesc, uint64(l.Waits.Count), l.Waits.Sum.Seconds(), within, valid([]string{l.Provider, l.Model})...)
		for _, a := range l.Agents {
			if caller.Workspace != "" && a.Workspace != caller.Workspace {
				continue // a token that opens one workspace tells of no other
			}
			gauge(agentBusyDesc, float64(a.Busy), l.Provider, l.Model, a.Workspace, a.Agent)
			counter(agentTimeDesc, a.BusyTime.Seconds(), l.Provider, l.Model, a.Workspace, a.Agent)
		}
	}
}

// valid makes labels of names: Prometheus takes no other text than UTF-8.
func valid(names []string) []string {
	names = slices.Clone(names)
	for i := range names {
		names[i] = strings.ToValidUTF8(names[i], "\uFFFD")
	}
	return names
}
