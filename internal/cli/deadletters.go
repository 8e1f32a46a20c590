package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

// deadLetters is what the subcommands work with.
type deadLetters struct {
	actions  deadletter.Actions
	database *postgres.Store
	client   *workflows.Client
	out      io.Writer
}

// deadLettersCommand lists, shows, redrives and discards dead letters.
func deadLettersCommand(environ []string, out io.Writer) *cobra.Command {
	command := &cobra.Command{Use: "dead-letters", Short: "List, show, redrive (send again) and discard dead letters",
		Long: "List, show, redrive (send again) and discard dead letters.\n\n" +
			"A dead letter is work that could not be finished: a webhook after its retries, or a payment's workflow that cannot go on."}
	with := func(use func(context.Context, deadLetters, []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			return withDatabase(cmd.Context(), config.DeadLetters, environ, func(c config.Config, database *postgres.Store) error {
				temporal, err := dialTemporal(c, slog.New(slog.DiscardHandler))
				if err != nil {
					return err
				}
				defer temporal.Close()
				client := workflows.NewClient(temporal, polls(c))
				return use(cmd.Context(), deadLetters{deadletter.Actions{Store: database, Redriver: client}, database, client, out}, args)
			})
		}
	}
	command.AddCommand(listDeadLettersCommand(with), &cobra.Command{
		Use: "show ID", Short: "Show a dead letter and advice on what to do", Args: cobra.ExactArgs(1),
		RunE: with(func(ctx context.Context, d deadLetters, args []string) error { return d.show(ctx, args[0]) }),
	}, redriveCommand(with), discardCommand(with))
	return command
}

type withDeadLetters func(func(context.Context, deadLetters, []string) error) func(*cobra.Command, []string) error

func listDeadLettersCommand(with withDeadLetters) *cobra.Command {
	var filter deadletter.Filter
	var state string
	command := &cobra.Command{Use: "list", Short: "List dead letters, the latest first", Args: cobra.NoArgs,
		RunE: with(func(ctx context.Context, d deadLetters, _ []string) error {
			filter.State = deadletter.ParseState(state)
			return d.list(ctx, filter)
		})}
	filterFlags(command, &filter)
	command.Flags().StringVar(&state, "state", string(deadletter.Open), "only this state: open, redriven, discarded, resolved or any")
	command.Flags().IntVar(&filter.Limit, "limit", 50, limitHelp)
	return command
}

// filterFlags are the flags that select dead letters.
func filterFlags(command *cobra.Command, filter *deadletter.Filter) {
	flags := command.Flags()
	flags.StringVar((*string)(&filter.Cause), "cause", "", "only this cause: "+failure.OneOf(deadletter.Causes()))
	flags.StringVar(&filter.Fingerprint, "fingerprint", "", "only dead letters of one fault: 16 hexadecimal digits, as list shows them")
	flags.StringVar((*string)(&filter.Source), "source", "", "only this source: webhook or workflow")
	flags.StringVar(&filter.PaymentID, "payment", "", "only dead letters of the payment with this id")
	flags.Func("died-from", "only dead letters that died at this `time` or later, such as 2026-11-01T00:00:00Z", timeFlag(&filter.DiedFrom))
	flags.Func("died-to", "only dead letters that died before this `time`", timeFlag(&filter.DiedTo))
}

func timeFlag(t *time.Time) func(string) error {
	return func(text string) (err error) {
		*t, err = time.Parse(time.RFC3339, text)
		return err
	}
}

func discardCommand(with withDeadLetters) *cobra.Command {
	var by signature
	command := &cobra.Command{Use: "discard ID", Short: "Close a dead letter for good, without sending it again", Args: cobra.ExactArgs(1),
		RunE: with(func(ctx context.Context, d deadLetters, args []string) error {
			if _, err := d.actions.Discard(ctx, by.by(), args[0], by.reason); err != nil {
				return err
			}
			return d.show(ctx, args[0])
		})}
	by.flags(command)
	return command
}

func redriveCommand(with withDeadLetters) *cobra.Command {
	var plan deadletter.Plan
	var by signature
	var watch bool
	command := &cobra.Command{Use: "redrive [ID …]", Short: "Send dead letters again: those with the IDs, or all open ones that the flags select",
		Long: "Send dead letters again: those with the IDs, or all open ones that the flags select.\n\n" +
			"At least one of IDs, --cause, --fingerprint, --source and --payment must be given. The redrive runs as a workflow; the command\n" +
			"prints its id and does not wait for it, unless --watch is given. A single ID must be that of an open dead letter and needs no --reason.",
		Example: "  onlywave dead-letters redrive --cause handler-panic --dry-run --watch --actor ana --reason \"fixed in 1.4.2\"\n" +
			"  onlywave dead-letters redrive --cause handler-panic --canary 1 --rate 10 --stop-after 5 --watch --actor ana --reason \"fixed in 1.4.2\"",
		RunE: with(func(ctx context.Context, d deadLetters, ids []string) error {
			plan.Filter.IDs, plan.Reason = ids, by.reason
			started, err := d.redrive(ctx, by.by(), plan)
			if err != nil {
				return err
			}
			fmt.Fprintf(d.out, "redrive %s\n", started.ID)
			if !watch {
				return nil
			}
			return d.watch(ctx, started.ID)
		})}
	filterFlags(command, &plan.Filter)
	by.flags(command)
	command.Flags().BoolVar(&plan.DryRun, "dry-run", false, "only count the dead letters, send none")
	command.Flags().IntVar(&plan.Canary, "canary", 0, fmt.Sprintf("send this many first, from 0 to %d; the rest is not sent if one of them fails or dies again; 0, the default: no canary", deadletter.MaxCanary))
	command.Flags().DurationVar(&plan.CanaryWait, "canary-wait", deadletter.DefaultCanaryWait, "how long to wait after the canary, such as 90s or 5m; at most 24h")
	command.Flags().IntVar(&plan.Rate, "rate", 0, fmt.Sprintf("dead letters a second, from 0 to %d; 0, the default: no limit", deadletter.MaxRate))
	command.Flags().IntVar(&plan.StopAfter, "stop-after", 0, fmt.Sprintf("stop after this many have failed or died again, from 0 to %d; 0, the default: never", deadletter.MaxStopAfter))
	command.Flags().BoolVar(&watch, "watch", false, "print the progress until the redrive ends")
	return command
}

// redrive starts another redrive each time. One dead letter must exist and be open, as for REST and the console.
func (d deadLetters) redrive(ctx context.Context, actor audit.Actor, plan deadletter.Plan) (deadletter.Started, error) {
	key := uuid.NewString()
	if id, one := plan.One(); one {
		return d.actions.RedriveOne(ctx, actor, key, id, plan.Reason)
	}
	return d.actions.Redrive(ctx, actor, key, plan)
}

func (d deadLetters) list(ctx context.Context, filter deadletter.Filter) error {
	found, err := d.actions.List(ctx, filter)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tDIED\tDEATHS\tSTATE\tSOURCE\tCAUSE\tFINGERPRINT\tPAYMENT\tERROR")
	for _, m := range found {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%.60s\n",
			m.ID, formatTime(m.DiedAt), m.Deaths, m.State, m.Source, m.Cause, m.Fingerprint, m.PaymentID, cell(m.Error))
	}
	return table.Flush()
}

func (d deadLetters) show(ctx context.Context, id string) error {
	m, err := d.actions.Show(ctx, id)
	if err != nil {
		return err
	}
	redrives, err := d.database.Redrives(ctx, id)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"id", m.ID}, {"state", string(m.State)}, {"cause", string(m.Source) + ", " + string(m.Cause)}, {"advice", m.Cause.Advice()},
		{"error", m.Error}, {"fingerprint", m.Fingerprint}, {"payment", m.PaymentID}, {"workflow", m.WorkflowID}, {"run", m.RunID},
		{"message", fmt.Sprintf("%s, %d bytes, to %s with %s", m.Original.ID, len(m.Original.Body), m.Original.Exchange, m.Original.Key)},
		{"died", fmt.Sprintf("%s, %d times", formatTime(m.DiedAt), m.Deaths)}, {"closed", formatTime(m.ClosedAt)}, {"by", m.ClosedBy}, {"reason", m.Reason},
	} {
		if row[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
		}
	}
	for _, a := range m.Trail {
		fmt.Fprintf(table, "attempt %d\t%s  %s\n", a.Attempt, formatTime(a.At), a.Error)
	}
	for _, r := range redrives {
		fmt.Fprintf(table, "redrive\t%s  %s by %s: %s %s\n", formatTime(r.At), r.Outcome, r.Actor, r.Reason, r.Error)
	}
	return table.Flush()
}

// watch prints each change of the progress until the redrive ends. It goes on while Temporal is unavailable.
func (d deadLetters) watch(ctx context.Context, id string) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	printed := ""
	for {
		p, err := d.client.RedriveProgress(ctx, id)
		line := ""
		switch {
		case failure.KindOf(err) == failure.Unavailable:
			line = "Temporal is unavailable, trying again"
		case err != nil:
			return err
		default:
			line = progressLine(p)
		}
		if line != printed {
			fmt.Fprintln(d.out, line)
			printed = line
		}
		if err == nil && p.State.Over() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func progressLine(p workflows.RedriveProgress) string {
	line := fmt.Sprintf("%s: %d chosen, %d sent, %d failed, %d died again, %d left",
		p.State, p.Matching, p.Standing.Sent, p.Standing.Failed, p.Standing.DiedAgain, p.Standing.Left)
	for _, c := range p.Causes {
		line += fmt.Sprintf(" · %s %d", c.Cause, c.Count)
	}
	if p.Note != "" {
		line += " · " + p.Note
	}
	return line
}
