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

// mailOf is the mail server that is set, or nothing.
func mailOf(c config.Config, door *workflows.Client, store *redis.Store) (activities.Mail, error) {
	if c.SMTPURL == "" {
		return activities.Mail{}, nil
	}
	sender, err := email.New(email.Config{URL: string(c.SMTPURL), From: c.EmailFrom})
	mail := activities.Mail{Sender: sender, Operators: c.OperatorsEmail, Start: door.Email}
	if c.EmailLimit > 0 {
		mail.PerReader = ratelimit.NewDistinct(store, "emails", c.EmailLimit, 24*time.Hour)
	}
	return mail, err
}

// buyersEmail begins the e-mails to buyers, if there is a mail server.
func buyersEmail(mail activities.Mail) func(context.Context, payment.Event) error {
	if mail.Sender == nil {
		return nil
	}
	return func(ctx context.Context, e payment.Event) error { return mail.Start(ctx, activities.ToBuyer(e)) }
}

func serveWorker(ctx context.Context, c config.Config, log *slog.Logger) error {
	record, err := postgres.Open(ctx, string(c.DatabaseURL), c.DatabaseConns)
	if err != nil {
		return err
	}
	defer record.Close()
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
	copies := cache.New(store, c.CacheTTL)
	door := workflows.NewClient(temporal, polls(c))
	mail, err := mailOf(c, door, store)
	if err != nil {
		return err
	}
	telling := relay.New(relay.Config{
		Record: record, Publisher: eventPublisher, Cache: copies, Email: buyersEmail(mail), RepeatAfter: c.EventRepeatDelay, Log: log,
	})
	w := &worker.Worker{
		Temporal: temporal, Workflows: door,
		Activities: activities.New(activities.Config{
			Record: record, Provider: provider, Breakers: breakers, Publisher: publisher, Events: eventPublisher, Told: telling.Take, Cache: copies,
			Notify: door.Notify, Running: door.Running, Redriving: door.Redriving, Mail: mail, SearchUntil: c.SearchBeforeChargeUntil,
		}),
		Record: record, Broker: broker, Publisher: publisher, Relay: telling,
		RetryDelay: c.WebhookRetryDelay, ProviderConcurrency: c.ProviderConcurrency, Log: log,
		Metrics: worker.NewMetrics(), Provider: provider,
	}
	watch := metrics.New(string(config.Worker), withEvents(readiness(record, publisher, door, w), telling), log)
	for _, measured := range []measured{w.Metrics, record, provider, publisher, eventPublisher, telling, store, breakers, calls, copies, sdk} {
		watch.Add(measured.Collectors()...)
	}
	if mail.Sender != nil {
		watch.Add(mail.Sender.Collectors()...)
	}
	watch.Add(worker.NewFigures(record, log), rabbitmq.NewQueues(broker, log))
	return watched(ctx, c, watch, log, w.Run)
}

// workerName tells this process from the others of the fleet.
func workerName() string {
	host, _ := os.Hostname() // without one the number alone must do
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
