package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/redisstore"
)

// breakersCommand shows the circuit breakers and lets an operator overrule them.
func breakersCommand(environ []string, out io.Writer) *cobra.Command {
	breakers := &cobra.Command{Use: "breakers", Short: "Show the circuit breakers, or hold one open or closed",
		Long: "Show the circuit breakers, or hold one open or closed.\n\n" +
			"A breaker that is held stays so while Redis is away, in every process that has met it. It is forgotten by a Redis\n" +
			"that is flushed, and not known to a process that starts while Redis is away.\n\n" +
			"What is changed here is logged here; the same over REST, PUT /v1/breakers/NAME, is published as an event too."}
	withFleet := func(use func(context.Context, *breaker.Fleet, []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
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
			return use(cmd.Context(), breaker.NewFleet(store, workerName(), log), args)
		}
	}
	breakers.AddCommand(&cobra.Command{Use: "list", Short: "Show every breaker's state", Args: cobra.NoArgs,
		RunE: withFleet(func(ctx context.Context, fleet *breaker.Fleet, _ []string) error {
			return listBreakers(ctx, fleet, out)
		})})

	for _, change := range []struct {
		use, short string
		to         breaker.State
	}{
		{"open", "Stop all calls of a kind until it is set to automatic", breaker.Open},
		{"close", "Let all calls of a kind through, whatever comes of them, until it is set to automatic", breaker.Closed},
		{"automatic", "Let a breaker decide for itself again", ""},
	} {
		var actor, reason string
		command := &cobra.Command{Use: change.use + " NAME", Short: change.short, Args: cobra.ExactArgs(1), ValidArgs: breaker.Names(),
			RunE: withFleet(func(ctx context.Context, fleet *breaker.Fleet, args []string) error {
				if strings.TrimSpace(actor) == "" || strings.TrimSpace(reason) == "" {
					return errors.New("--actor and --reason must say who does it and why")
				}
				if err := fleet.Force(ctx, args[0], change.to, actor, reason); err != nil {
					return err
				}
				return listBreakers(ctx, fleet, out)
			})}
		command.Flags().StringVar(&actor, "actor", "", "who does it")
		command.Flags().StringVar(&reason, "reason", "", "why")
		breakers.AddCommand(command)
	}
	return breakers
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
			s.Name, s.State, moment(s.Since), moment(s.Until), s.Openings, s.Forced, s.Actor, s.Reason)
	}
	return table.Flush()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}

func openRedis(c config.Config, log *slog.Logger) (*redisstore.Store, error) {
	store, err := redisstore.Open(string(c.RedisURL), log)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	return store, nil
}
