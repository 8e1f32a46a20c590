package cli

import (
	"fmt"
	"log/slog"
	"os"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/payloadcodec"
	"github.com/onlywave/onlywave/internal/tracing"
	"github.com/onlywave/onlywave/internal/tracing/temporaltracing"
	"github.com/onlywave/onlywave/workflows"
)

func dialTemporal(c config.Config, log *slog.Logger) (client.Client, error) {
	codec, err := payloadCodec(c)
	if err != nil {
		return nil, err
	}
	return dialMeasured(c, log, codec, client.MetricsNopHandler)
}

// payloadCodec encrypts what Temporal stores.
func payloadCodec(c config.Config) (*payloadcodec.Codec, error) {
	return payloadcodec.New(c.TemporalNamespace, config.Plain(c.PayloadKeys)...)
}

// dialMeasured is dialTemporal with metrics of the client.
func dialMeasured(c config.Config, log *slog.Logger, codec *payloadcodec.Codec, measures client.MetricsHandler) (client.Client, error) {
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: temporalSettings{c}})
	if err != nil {
		return nil, fmt.Errorf("read Temporal's settings: %w", err)
	}
	options.HostPort, options.Namespace = c.TemporalAddress, c.TemporalNamespace
	// Temporal is close by: compressing small messages costs both sides more than sending them.
	options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	options.MetricsHandler = measures
	codec.Apply(&options)
	if tracing.On() {
		options.ContextPropagators = []workflow.ContextPropagator{temporaltracing.Propagator{}}
	}
	options.Logger = sdklog.NewStructuredLogger(log)
	temporal, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("make Temporal's client: %w", err)
	}
	return temporal, nil
}

// temporalSettings is the environment for Temporal's own reader of settings: our settings, which may come from files, and the rest of
// the environment.
type temporalSettings struct{ c config.Config }

func (s temporalSettings) Environ() []string { return os.Environ() }

func (s temporalSettings) LookupEnv(name string) (string, bool) {
	switch {
	case name == "TEMPORAL_TLS" && s.c.TemporalTLS != "":
		return s.c.TemporalTLS, true
	case name == "TEMPORAL_API_KEY" && s.c.TemporalAPIKey != "":
		return string(s.c.TemporalAPIKey), true
	}
	return os.LookupEnv(name)
}

func polls(c config.Config) workflows.Polls {
	return workflows.Polls{First: c.PollFirst, Max: c.PollMax, AfterExpiry: c.PollAfterExpiry}
}
