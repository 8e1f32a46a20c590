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
func watched(ctx context.Context, c config.Config, watch *metrics.Watch, log *slog.Logger, part func(context.Context) error) error {
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

// How many connections one client may have to a part of ours at one time, where no balancer counts them. With 12 KiB for each, one
// that has them all uses 24 MiB.
const (
	clientConnections  = 2048
	metricsConnections = 64
)

// Serve serves what has one kind of client.
func Serve(ctx context.Context, address string, handler http.Handler, log *slog.Logger) error {
	return serve.HTTP(ctx, serve.Options{Address: address, Handler: handler, PerAddress: clientConnections, Finish: api.FinishTime, Log: log})
}

// HealthyCommand is the container's health check: its image has neither a shell nor curl.
func HealthyCommand() *cobra.Command {
	return &cobra.Command{Use: "healthy URL", Short: "Succeed if the address answers 200", Args: cobra.ExactArgs(1),
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
