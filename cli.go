// Command onlywave is the whole platform in one binary: its parts are subcommands, and this file is
// the only place where they are wired. Its rule: each part is built from the ones above it in a flat
// list, and ends in the reverse order.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/api"
	"github.com/onlywave/onlywave/api/console"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/budget"
	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/redisstore"
	"github.com/onlywave/onlywave/internal/relay"
	"github.com/onlywave/onlywave/internal/replay"
	"github.com/onlywave/onlywave/internal/secondfactor"
	"github.com/onlywave/onlywave/internal/serve"
	"github.com/onlywave/onlywave/internal/session"
	"github.com/onlywave/onlywave/internal/span"
	"github.com/onlywave/onlywave/internal/telemetry"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/worker"
	"github.com/onlywave/onlywave/workflows"
)

// gcPercent lets the garbage wait: what lives is small, requests are many, and the default would collect
// every few megabytes. GOGC overrides it, GOMEMLIMIT bounds it.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Environ(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "onlywave:", err)
		os.Exit(1)
	}
}

// run is the program: arguments and environment in, until it is done or ctx ends.
func run(ctx context.Context, args, environ []string, out io.Writer) error {
	root := newRoot(environ, out)
	root.SetArgs(args)
	return flagged(root.ExecuteContext(ctx))
}

// newRoot is the command with all that it can do.
func newRoot(environ []string, out io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "onlywave",
		Short: "A payment platform: REST in, Mercado Pago out, every payment a Temporal workflow",
		// Errors are printed once, by main, and a wrong setting is no reason to print the usage.
		SilenceErrors: true, SilenceUsage: true,
	}
	part := func(name config.Part, short string, serve func(context.Context, config.Config, *slog.Logger) error) *cobra.Command {
		return &cobra.Command{Use: string(name), Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := settings(name, environ)
			if err != nil {
				return err
			}
			log := newLogger(c.LogLevel)
			for _, u := range c.Unprotected(name) {
				log.Warn("reached without TLS or without credentials, as the settings say", "dependency", u[0], "reason", u[1])
			}
			return serve(cmd.Context(), c, log)
		}}
	}
	root.AddCommand(
		part(config.API, "Serve the REST API and take webhooks in", traced(config.API, serveAPI)),
		part(config.Worker, "Run the workflows, their activities and the queues' consumers", traced(config.Worker, serveWorker)),
		part(config.Migrate, "Bring the database's schema, Temporal's search attributes and its schedules up to date", migrate),
		part(config.Simulator, "Serve a faithful fake Mercado Pago", serveSimulator),
		part(config.MailSink, "Take e-mails, deliver none and show them on a page", serveMailSink),
		keysCommand(environ, out),
		usersCommand(environ, out),
		breakersCommand(environ, out),
		reconcileCommand(environ, out),
		deadLettersCommand(environ, out),
		paymentsCommand(environ, out),
		recordCommand(environ, out),
		auditCommand(environ, out),
		configCommand(environ, out),
		healthyCommand(),
	)
	root.AddCommand(devCommands(out)...)
	refuseStrangers(root.Commands())
	root.SetOut(out)
	return root
}

func serveAPI(ctx context.Context, c config.Config, log *slog.Logger) error {
	verifier, err := mercadopago.NewVerifier(config.Plain(c.WebhookSecrets), c.WebhookWindow)
	if err != nil {
		return err
	}
	record, err := postgres.Open(ctx, string(c.DatabaseURL), c.DatabaseConns)
	if err != nil {
		return err
	}
	defer record.Close()
	if c.DatabaseReplicaURL != "" {
		if err := record.Follow(ctx, string(c.DatabaseReplicaURL), c.DatabaseReplicaConns, c.ReplicaMaxStaleness); err != nil {
			return err
		}
	}
	sdk, err := telemetry.NewTemporal()
	if err != nil {
		return err
	}
	temporal, err := dialMeasured(c, log, sdk.Handler())
	if err != nil {
		return err
	}
	defer temporal.Close()
	publisher := rabbitmq.NewPublisher(config.Plain(c.RabbitMQURLs), log)
	defer publisher.Close()
	events := rabbitmq.NewEventPublisher(config.Plain(c.RabbitMQURLs), log)
	defer events.Close()
	store, err := openRedis(c, log)
	if err != nil {
		return err
	}
	defer store.Close()
	breakers := breaker.NewFleet(store, workerName(), log)
	announced := worker.NewBreakerEvents(events, log)
	defer announced.Wait()
	breakers.Changed, breakers.Audit = announced.Announce, record.Audit
	copies := cache.New(store, c.CacheTTL)
	replays := replay.New(store, c.WebhookWindow)
	defer replays.Close()
	door := workflows.NewClient(temporal, polls(c))
	ready := readiness(record, publisher, door)
	limiter := ratelimit.New(store)
	people, err := newConsole(c, log, record, store, door, breakers, limiter, ready)
	if err != nil {
		return err
	}
	server, err := api.New(api.Config{
		Environment: c.Environment,
		Payments:    door, Record: record, Publisher: publisher, Verifier: verifier, Breakers: breakers,
		Limiter: limiter, Cache: copies, Replays: replays,
		Limits: api.Limits{
			Writes: c.RateLimitWrites, Reads: c.RateLimitReads, Operations: c.RateLimitOperations, Refused: c.RateLimitRefused,
		},
		DeadLetters: record, Redrives: door, Console: people,
		CursorSecret: []byte(c.CursorSecret), PublicURL: c.PublicURL,
		TemporalUIURL: c.TemporalUIURL, TemporalNamespace: c.TemporalNamespace,
		TrustedProxies: c.TrustedProxies, Log: log,
		Ready: ready,
	})
	if err != nil {
		return err
	}
	watch := telemetry.New(string(config.API), ready, log)
	watch.Add(rabbitmq.NewQueues(config.Plain(c.RabbitMQURLs), log))
	for _, measured := range []measured{server, record, publisher, events, store, breakers, limiter, copies, replays, sdk} {
		watch.Add(measured.Collectors()...)
	}
	return watched(ctx, c, watch, log, func(ctx context.Context) error {
		serving, stop := server.Drained(ctx, c.DrainWait)
		defer stop()
		return serve.HTTP(serving, serve.Options{
			Address: c.APIAddress, Handler: server, PerAddress: clientConnections, Balancers: c.TrustedProxies, Finish: api.FinishTime, Log: log,
		})
	})
}

// newConsole makes the operators' pages of what the API has.
func newConsole(c config.Config, log *slog.Logger, record *postgres.Store, store *redisstore.Store, door *workflows.Client,
	breakers *breaker.Fleet, limiter *ratelimit.Limiter, ready func(context.Context) map[string]error,
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
		Record: record, Redrives: door, Settling: door, Breakers: breakers, Limiter: limiter,
		Sessions: session.New(store, session.Options{
			Secure: strings.HasPrefix(c.PublicURL, "https:"), Idle: c.SessionIdle, Lifetime: c.SessionLifetime,
		}),
		Ready: ready,
		Queues: func(ctx context.Context) ([]rabbitmq.QueueDepth, error) {
			return rabbitmq.Depths(ctx, config.Plain(c.RabbitMQURLs))
		},
		PublicURL: c.PublicURL, TemporalUIURL: c.TemporalUIURL, TemporalNamespace: c.TemporalNamespace, Log: log,
	})
}

func serveWorker(ctx context.Context, c config.Config, log *slog.Logger) error {
	provider, err := mercadopago.New(mercadopago.Config{
		BaseURL: c.MercadoPagoURL, AccessToken: string(c.MercadoPagoAccessToken),
		Timeout: c.MercadoPagoTimeout, NotificationURL: c.MercadoPagoNotificationURL,
		CollectorID: c.MercadoPagoCollectorID, Live: c.Environment == "live",
	})
	if err != nil {
		return err
	}
	record, err := postgres.Open(ctx, string(c.DatabaseURL), c.DatabaseConns)
	if err != nil {
		return err
	}
	defer record.Close()
	sdk, err := telemetry.NewTemporal()
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
	events := rabbitmq.NewEventPublisher(broker, log)
	defer events.Close()
	breakers := breaker.NewFleet(store, workerName(), log)
	announced := worker.NewBreakerEvents(events, log)
	defer announced.Wait()
	breakers.Changed = announced.Announce
	calls := budget.New(store, "mercadopago", workerName(), c.MercadoPagoRate, log)
	copies := cache.New(store, c.CacheTTL)
	door := workflows.NewClient(temporal, polls(c))
	mail, err := mailOf(c, door, store)
	if err != nil {
		return err
	}
	telling := relay.New(relay.Config{
		Record: record, Publisher: events, Cache: copies, Email: buyersEmail(mail), RepeatAfter: c.EventRepeatDelay, Log: log,
	})
	w := &worker.Worker{
		Temporal: temporal, Workflows: door,
		Activities: activities.New(activities.Config{
			Record: record, Provider: provider, Budget: calls, Breakers: breakers, Publisher: publisher, Events: events, Told: telling.Take, Cache: copies,
			Notify: door.Notify, Running: door.Running, Redriving: door.Redriving, Mail: mail, SearchUntil: c.SearchBeforeChargeUntil,
		}),
		Record: record, Broker: broker, Publisher: publisher, Relay: telling,
		RetryDelay: c.WebhookRetryDelay, ProviderConcurrency: c.ProviderConcurrency, Log: log,
		Metrics: worker.NewMetrics(), Provider: provider,
	}
	watch := telemetry.New(string(config.Worker), withEvents(readiness(record, publisher, door, w), telling), log)
	for _, measured := range []measured{w.Metrics, record, provider, publisher, events, telling, store, breakers, calls, copies, sdk} {
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

func migrate(ctx context.Context, c config.Config, log *slog.Logger) error {
	if err := postgres.Migrate(ctx, string(c.DatabaseURL), log); err != nil {
		return err
	}
	temporal, err := dialTemporal(c, log)
	if err != nil {
		return err
	}
	defer temporal.Close()
	if err := workflows.AddSearchAttributes(ctx, temporal, c.TemporalNamespace); err != nil {
		return err
	}
	if err := workflows.KeepPruning(ctx, temporal, retention(c)); err != nil {
		return err
	}
	return workflows.KeepReconciling(ctx, temporal, c.ReconcileEvery, c.ReconcileGrace)
}

func serveSimulator(ctx context.Context, c config.Config, log *slog.Logger) error {
	s, err := openSimulator(simulator.Config{
		AccessToken: string(c.MercadoPagoAccessToken), WebhookSecret: string(c.WebhookSecrets[0]),
		PublicURL: c.SimulatorURL, TimeScale: c.SimulatorTimeScale, Log: log,
	}, c.SimulatorData)
	if err != nil {
		return err
	}
	defer s.Close()
	return serveHTTP(ctx, c.SimulatorAddress, s, log)
}

func openSimulator(c simulator.Config, file string) (*simulator.Simulator, error) {
	if file == "" {
		return simulator.New(c), nil
	}
	return simulator.Open(c, file)
}

// How many connections one client may have to a part of ours at one time, where no balancer counts them. With 12 KiB for each, one
// that has them all uses 24 MiB.
const (
	clientConnections  = 2048
	metricsConnections = 64
)

// serveHTTP serves what has one kind of client.
func serveHTTP(ctx context.Context, address string, handler http.Handler, log *slog.Logger) error {
	return serve.HTTP(ctx, serve.Options{Address: address, Handler: handler, PerAddress: clientConnections, Finish: api.FinishTime, Log: log})
}

func newLogger(level string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // config has checked it
	return slog.New(span.Logged(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: l})))
}

// healthyCommand is the container's health check: its image has neither a shell nor curl.
func healthyCommand() *cobra.Command {
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

// configCommand prints the table of settings that the README shows.
