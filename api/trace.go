package api

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/tracing"
)

// isTraced says of which routes traces are made: those that have to do with payments. Probes and pages for people have not.
func (r route) isTraced() bool {
	return strings.HasPrefix(r.path, "/v1/") || strings.HasPrefix(r.path, "/webhooks/")
}

// trace begins the request's trace, named by its route. The caller's own is only linked: a stranger does not decide what we
// record.
func trace(c *gin.Context) {
	theirs := tracing.From(c.Request.Context(), c.GetHeader(tracing.Header))
	ctx, s := tracing.Root(theirs, tracing.Server, c.Request.Method+" "+c.FullPath())
	if !s.Traced() {
		return // and what follows begins none either
	}
	c.Request = c.Request.WithContext(ctx)
	kind := string(failure.Internal) // a panic passes through here
	defer func() { s.End(kind) }()
	c.Next()
	e := event(c)
	if kind = ""; c.Writer.Status() >= http.StatusInternalServerError {
		kind = string(failure.KindOf(e.err))
	}
	s.Set("http.request.method", c.Request.Method)
	s.Set("http.route", c.FullPath())
	s.SetInt("http.response.status_code", c.Writer.Status())
	s.Set("onlywave.request_id", e.requestID)
	s.Set("onlywave.client_id", e.clientID)
	s.Set("onlywave.payment_id", e.paymentID)
}
