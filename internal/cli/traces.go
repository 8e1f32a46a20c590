package cli

import (
	"context"
	"log/slog"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/tracing/otlp"
)

// traced exports the traces of a part until it ends, if TRACES_ENDPOINT is set.
func traced(name config.Part, serve process) func(context.Context, config.Config, *slog.Logger) error {
	return func(ctx context.Context, c config.Config, log *slog.Logger) error {
		stop, err := otlp.Export(ctx, otlp.Target{
			Endpoint: c.TracesEndpoint, Ratio: c.TracesRatio, Service: "onlywave-" + string(name), Instance: workerName(),
		}, log)
		if err != nil {
			return err
		}
		defer stop()
		return serve(ctx, c, log, watched)
	}
}
