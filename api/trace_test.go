package api

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/tracesink/tracesinktest"
)

// Requests about payments begin traces, probes do not. No trace holds values of the client.
func TestRequestsBeginTraces(t *testing.T) {
	sink, stop := tracesinktest.Collect(t)
	f := newFixture(t)
	f.server.engine.GET("/v1/panic", trace, func(*gin.Context) { panic("secret") })

	require.Equal(t, http.StatusOK, f.get(t, "/livez").Code)
	require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/payments/nobody@example.com?q=secret").Code)
	require.Equal(t, http.StatusInternalServerError, f.get(t, "/v1/panic").Code)
	stop()

	all := sink.Traces()
	require.Len(t, all, 2)
	panicked, refused := all[0].Root(), all[1].Root()
	require.Equal(t, "GET /v1/panic", panicked.Name)
	require.Equal(t, "internal", panicked.Failure)
	require.Equal(t, "GET /v1/payments/:id", refused.Name)
	require.Empty(t, refused.Failure, "the fault is the client's")
	require.Equal(t, "400", refused.Attribute("http.response.status_code"))
	for _, a := range append(refused.Attributes, panicked.Attributes...) {
		require.NotContains(t, a.Value, "example.com")
		require.NotContains(t, a.Value, "secret")
	}
}
