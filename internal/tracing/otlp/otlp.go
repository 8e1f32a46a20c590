// Package otlp sends the spans of this process to a collector, by OpenTelemetry's protocol over HTTP. Its one rule: what is traced never
// waits for the collector. It is apart from internal/tracing, because the exporter links gRPC, which programs that only make spans do not
// need.
package otlp

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/onlywave/onlywave/internal/tracing"
)

// flushTime is what the end of a process waits for its last spans to be taken.
const flushTime = 2 * time.Second

// Target says where spans go and how many.
type Target struct {
	Endpoint string  // of a collector that speaks OTLP over HTTP, such as http://127.0.0.1:4318; empty: nothing is traced
	Ratio    float64 // of the traces that begin here, 0 to 1
	Service  string  // what this process is, such as onlywave-api
	Instance string  // which of them it is
}

// Export traces from now on, for the whole process, until stop, which waits a moment for what is left to be taken. Spans go out
// in batches behind the work: while the collector is unavailable or slow they are dropped, and the log says so. Further variables of
// OpenTelemetry, such as OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES, are read by its exporter itself.
func Export(ctx context.Context, to Target, log *slog.Logger) (stop func(), err error) {
	if to.Endpoint == "" {
		return func() {}, nil
	}
	otel.SetLogger(logr.New(mistakes{log}))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "error", err) }))
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimRight(to.Endpoint, "/")+"/v1/traces"))
	if err != nil {
		return nil, fmt.Errorf("make the exporter of traces: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(exporter),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(to.Ratio))),
		sdk.WithResource(about(ctx, to)),
	)
	end := tracing.Use(provider)
	return func() {
		end()
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
		defer cancel()
		if err := provider.Shutdown(flush); err != nil {
			log.Warn("traces", "error", err)
		}
	}, nil
}

// about describes this process; what the environment says wins, and a mistake in it costs only itself.
func about(ctx context.Context, to Target) *resource.Resource {
	ours := resource.NewSchemaless(attribute.String("service.name", to.Service), attribute.String("service.instance.id", to.Instance))
	said, err := resource.New(ctx, resource.WithFromEnv())
	if err != nil {
		otel.Handle(err)
	}
	whole, err := resource.Merge(ours, said)
	if err != nil {
		return ours
	}
	return whole
}

// mistakes finds which of OpenTelemetry's variables cannot be read, and not what is in them: headers hold tokens.
type mistakes struct{ log *slog.Logger }

func (m mistakes) Error(_ error, doing string, _ ...any) {
	m.log.Warn("traces", "error", "a variable of OpenTelemetry cannot be read: "+doing)
}

func (mistakes) Init(logr.RuntimeInfo)            {}
func (mistakes) Enabled(int) bool                 { return false }
func (mistakes) Info(int, string, ...any)         {}
func (m mistakes) WithValues(...any) logr.LogSink { return m }
func (m mistakes) WithName(string) logr.LogSink   { return m }
