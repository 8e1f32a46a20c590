// Package tracesinktest collects the traces of a test. Its one rule: they arrive over HTTP, as at any collector.
package tracesinktest

import (
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/tracing/otlp"
	"github.com/onlywave/onlywave/test/tracesink"
)

// Collect traces all that this process does until done, after which sink has it. A test that collects does not run in
// parallel with others: tracing is switched on for the whole process.
func Collect(t testing.TB) (sink *tracesink.Sink, done func()) {
	t.Helper()
	sink = tracesink.New()
	collector := httptest.NewServer(sink)
	t.Cleanup(collector.Close)
	done, err := otlp.Export(t.Context(), otlp.Target{Endpoint: collector.URL, Ratio: 1, Service: "test"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return sink, done
}
