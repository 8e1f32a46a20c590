package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/api"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/metrics"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/relay"
	"github.com/onlywave/onlywave/internal/serve"
	"github.com/onlywave/onlywave/workflows"
)

// measured has metrics.
type measured interface{ Collectors() []prometheus.Collector }

// readiness checks the dependencies of an api or a worker, all at the same time, so that one that hangs does not use up the timeout of
// the others. Redis is not one of them: the processes work without it. broker are further users of RabbitMQ.
func readiness(database *postgres.Store, publisher *rabbitmq.Publisher, client *workflows.Client, broker ...interface{ Ready() error },
) func(context.Context) map[string]error {
	return func(ctx context.Context) map[string]error {
		var postgres, temporal error
		var checks sync.WaitGroup
		checks.Go(func() { postgres = database.Ready(ctx) })
		checks.Go(func() { temporal = client.Ready(ctx) })
		checks.Wait()
		rabbitMQ := publisher.Ready()
		for _, b := range broker {
			if rabbitMQ == nil {
				rabbitMQ = b.Ready()
			}
		}
		return map[string]error{"postgres": postgres, "rabbitmq": rabbitMQ, "temporal": temporal}
	}
}

// withEvents adds a check: every queue that is bound to onlywave.events accepts events.
func withEvents(ready func(context.Context) map[string]error, eventRelay *relay.Relay) func(context.Context) map[string]error {
	return func(ctx context.Context) map[string]error {
		all := ready(ctx)
		all[rabbitmq.ExchangeEvents] = eventRelay.Ready()
		return all
	}
}

// process builds a part of the platform and gives it to run, which is watched, but where a test only asks what would be measured.
type process func(ctx context.Context, c config.Config, log *slog.Logger, run runner) error

type runner func(ctx context.Context, c config.Config, watch *metrics.Watch, log *slog.Logger, part func(context.Context) error) error

// watched runs a part and, if METRICS_ADDRESS is set, serves its metrics and health until the part has ended, its drain included.
func watched(ctx context.Context, c config.Config, watch *metrics.Watch, log *slog.Logger, part func(context.Context) error) error {
	if c.MetricsAddress == "" {
		return part(ctx)
	}
	group, ctx := errgroup.WithContext(ctx)
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group.Go(func() error {
		return serve.HTTP(serving, serve.Options{
			Address: c.MetricsAddress, Handler: watch.Handler(), PerAddress: metricsConnections, Finish: api.FinishTime, Log: log,
		})
	})
	group.Go(func() error {
		defer stop()
		return part(ctx)
	})
	return group.Wait()
}

// The largest number of connections of one client at a time, where no load balancer limits them. Each takes 12 KiB, so a client with
// all its connections takes 24 MiB.
const (
	clientConnections  = 2048
	metricsConnections = 64
)

// Serve serves handler at address until ctx ends.
func Serve(ctx context.Context, address string, handler http.Handler, log *slog.Logger) error {
	return serve.HTTP(ctx, serve.Options{Address: address, Handler: handler, PerAddress: clientConnections, Finish: api.FinishTime, Log: log})
}

// HealthyCommand is the health check of a container, whose image has neither a shell nor curl.
func HealthyCommand() *cobra.Command {
	return &cobra.Command{Use: "healthy URL", Short: "Exit with 0 if a GET of the URL answers 200 within 2 seconds, for containers", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, args[0], nil)
			if err != nil {
				return err
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return fmt.Errorf("%s answers %s", args[0], answer.Status)
			}
			return nil
		}}
}
