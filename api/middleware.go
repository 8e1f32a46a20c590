package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/payment"
)

// requestEvent is the content of the one log line of a request. Handlers fill it in.
type requestEvent struct {
	requestID string
	clientID  string
	keyID     string
	allows    func(access.Scope) bool // of the API key
	paymentID string
	err       error
	panic     string
	stack     string
	quiet     bool // log at debug level: probes come every few seconds, accepted notifications by the thousand
}

const eventKey = "onlywave.event"

func event(c *gin.Context) *requestEvent { return c.MustGet(eventKey).(*requestEvent) }

// observe gives the request its id and writes its log line. Bodies, tokens and queries are never logged.
func (s *Server) observe(c *gin.Context) {
	start := time.Now()
	e := &requestEvent{requestID: requestID(c.Request.Header)}
	c.Set(eventKey, e)
	c.Header("X-Request-Id", e.requestID)
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("Cache-Control", "no-store")
	c.Next()
	took := time.Since(start)
	s.measure(c, took)
	s.logRequest(c, e, took)
}

// requestID is the client's own id where it is harmless, so that the logs of both sides can be compared.
func requestID(h http.Header) string {
	id := h.Get("X-Request-Id")
	if id == "" || len(id) > 128 || payment.ContainsCardNumber(id) {
		return uuid.NewString()
	}
	for _, c := range []byte(id) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return uuid.NewString()
		}
	}
	return id
}

func (s *Server) logRequest(c *gin.Context, e *requestEvent, took time.Duration) {
	status, level := c.Writer.Status(), slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	case e.quiet:
		level = slog.LevelDebug
	}
	if !s.config.Log.Enabled(c.Request.Context(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs, slog.String("method", c.Request.Method), slog.String("route", c.FullPath()),
		slog.Int("status", status), slog.Duration("duration", took), slog.String("request_id", e.requestID),
		slog.String("remote", c.ClientIP()))
	optional := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	optional("client_id", e.clientID)
	optional("payment_id", e.paymentID)
	if e.err != nil {
		optional("error", e.err.Error())
	}
	optional("panic", e.panic)
	optional("stack", e.stack)
	s.config.Log.LogAttrs(c.Request.Context(), level, "request", attrs...)
}

// recover answers a panic with a problem. The stack goes to the log only.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if cause == http.ErrAbortHandler {
			panic(cause) // net/http uses it to close the connection
		}
		e := event(c)
		e.panic, e.stack = fmt.Sprint(cause), string(debug.Stack())
		c.Abort()
		if !c.Writer.Written() {
			s.answerProblem(c, mappingOf("panic"), "", nil)
		}
	}()
	c.Next()
}
