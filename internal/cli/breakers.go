package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
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

// brokerTime is how long a command waits for RabbitMQ.
const brokerTime = 3 * time.Second

// breakersCommand shows the circuit breakers and lets an operator overrule them.
func breakersCommand(environ []string, out io.Writer) *cobra.Command {
	breakers := &cobra.Command{Use: "breakers", Short: "Show the circuit breakers, or hold one open or closed",
		Long: "Show the circuit breakers, or hold one open or closed.\n\n" +
			"A breaker that is held stays so while Redis is away, in every process that has met it. It is forgotten by a Redis\n" +
			"that is flushed, and not known to a process that starts while Redis is away."}
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
		{"open", "Stop all calls of a kind until it is set to automatic", breaker.Open},
		{"close", "Let all calls of a kind through, whatever comes of them, until it is set to automatic", breaker.Closed},
		{"automatic", "Let a breaker decide for itself again", breaker.Automatic},
	} {
		var by signature
		command := &cobra.Command{Use: change.use + " NAME", Short: change.short, Args: cobra.ExactArgs(1), ValidArgs: breaker.Names(),
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

// withFleet is what a command does with the breakers.
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

// forceBreaker overrules a breaker, and publishes that as every other process does. A broker that is away does not keep an
// operator from it: then the change is logged only.
func forceBreaker(ctx context.Context, c config.Config, fleet *breaker.Fleet, log *slog.Logger,
	actor audit.Actor, name string, s breaker.Setting, out io.Writer,
) error {
	record, err := postgres.Open(ctx, string(c.DatabaseURL), 1)
	if err != nil {
		return err
	}
	defer record.Close()
	publisher := rabbitmq.NewPublisher(config.Plain(c.RabbitMQURLs), slog.New(slog.DiscardHandler))
	defer publisher.Close()
	awaitReady(ctx, publisher)
	changes := events.NewBreakers(publisher, log)
	defer changes.Wait()
	fleet.Changed, fleet.Audit = changes.Publish, record.Audit
	if err := fleet.Force(ctx, actor, name, s); err != nil {
		return err
	}
	return listBreakers(ctx, fleet, out)
}

// awaitReady gives a publisher that has just been made time to connect.
func awaitReady(ctx context.Context, publisher *rabbitmq.Publisher) {
	ctx, cancel := context.WithTimeout(ctx, brokerTime)
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
			s.Name, s.State, moment(s.Since), moment(s.Until), s.Openings, s.Forced, cell(s.Actor), cell(s.Reason))
	}
	return table.Flush()
}
