package main

import (
	"context"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/api"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/relay"
	"github.com/onlywave/onlywave/internal/serve"
	"github.com/onlywave/onlywave/internal/telemetry"
	"github.com/onlywave/onlywave/workflows"
)

// measured is whatever has metrics of its own.
type measured interface{ Collectors() []prometheus.Collector }

// readiness asks what the api and the workers depend on, all at once: one that hangs must not use up the others' time. Redis
// is not of it: they work without.
// What else a part has to do with the broker is asked, too.
func readiness(record *postgres.Store, publisher *rabbitmq.Publisher, door *workflows.Client, broker ...interface{ Ready() error },
) func(context.Context) map[string]error {
	return func(ctx context.Context) map[string]error {
		var postgres, temporal error
		var asking sync.WaitGroup
		asking.Go(func() { postgres = record.Ready(ctx) })
		asking.Go(func() { temporal = door.Ready(ctx) })
		asking.Wait()
		rabbitMQ := publisher.Ready()
		for _, b := range broker {
			if rabbitMQ == nil {
				rabbitMQ = b.Ready()
			}
		}
		return map[string]error{"postgres": postgres, "rabbitmq": rabbitMQ, "temporal": temporal}
	}
}

// withEvents asks, too, whether all queues that others have bound to onlywave.events take what they are sent.
func withEvents(ready func(context.Context) map[string]error, telling *relay.Relay) func(context.Context) map[string]error {
	return func(ctx context.Context) map[string]error {
		all := ready(ctx)
		all[rabbitmq.ExchangeEvents] = telling.Ready()
		return all
	}
}

// watched runs a part and, where that is set, shows its metrics and its health until it has ended, its drain included.
func watched(ctx context.Context, c config.Config, watch *telemetry.Watch, log *slog.Logger, part func(context.Context) error) error {
	if c.MetricsAddress == "" {
		return part(ctx)
	}
	group, ctx := errgroup.WithContext(ctx)
	showing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group.Go(func() error {
		return serve.HTTP(showing, serve.Options{
			Address: c.MetricsAddress, Handler: watch.Handler(), PerAddress: metricsConnections, Finish: api.FinishTime, Log: log,
		})
	})
	group.Go(func() error {
		defer stop()
		return part(ctx)
	})
	return group.Wait()
}
