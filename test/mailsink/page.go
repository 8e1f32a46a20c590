package mailsink

import (
	"embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// policy lets a page show itself and an e-mail in a frame, and forbids scripts and requests.
const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'"

func (s *Sink) frontPage(w http.ResponseWriter, _ *http.Request) {
	mails := s.Mails("")
	slices.Reverse(mails)
	show(w, http.StatusOK, "index.html", mails)
}

func (s *Sink) mailPage(w http.ResponseWriter, r *http.Request) {
	m, ok := s.mail(r.PathValue("id"))
	if !ok {
		show(w, http.StatusNotFound, "missing.html", nil)
		return
	}
	show(w, http.StatusOK, "mail.html", m)
}

// showHTML is an e-mail's HTML with its embedded images. The HTML is not trusted: the browser must run no script, send no request, and
// give it a unique origin, in the frame and out of it.
func (s *Sink) showHTML(w http.ResponseWriter, r *http.Request) {
	m, ok := s.mail(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	html := m.HTML
	for id, image := range m.Images {
		html = strings.ReplaceAll(html, "cid:"+id, "data:image/png;base64,"+base64.StdEncoding.EncodeToString(image))
	}
	head(w, "text/html; charset=utf-8", policy+"; sandbox allow-popups allow-popups-to-escape-sandbox")
	_, _ = w.Write([]byte(html))
}

func (s *Sink) showRaw(w http.ResponseWriter, r *http.Request) {
	m, ok := s.mail(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	head(w, "text/plain; charset=utf-8", policy)
	_, _ = w.Write(m.Raw)
}

func (s *Sink) list(w http.ResponseWriter, r *http.Request) { answer(w, s.Mails(r.FormValue("to"))) }

func show(w http.ResponseWriter, status int, name string, data any) {
	head(w, "text/html; charset=utf-8", policy)
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, data) // templates are parsed at start; a client that has disconnected does not matter
}

func answer(w http.ResponseWriter, value any) {
	head(w, "application/json", policy)
	_ = json.NewEncoder(w).Encode(value)
}

func head(w http.ResponseWriter, contentType, policy string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
}
