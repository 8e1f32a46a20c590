package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/config"
)

// breakersCommand shows the circuit breakers and lets an operator overrule them.
func breakersCommand(environ []string, out io.Writer) *cobra.Command {
	breakers := &cobra.Command{Use: "breakers", Short: "Show the circuit breakers, or hold one open or closed"}
	withRedis := func(use func(context.Context, *redis.Client, []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			c, err := config.Load(config.Breakers, environ)
			if err != nil {
				return fmt.Errorf("the configuration is not right:\n%w", err)
			}
			client, err := openRedis(c)
			if err != nil {
				return err
			}
			defer client.Close()
			return use(cmd.Context(), client, args)
		}
	}
	breakers.AddCommand(&cobra.Command{Use: "list", Short: "Show every breaker's state", Args: cobra.NoArgs,
		RunE: withRedis(func(ctx context.Context, client *redis.Client, _ []string) error {
			return listBreakers(ctx, client, out)
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
			RunE: withRedis(func(ctx context.Context, client *redis.Client, args []string) error {
				if !slices.Contains(breaker.Names(), args[0]) {
					return fmt.Errorf("there is no breaker %q, only %s", args[0], strings.Join(breaker.Names(), " and "))
				}
				if strings.TrimSpace(actor) == "" || strings.TrimSpace(reason) == "" {
					return errors.New("--actor and --reason must say who does it and why")
				}
				if err := breaker.Force(ctx, client, args[0], change.to, actor, reason); err != nil {
					return err
				}
				return listBreakers(ctx, client, out)
			})}
		command.Flags().StringVar(&actor, "actor", "", "who does it")
		command.Flags().StringVar(&reason, "reason", "", "why")
		breakers.AddCommand(command)
	}
	return breakers
}

func listBreakers(ctx context.Context, client *redis.Client, out io.Writer) error {
	all, err := breaker.Statuses(ctx, client)
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

func openRedis(c config.Config) (*redis.Client, error) {
	client, err := breaker.NewRedis(string(c.RedisURL))
	if err != nil { // which would repeat the address, and its password
		return nil, errors.New("REDIS_URL: must be an address such as redis://host:6379/0")
	}
	return client, nil
}
