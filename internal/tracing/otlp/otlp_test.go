package otlp

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/tracing"
	"github.com/onlywave/onlywave/test/tracesink"
)

// Tests here do not run side by side: whether a process traces holds for all of it.

func TestTheLastSpansOfAProcessAreDelivered(t *testing.T) {
	sink := tracesink.New()
	collector := httptest.NewServer(sink)
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=named-by-the-environment")
	stop, err := Export(t.Context(), Target{Endpoint: collector.URL + "/", Ratio: 1, Service: "onlywave-api", Instance: "1"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.True(t, tracing.On())
	_, s := tracing.Root(t.Context(), tracing.Server, "the last")
	s.End("")
	stop()
	require.False(t, tracing.On())
	all := sink.Traces()
	require.Len(t, all, 1)
	require.Equal(t, "the last", all[0].Root().Name)
	require.Equal(t, "server", all[0].Root().Kind)
	require.Equal(t, "named-by-the-environment", all[0].Root().Service)
}

// Headers hold tokens: a mistyped one is reported, and not shown.
func TestWhatTheExporterCannotReadIsNotShown(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "hunter2,Authorization=Bearer%20hunter2%zz")
	var out bytes.Buffer
	stop, err := Export(t.Context(), Target{Endpoint: "http://127.0.0.1:1", Ratio: 1, Service: "onlywave-api"}, slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, err)
	stop()
	require.Equal(t, 2, strings.Count(out.String(), "msg=traces"), out.String())
	require.Contains(t, out.String(), "parse headers")
	require.NotContains(t, out.String(), "hunter2")
}

// A collector that hangs costs the process's end a moment, and the log says what was lost.
func TestACollectorThatHangsIsNotWaitedFor(t *testing.T) {
	silent := httptest.NewServer(nil)
	address := silent.URL
	silent.Close()
	var out bytes.Buffer
	stop, err := Export(t.Context(), Target{Endpoint: address, Ratio: 1, Service: "onlywave-api"}, slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, err)
	_, s := tracing.Root(t.Context(), tracing.Server, "lost")
	s.End("")
	began := time.Now()
	stop()
	require.Less(t, time.Since(began), 10*flushTime)
	require.Contains(t, out.String(), "msg=traces")

	off, err := Export(t.Context(), Target{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.False(t, tracing.On())
	off()
}
