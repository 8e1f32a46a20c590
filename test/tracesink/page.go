package tracesink

import (
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"short": short}).ParseFS(pageFiles, "pages/*.html"))

// policy lets a page show itself, and forbids scripts and requests.
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'"

// summary is a trace's line on the front page.
type summary struct {
	ID, Name, Payment string
	Began             time.Time
	Took              time.Duration
	Spans, Failures   int
}

// frontPage lists the traces, or those of one payment, or those with a failure.
func (s *Sink) frontPage(w http.ResponseWriter, r *http.Request) {
	payment, failed := strings.TrimSpace(r.FormValue("payment")), r.FormValue("failed") != ""
	var all []summary
	for _, t := range s.Traces() {
		if line := t.summary(); (payment == "" || line.Payment == payment) && (!failed || line.Failures > 0) {
			all = append(all, line)
		}
	}
	show(w, http.StatusOK, "index.html", map[string]any{"Traces": all, "Payment": payment, "Failed": failed})
}

func (t Trace) summary() summary {
	root := t.Root()
	line := summary{ID: t.ID, Name: root.Name, Began: root.Began, Spans: len(t.Spans)}
	for _, s := range t.Spans {
		line.Took = max(line.Took, s.end().Sub(root.Began))
		if s.Failure != "" {
			line.Failures++
		}
		if id := s.Attribute("onlywave.payment_id"); id != "" {
			line.Payment = id
		}
	}
	return line
}

// bar is a row with its place on the page, in percent of the width.
type bar struct {
	Row
	Left, Width float64
	At          time.Duration // since the trace's beginning
}

func (s *Sink) tracePage(w http.ResponseWriter, r *http.Request) {
	t, ok := s.Trace(r.PathValue("id"))
	if !ok {
		show(w, http.StatusNotFound, "missing.html", nil)
		return
	}
	show(w, http.StatusOK, "trace.html", map[string]any{"Trace": t.summary(), "Bars": t.bars(), "Services": t.services()})
}

func (t Trace) bars() []bar {
	rows, place := t.Rows(), t.scale()
	bars := make([]bar, len(rows))
	for i, r := range rows {
		left := place(r.Began)
		bars[i] = bar{r, left, max(place(r.end())-left, 0.3), r.Began.Sub(rows[0].Began)}
	}
	return bars
}

// scale places moments between 0 and 100. Idle times are drawn short to leave room for the spans.
func (t Trace) scale() func(time.Time) float64 {
	const gapWidth = 2.0
	gaps := t.gaps()
	var first, last time.Time
	for i, s := range t.Spans {
		if i == 0 || s.Began.Before(first) {
			first = s.Began
		}
		if s.end().After(last) {
			last = s.end()
		}
	}
	busy := last.Sub(first)
	for _, g := range gaps {
		busy -= g.to.Sub(g.from)
	}
	room := max(100-gapWidth*float64(len(gaps)), 50)
	return func(at time.Time) float64 {
		past, width := at.Sub(first), 0.0
		for _, g := range gaps {
			if !at.Before(g.to) {
				past -= g.to.Sub(g.from)
				width += gapWidth
			}
		}
		return min(width+room*past.Seconds()/max(busy.Seconds(), 1e-6), 100)
	}
}

// services are the services of the trace, for the legend.
func (t Trace) services() []string {
	var all []string
	for _, s := range t.Spans {
		if !slices.Contains(all, s.Service) {
			all = append(all, s.Service)
		}
	}
	slices.Sort(all)
	return all
}

func show(w http.ResponseWriter, status int, name string, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, data) // templates are parsed at start; a client that has disconnected does not matter
}
