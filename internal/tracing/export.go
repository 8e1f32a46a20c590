package tracing

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
	stopped := use(sdk.NewTracerProvider(
		sdk.WithBatcher(exporter),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(to.Ratio))),
		sdk.WithResource(about(ctx, to)),
	))
	return func() {
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
		defer cancel()
		if err := stopped(flush); err != nil {
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

// use makes spans with provider until stop.
func use(provider *sdk.TracerProvider) (stop func(context.Context) error) {
	t := provider.Tracer("github.com/onlywave/onlywave")
	tracer.Store(&t)
	return func(ctx context.Context) error {
		tracer.Store(nil)
		return provider.Shutdown(ctx)
	}
}
