package api

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/tracing"
)

// isTraced says whether requests of the route are traced: those about payments, but not probes and web pages.
func (r route) isTraced() bool {
	return strings.HasPrefix(r.path, "/v1/") || strings.HasPrefix(r.path, "/webhooks/")
}

// trace begins a trace for the request. A trace of the client is only linked: the client must not decide what we sample.
func trace(c *gin.Context) {
	theirs := tracing.From(c.Request.Context(), c.GetHeader(tracing.Header))
	ctx, s := tracing.Root(theirs, tracing.Server, c.Request.Method+" "+c.FullPath())
	if !s.Traced() {
		return // the spans below it are not traced either
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
