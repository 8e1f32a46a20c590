package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/events"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// brokerTimeout is how long a command waits for RabbitMQ.
const brokerTimeout = 3 * time.Second

// breakersCommand shows the circuit breakers and lets an operator override them.
func breakersCommand(environ []string, out io.Writer) *cobra.Command {
	breakers := &cobra.Command{Use: "breakers", Short: "Show the circuit breakers, or hold one open or closed",
		Long: "Show the circuit breakers, or hold one open or closed.\n\n" +
			"There is one breaker for each kind of call to Mercado Pago; all processes share it through Redis. While Redis is\n" +
			"unavailable, each process keeps the setting that it has read last; a process that starts then does not know it. If Redis\n" +
			"loses its data, the setting is lost."}
	breakers.AddCommand(&cobra.Command{Use: "list", Short: "Show every breaker's state", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withFleet(environ, func(_ config.Config, fleet *breaker.Fleet, _ *slog.Logger) error {
				return listBreakers(cmd.Context(), fleet, out)
			})
		}})
	for _, change := range []struct {
		use, short string
		to         breaker.State
	}{
		{"open", "Hold a breaker open: no calls of its kind until it is set to automatic", breaker.Open},
		{"close", "Hold a breaker closed: all calls of its kind go through, also if they fail, until it is set to automatic", breaker.Closed},
		{"automatic", "Let a breaker open and close by itself again", breaker.Automatic},
	} {
		var by signature
		command := &cobra.Command{Use: change.use + " NAME", Short: change.short, Long: change.short + ".\n\nNAME is one of: " + strings.Join(breaker.Names(), ", ") + ".",
			Args: cobra.ExactArgs(1), ValidArgs: breaker.Names(),
			RunE: func(cmd *cobra.Command, args []string) error {
				return withFleet(environ, func(c config.Config, fleet *breaker.Fleet, log *slog.Logger) error {
					return forceBreaker(cmd.Context(), c, fleet, log, by.by(), args[0], breaker.Setting{To: change.to, Reason: by.reason}, out)
				})
			}}
		by.flags(command)
		breakers.AddCommand(command)
	}
	return breakers
}

// withFleet runs a command with the breakers.
func withFleet(environ []string, use func(config.Config, *breaker.Fleet, *slog.Logger) error) error {
	c, err := settings(config.Breakers, environ)
	if err != nil {
		return err
	}
	log := newLogger(c.LogLevel)
	store, err := openRedis(c, log)
	if err != nil {
		return err
	}
	defer store.Close()
	return use(c, breaker.NewFleet(store, workerName(), log), log)
}

// forceBreaker overrides a breaker and publishes the event as every other process does. If RabbitMQ is unavailable the breaker is
// overridden all the same, and the change is only logged.
func forceBreaker(ctx context.Context, c config.Config, fleet *breaker.Fleet, log *slog.Logger,
	actor audit.Actor, name string, s breaker.Setting, out io.Writer,
) error {
	database, err := postgres.Open(ctx, string(c.DatabaseURL), 1)
	if err != nil {
		return err
	}
	defer database.Close()
	publisher := rabbitmq.NewPublisher(config.Plain(c.RabbitMQURLs), slog.New(slog.DiscardHandler))
	defer publisher.Close()
	awaitReady(ctx, publisher)
	changes := events.NewBreakers(publisher, log)
	defer changes.Wait()
	fleet.Changed, fleet.Audit = changes.Publish, database.Audit
	if err := fleet.Force(ctx, actor, name, s); err != nil {
		return err
	}
	return listBreakers(ctx, fleet, out)
}

// awaitReady waits until a new publisher is connected, for brokerTimeout at most.
func awaitReady(ctx context.Context, publisher *rabbitmq.Publisher) {
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for publisher.Ready() != nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func listBreakers(ctx context.Context, fleet *breaker.Fleet, out io.Writer) error {
	all, err := fleet.Statuses(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BREAKER\tSTATE\tSINCE\tUNTIL\tOPENINGS\tFORCED\tBY\tREASON")
	for _, s := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n",
			s.Name, s.State, formatTime(s.Since), formatTime(s.Until), s.Openings, s.Forced, cell(s.Actor), cell(s.Reason))
	}
	return table.Flush()
}
