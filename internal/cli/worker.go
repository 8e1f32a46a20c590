package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/email"
	"github.com/onlywave/onlywave/internal/events"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/metrics"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/providerlimit"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/internal/relay"
	"github.com/onlywave/onlywave/worker"
	"github.com/onlywave/onlywave/workflows"
)

// mailOf is the mail server of the settings; without one it is empty.
func mailOf(c config.Config, store *redis.Store) (activities.Mail, error) {
	if c.SMTPURL == "" {
		return activities.Mail{}, nil
	}
	sender, err := email.New(email.Config{URL: string(c.SMTPURL), From: c.EmailFrom})
	mail := activities.Mail{Sender: sender, Operators: c.OperatorsEmail}
	if c.EmailLimit > 0 {
		mail.PerReader = ratelimit.NewDistinct(store, "emails", c.EmailLimit, 24*time.Hour)
	}
	return mail, err
}

// buyersEmail starts the e-mails to buyers; without a mail server it is nil.
func buyersEmail(mail activities.Mail, client *workflows.Client) func(context.Context, payment.Event) error {
	if mail.Sender == nil {
		return nil
	}
	return func(ctx context.Context, e payment.Event) error { return client.StartEmail(ctx, activities.ToBuyer(e)) }
}

func serveWorker(ctx context.Context, c config.Config, log *slog.Logger, run runner) error {
	database, err := postgres.Open(ctx, string(c.DatabaseURL), c.DatabaseConns)
	if err != nil {
		return err
	}
	defer database.Close()
	sdk, err := metrics.NewTemporal()
	if err != nil {
		return err
	}
	temporal, err := dialMeasured(c, log, sdk.Handler())
	if err != nil {
		return err
	}
	defer temporal.Close()
	store, err := openRedis(c, log)
	if err != nil {
		return err
	}
	defer store.Close()
	broker := config.Plain(c.RabbitMQURLs)
	publisher := rabbitmq.NewPublisher(broker, log)
	defer publisher.Close()
	eventPublisher := rabbitmq.NewEventPublisher(broker, log)
	defer eventPublisher.Close()
	breakers := breaker.NewFleet(store, workerName(), log)
	changes := events.NewBreakers(eventPublisher, log)
	defer changes.Wait()
	breakers.Changed = changes.Publish
	calls := providerlimit.New(store, "mercadopago", workerName(), c.MercadoPagoRate, log)
	provider, err := mercadopago.New(mercadopago.Config{
		BaseURL: c.MercadoPagoURL, AccessToken: string(c.MercadoPagoAccessToken),
		Timeout: c.MercadoPagoTimeout, NotificationURL: c.MercadoPagoNotificationURL,
		CollectorID: c.MercadoPagoCollectorID, Live: c.Environment == "live", Breakers: breakers, Limit: calls,
	})
	if err != nil {
		return err
	}
	paymentCache := cache.New(store, c.CacheTTL)
	client := workflows.NewClient(temporal, polls(c))
	mail, err := mailOf(c, store)
	if err != nil {
		return err
	}
	eventRelay := relay.New(relay.Config{
		Database: database, Publisher: eventPublisher, Cache: paymentCache, Email: buyersEmail(mail, client), RepeatAfter: c.EventRepeatDelay, Log: log,
	})
	w := &worker.Worker{
		Temporal: temporal, Workflows: client,
		Activities: activities.New(activities.Config{
			Database: database, Provider: provider, Breakers: breakers, Publisher: publisher, Events: eventPublisher, Relay: eventRelay, Cache: paymentCache,
			Workflows: client, Mail: mail, SearchUntil: c.SearchBeforeChargeUntil,
		}),
		Database: database, Broker: broker, Publisher: publisher, Relay: eventRelay,
		RetryDelay: c.WebhookRetryDelay, ProviderConcurrency: c.ProviderConcurrency, Log: log,
		Metrics: worker.NewMetrics(), Provider: provider,
	}
	watch := metrics.New(string(config.Worker), withEvents(readiness(database, publisher, client, w), eventRelay), log)
	for _, measured := range []measured{w.Metrics, database, provider, publisher, eventPublisher, eventRelay, store, breakers, calls, paymentCache, sdk} {
		watch.Add(measured.Collectors()...)
	}
	if mail.Sender != nil {
		watch.Add(mail.Sender.Collectors()...)
	}
	watch.Add(worker.NewGauges(database, log), rabbitmq.NewQueues(broker, log))
	return run(ctx, c, watch, log, w.Run)
}

// workerName is the name of this process among the others: host and process id.
func workerName() string {
	host, _ := os.Hostname() // without a host name the process id has to do
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
