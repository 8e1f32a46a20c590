package cli

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/onlywave/onlywave/api"
	"github.com/onlywave/onlywave/api/console"
	"github.com/onlywave/onlywave/api/paypage"
	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/lookup"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/metrics"
	"github.com/onlywave/onlywave/internal/paylink"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/presence"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/replay"
	"github.com/onlywave/onlywave/internal/secondfactor"
	"github.com/onlywave/onlywave/internal/serve"
	"github.com/onlywave/onlywave/internal/session"
	"github.com/onlywave/onlywave/workflows"
)

// How long Mercado Pago's terms are believed, and for how long they answer when it does not.
const (
	termsFresh = 10 * time.Minute
	termsKept  = 24 * time.Hour
)

func serveAPI(ctx context.Context, c config.Config, log *slog.Logger, run runner) error {
	verifier, err := mercadopago.NewVerifier(config.Plain(c.WebhookSecrets), c.WebhookWindow)
	if err != nil {
		return err
	}
	database, err := openDatabases(ctx, c)
	if err != nil {
		return err
	}
	defer database.Close()
	f, err := joinFleet(c, log)
	if err != nil {
		return err
	}
	defer f.leave()
	f.breakers.Audit = database.Audit
	provider, calls, err := f.joinProvider(c, log)
	if err != nil {
		return err
	}
	answers := cache.NewAnswers(f.store, termsFresh, termsKept)
	paymentCache := cache.New(f.store, c.CacheTTL)
	replays := replay.New(f.store, c.WebhookWindow)
	defer replays.Close()
	client := workflows.NewClient(f.temporal, polls(c))
	client.Hash = f.payloads.Hash
	ready := readiness(database, f.publisher, client)
	limiter := ratelimit.New(f.store)
	pages, err := newConsole(c, log, database, f, client, limiter, ready)
	if err != nil {
		return err
	}
	payLinks, payPages, err := newPayPages(c, log, lookup.Payments{Database: database, Workflows: client, Cache: paymentCache}, newCards(c, client, provider, answers))
	if err != nil {
		return err
	}
	server, err := api.New(api.Config{
		Environment: c.Environment,
		Workflows:   client, Database: database, Publisher: f.publisher, Verifier: verifier, Breakers: f.breakers,
		Provider: provider, Answers: answers,
		Limiter: limiter, Cache: paymentCache, Replays: replays,
		Limits: api.Limits{
			Writes: c.RateLimitWrites, Reads: c.RateLimitReads, Operations: c.RateLimitOperations, Refused: c.RateLimitRefused,
		},
		Console: pages, PayPages: payPages, PayLinks: payLinks, Ready: ready,
		CursorSecret: []byte(c.CursorSecret), PublicURL: c.PublicURL,
		TemporalUIURL: c.TemporalUIURL, TemporalNamespace: c.TemporalNamespace,
		TrustedProxies: c.TrustedProxies, Log: log,
	})
	if err != nil {
		return err
	}
	watch := metrics.New(string(config.API), ready, log)
	watch.Add(rabbitmq.NewQueues(config.Plain(c.RabbitMQURLs), log))
	for _, measured := range []measured{server, database, f.publisher, f.events, f.store, f.breakers, limiter, provider, calls, answers, paymentCache, replays, f.sdk, f.payloads} {
		watch.Add(measured.Collectors()...)
	}
	return run(ctx, c, watch, log, func(ctx context.Context) error {
		serving, stop := server.Drained(ctx, c.DrainWait)
		defer stop()
		return serve.HTTP(serving, serve.Options{
			Address: c.APIAddress, Handler: server, PerAddress: clientConnections, Balancers: c.TrustedProxies, Finish: api.FinishTime, Log: log,
		})
	})
}

// newPayPages makes the buyers' pages, and the links to them.
func newPayPages(c config.Config, log *slog.Logger, payments lookup.Payments, cards *paypage.Cards) (*paylink.Links, *paypage.Pages, error) {
	links, err := paylink.New(c.PublicURL, []byte(c.CursorSecret))
	if err != nil {
		return nil, nil, err
	}
	pages, err := paypage.New(paypage.Config{Payments: payments, Links: links, Log: log, Cards: cards})
	return links, pages, err
}

// newCards is what the pages need where cards are entered; nil without a public key.
func newCards(c config.Config, client *workflows.Client, provider *mercadopago.Client, answers *cache.Answers) *paypage.Cards {
	if c.MercadoPagoPublicKey == "" {
		return nil
	}
	return &paypage.Cards{
		PublicKey: c.MercadoPagoPublicKey, ScriptURL: c.MercadoPagoScriptURL, Enter: client.EnterCard,
		Installments: func(ctx context.Context, q payment.InstallmentQuestion) ([]payment.InstallmentOffer, error) {
			ctx = mercadopago.WithPriority(ctx, payment.ForBuyer, "")
			offers, _, err := cache.Answer(ctx, answers, api.InstallmentsKey(q), func(ctx context.Context) ([]payment.InstallmentOffer, error) {
				return provider.Installments(ctx, q)
			})
			return offers, err
		},
	}
}

// newConsole makes the operators' console from parts of the API.
func newConsole(c config.Config, log *slog.Logger, database *postgres.Store, f *fleet, client *workflows.Client,
	limiter *ratelimit.Limiter, ready func(context.Context) map[string]error,
) (*console.Console, error) {
	var seal *secondfactor.Seal
	if c.ConsoleSecret != "" {
		var err error
		if seal, err = secondfactor.NewSeal(string(c.ConsoleSecret)); err != nil {
			return nil, err
		}
	}
	return console.New(console.Config{
		Seal: seal, RequireSecondFactor: c.Environment == "live",
		Store: database, Payments: lookup.Payments{Database: database, Workflows: client}, Stories: newTeller(c, database, client), Redrives: client, Commands: client, Breakers: f.breakers, Presence: presence.New(f.store), Limiter: limiter,
		Sessions: session.New(f.store, session.Options{
			Secure: strings.HasPrefix(c.PublicURL, "https:"), Idle: c.SessionIdle, Lifetime: c.SessionLifetime,
		}),
		Ready: ready,
		Queues: func(ctx context.Context) ([]rabbitmq.QueueDepth, error) {
			return rabbitmq.Depths(ctx, config.Plain(c.RabbitMQURLs))
		},
		PublicURL: c.PublicURL, TemporalUIURL: c.TemporalUIURL, TemporalNamespace: c.TemporalNamespace, Log: log,
		Codec: f.payloads.Lenient(), CodecOrigins: c.TemporalUIOrigins,
	})
}
