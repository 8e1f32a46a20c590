// Package tracesink is a trace collector that shows traces on a page and to tests. Its one rule: it keeps the latest few hundred traces in
// memory only, and accepts them over OTLP as any collector does.
package tracesink

import (
	"io"
	"net/http"
	"slices"
	"sync"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	kept     = 300     // traces, the latest
	maxSpans = 2000    // of one trace; further ones are dropped
	maxBody  = 8 << 20 // of one request
)

// Sink keeps the traces. It is the http.Handler that accepts them, at /v1/traces, and of the pages that show them.
type Sink struct {
	routes http.Handler

	mu     sync.Mutex
	traces map[string]*Trace
	order  []string // ids, the oldest first
}

// New is an empty sink.
func New() *Sink {
	s := &Sink{traces: map[string]*Trace{}}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /v1/traces", s.take)
	routes.HandleFunc("GET /{$}", s.frontPage)
	routes.HandleFunc("GET /traces/{id}", s.tracePage)
	s.routes = routes
	return s
}

func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// take handles OTLP/HTTP in its binary form (OTLP specification).
func (s *Sink) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the request is over 8 MiB or incomplete", http.StatusBadRequest)
		return
	}
	var request collector.ExportTraceServiceRequest
	if r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &request) != nil {
		http.Error(w, "only OTLP as application/x-protobuf is accepted", http.StatusUnsupportedMediaType)
		return
	}
	s.keep(spansOf(&request))
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.WriteHeader(http.StatusOK) // an empty message: everything was accepted
}

func (s *Sink) keep(spans []Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, span := range spans {
		t, known := s.traces[span.Trace]
		if !known {
			t = &Trace{ID: span.Trace}
			s.traces[t.ID] = t
			s.order = append(s.order, t.ID)
		}
		if len(t.Spans) < maxSpans {
			t.Spans = append(t.Spans, span)
		}
	}
	for len(s.order) > kept {
		delete(s.traces, s.order[0])
		s.order = s.order[1:]
	}
}

// Traces lists the traces, the latest first.
func (s *Sink) Traces() []Trace {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Trace, 0, len(s.order))
	for _, id := range slices.Backward(s.order) {
		all = append(all, s.traces[id].copy())
	}
	return all
}

// Trace is one of them; false when there is none with this id.
func (s *Sink) Trace(id string) (Trace, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.traces[id]
	if !ok {
		return Trace{}, false
	}
	return t.copy(), true
}
