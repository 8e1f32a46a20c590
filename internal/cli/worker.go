package cli

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/build"
	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/email"
	"github.com/onlywave/onlywave/internal/metrics"
	"github.com/onlywave/onlywave/internal/paylink"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
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
	if err == nil && c.CursorSecret != "" {
		var links *paylink.Links
		if links, err = paylink.New(c.PublicURL, []byte(c.CursorSecret)); err == nil {
			mail.PayPage = links.URL
		}
	}
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

// versioning is this build's part in the deployment at Temporal.
func versioning(c config.Config) worker.Versioning {
	if c.WorkerVersioning == config.VersioningOff {
		return worker.Versioning{}
	}
	return worker.Versioning{BuildID: cmp.Or(c.WorkerBuildID, build.ID()), Manual: c.WorkerVersioning == config.VersioningManual}
}

func serveWorker(ctx context.Context, c config.Config, log *slog.Logger, run runner) error {
	database, err := postgres.Open(ctx, string(c.DatabaseURL), c.DatabaseConns)
	if err != nil {
		return err
	}
	defer database.Close()
	database.IndexEmails(emailKeys(c))
	f, err := joinFleet(c, log)
	if err != nil {
		return err
	}
	defer f.leave()
	provider, calls, err := f.joinProvider(c, log)
	if err != nil {
		return err
	}
	paymentCache := cache.New(f.store, c.CacheTTL)
	client := workflows.NewClient(f.temporal, polls(c))
	mail, err := mailOf(c, f.store)
	if err != nil {
		return err
	}
	eventRelay := relay.New(relay.Config{
		Database: database, Publisher: f.events, Cache: paymentCache, Email: buyersEmail(mail, client), RepeatAfter: c.EventRepeatDelay, Log: log,
	})
	w := &worker.Worker{
		Temporal: f.temporal, Workflows: client,
		Activities: activities.New(activities.Config{
			Database: database, Provider: provider, Breakers: f.breakers, Publisher: f.publisher, Events: f.events, Relay: eventRelay, Cache: paymentCache,
			Workflows: client, Mail: mail, SearchUntil: c.SearchBeforeChargeUntil,
		}),
		Database: database, Broker: config.Plain(c.RabbitMQURLs), Publisher: f.publisher, Relay: eventRelay, Cache: paymentCache,
		RetryDelay: c.WebhookRetryDelay, ProviderConcurrency: c.ProviderConcurrency, Log: log,
		Metrics: worker.NewMetrics(), Provider: provider, Breakers: f.breakers,
		Versioning: versioning(c), AuthenticOnly: c.Environment == "live",
	}
	watch := metrics.New(string(config.Worker), withEvents(readiness(database, f.publisher, client, w), eventRelay), log)
	for _, measured := range []measured{w.Metrics, database, provider, f.publisher, f.events, eventRelay, f.store, f.breakers, calls, paymentCache, f.sdk, f.payloads} {
		watch.Add(measured.Collectors()...)
	}
	if mail.Sender != nil {
		watch.Add(mail.Sender.Collectors()...)
	}
	watch.Add(worker.NewGauges(database, log), worker.NewPinned(w), rabbitmq.NewQueues(config.Plain(c.RabbitMQURLs), log))
	return run(ctx, c, watch, log, w.Run)
}
