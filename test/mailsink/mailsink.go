// Package mailsink is a mail server that delivers nothing: it shows received e-mails on a page and to tests, which can also make it refuse
// and fail. Its one rule: it keeps the latest few hundred e-mails in memory only, and their links, scripts and images cannot reach
// beyond the page.
package mailsink

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

const (
	kept        = 500     // e-mails, the latest
	maxSize     = 1 << 20 // of one
	idleTimeout = time.Minute
)

// Sink keeps the e-mails. It is also the http.Handler of the page that shows them.
type Sink struct {
	log    *slog.Logger
	routes http.Handler

	mu     sync.Mutex
	mails  []Mail // the oldest first
	last   int    // number of the latest
	faults []Fault
}

// New is an empty sink.
func New(log *slog.Logger) *Sink {
	s := &Sink{log: log}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /{$}", s.frontPage)
	routes.HandleFunc("GET /mails/{id}", s.mailPage)
	routes.HandleFunc("GET /mails/{id}/html", s.showHTML)
	routes.HandleFunc("GET /mails/{id}/raw", s.showRaw)
	routes.HandleFunc("GET /api/mails", s.list)
	routes.HandleFunc("GET /api/faults", s.listFaults)
	routes.HandleFunc("POST /api/faults", s.addFaults)
	s.routes = routes
	return s
}

func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// ServeSMTP accepts e-mails until ctx ends.
func (s *Sink) ServeSMTP(ctx context.Context, listener net.Listener) error {
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{sink: s, conn: c}, nil
	}))
	server.Domain, server.MaxMessageBytes, server.MaxRecipients = "mailsink", maxSize, 50
	server.ReadTimeout, server.WriteTimeout = idleTimeout, idleTimeout
	server.EnableSMTPUTF8 = true
	server.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *Sink) keep(m Mail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	m.ID = strconv.Itoa(s.last)
	s.mails = append(s.mails, m)
	s.mails = s.mails[max(0, len(s.mails)-kept):]
	id, _, _ := strings.Cut(m.MessageID, "@") // a whole one looks like an address, which no log may hold
	s.log.Info("e-mail", "number", m.ID, "message_id", id)
}

// Mails lists the e-mails to an address, or all when it is empty, the latest last.
func (s *Sink) Mails(to string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	mails := []Mail{}
	for _, m := range s.mails {
		if to == "" || slices.Contains(m.To, to) {
			mails = append(mails, m)
		}
	}
	return mails
}

func (s *Sink) mail(id string) (Mail, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.mails, func(m Mail) bool { return m.ID == id })
	if i < 0 {
		return Mail{}, false
	}
	return s.mails[i], true
}
