// Package metrics serves the metrics of a process to Prometheus, and its health, with reasons, to orchestrators and operators. Each
// package makes the metrics of what it does and gives them out as collectors; here they come together in one registry.
//
// Its one rule: it is for operators, at an address of its own that is not public.
package metrics

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	readyTimeout = 2 * time.Second
	// scrapes is how many are answered at once; more would only wait for the same dependencies.
	scrapes = 4
)

// Watch is the metrics and the health of one process.
type Watch struct {
	registry *prometheus.Registry
	shown    []prometheus.Collector
	ready    func(context.Context) map[string]error
	log      *slog.Logger
}

// New makes a Watch of a process that is a part of the platform and depends on what ready names; nil means that it works.
func New(part string, ready func(context.Context) map[string]error, log *slog.Logger) *Watch {
	w := &Watch{registry: prometheus.NewRegistry(), ready: ready, log: log}
	running := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "onlywave_part", Help: "1 for the part of the platform that this process is.", ConstLabels: prometheus.Labels{"part": part},
	})
	running.Set(1)
	w.Add(running, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), dependencies{ready})
	return w
}

// Add shows more. Two metrics of one name are a bug, and panic.
func (w *Watch) Add(more ...prometheus.Collector) {
	w.registry.MustRegister(more...)
	w.shown = append(w.shown, more...)
}

// Handler serves /metrics, /livez, /readyz and /startupz.
func (w *Watch) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(w.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(w.log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: scrapes,
	}))
	mux.HandleFunc("GET /livez", func(out http.ResponseWriter, _ *http.Request) { answer(out, http.StatusOK, health{Status: "live"}) })
	// A process has started when it is wired, whatever is unavailable: a restart would not help.
	mux.HandleFunc("GET /startupz", func(out http.ResponseWriter, _ *http.Request) {
		answer(out, http.StatusOK, health{Status: "started"})
	})
	mux.HandleFunc("GET /readyz", w.readyz)
	return mux
}

type health struct {
	Status       string            `json:"status"`
	Dependencies map[string]string `json:"dependencies,omitempty"` // "ok", or why not
}

// readyz is unavailable only when nothing works: without one of its dependencies a process still does what needs the others.
func (w *Watch) readyz(out http.ResponseWriter, r *http.Request) {
	h, status, failed := health{Status: "ready", Dependencies: map[string]string{}}, http.StatusOK, 0
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	for name, err := range w.ready(ctx) {
		h.Dependencies[name] = "ok"
		if err != nil {
			h.Dependencies[name] = err.Error()
			failed++
		}
	}
	switch {
	case failed > 0 && failed == len(h.Dependencies):
		h.Status, status = "unavailable", http.StatusServiceUnavailable
	case failed > 0:
		h.Status = "degraded"
	}
	answer(out, status, h)
}

func answer(out http.ResponseWriter, status int, h health) {
	out.Header().Set("Content-Type", "application/json")
	out.Header().Set("Cache-Control", "no-store")
	out.WriteHeader(status)
	_ = json.NewEncoder(out).Encode(h) // the client may have left
}
