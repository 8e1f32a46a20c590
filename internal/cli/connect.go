package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"go.temporal.io/sdk/client"

	"github.com/onlywave/onlywave/internal/blindindex"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/events"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/metrics"
	"github.com/onlywave/onlywave/internal/payloadcodec"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/providerlimit"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/redis"
)

func openRedis(c config.Config, log *slog.Logger) (*redis.Store, error) {
	store, err := redis.Open(string(c.RedisURL), log)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	return store, nil
}

// emailKeys are the keys of the index by which payments are found by e-mail.
func emailKeys(c config.Config) blindindex.Keys { return blindindex.New(config.Plain(c.SearchKey)...) }

// openDatabases opens the primary and, if it is set, the replica for reading lists.
func openDatabases(ctx context.Context, c config.Config) (*postgres.Store, error) {
	database, err := postgres.Open(ctx, string(c.DatabaseURL), c.DatabaseConns)
	if err != nil {
		return nil, err
	}
	database.IndexEmails(emailKeys(c))
	if c.DatabaseReplicaURL == "" {
		return database, nil
	}
	if err := database.Follow(ctx, string(c.DatabaseReplicaURL), c.DatabaseReplicaConns, c.ReplicaMaxStaleness); err != nil {
		database.Close()
		return nil, err
	}
	return database, nil
}

// fleet is what the api and the worker share with all other processes, beside the database.
type fleet struct {
	sdk       *metrics.Temporal
	payloads  *payloadcodec.Codec
	temporal  client.Client
	store     *redis.Store
	publisher *rabbitmq.Publisher
	events    *rabbitmq.Publisher
	breakers  *breaker.Fleet
	changes   *events.Breakers
}

// joinFleet makes the clients. They connect in the background, and come back by themselves.
func joinFleet(c config.Config, log *slog.Logger) (*fleet, error) {
	sdk, err := metrics.NewTemporal()
	if err != nil {
		return nil, err
	}
	payloads, err := payloadCodec(c)
	if err != nil {
		return nil, err
	}
	temporal, err := dialMeasured(c, log, payloads, sdk.Handler())
	if err != nil {
		return nil, err
	}
	store, err := openRedis(c, log)
	if err != nil {
		temporal.Close()
		return nil, err
	}
	f := &fleet{
		sdk: sdk, payloads: payloads, temporal: temporal, store: store,
		publisher: rabbitmq.NewPublisher(config.Plain(c.RabbitMQURLs), log), events: rabbitmq.NewEventPublisher(config.Plain(c.RabbitMQURLs), log),
		breakers: breaker.NewFleet(store, workerName(), log),
	}
	f.changes = events.NewBreakers(f.events, log)
	f.breakers.Changed = f.changes.Publish
	return f, nil
}

// joinProvider makes a client of Mercado Pago, whose calls count with those of all processes.
func (f *fleet) joinProvider(c config.Config, log *slog.Logger) (*mercadopago.Client, *providerlimit.Limit, error) {
	calls := providerlimit.New(f.store, "mercadopago", workerName(), c.MercadoPagoRate, log)
	client, err := mercadopago.New(mercadopago.Config{
		BaseURL: c.MercadoPagoURL, AccessToken: string(c.MercadoPagoAccessToken),
		Timeout: c.MercadoPagoTimeout, NotificationURL: c.MercadoPagoNotificationURL,
		CollectorID: c.MercadoPagoCollectorID, Live: c.Environment == "live", Breakers: f.breakers, Limit: calls,
	})
	return client, calls, err
}

// leave closes everything, in the reverse order; a change of a breaker is published first.
func (f *fleet) leave() {
	f.changes.Wait()
	f.events.Close()
	f.publisher.Close()
	f.store.Close()
	f.temporal.Close()
}

// workerName is the name of this process among the others: host and process id.
func workerName() string {
	host, _ := os.Hostname() // without a host name the process id has to do
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
