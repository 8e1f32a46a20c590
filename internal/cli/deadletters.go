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

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

// deadLetterTools is what the commands work with.
type deadLetterTools struct {
	actions deadletter.Actions
	record  *postgres.Store
	door    *workflows.Client
	out     io.Writer
}

// deadLettersCommand shows what could not be finished, and sends it again or gives it up.
func deadLettersCommand(environ []string, out io.Writer) *cobra.Command {
	command := &cobra.Command{Use: "dead-letters", Short: "Show dead letters, send them again, or give them up"}
	with := func(use func(context.Context, deadLetterTools, []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			return withDatabase(cmd.Context(), config.DeadLetters, environ, func(c config.Config, record *postgres.Store) error {
				temporal, err := dialTemporal(c, slog.New(slog.DiscardHandler))
				if err != nil {
					return err
				}
				defer temporal.Close()
				door := workflows.NewClient(temporal, polls(c))
				return use(cmd.Context(), deadLetterTools{deadletter.Actions{Store: record, Redriver: door}, record, door, out}, args)
			})
		}
	}
	command.AddCommand(listLettersCommand(with), &cobra.Command{
		Use: "show ID", Short: "Show a dead letter and what to do about it", Args: cobra.ExactArgs(1),
		RunE: with(func(ctx context.Context, t deadLetterTools, args []string) error { return t.show(ctx, args[0]) }),
	}, redriveCommand(with), discardCommand(with))
	return command
}

type withTools func(func(context.Context, deadLetterTools, []string) error) func(*cobra.Command, []string) error

func listLettersCommand(with withTools) *cobra.Command {
	var filter deadletter.Filter
	var state string
	command := &cobra.Command{Use: "list", Short: "List dead letters, those that died last first", Args: cobra.NoArgs,
		RunE: with(func(ctx context.Context, t deadLetterTools, _ []string) error {
			filter.State = deadletter.ParseState(state)
			return t.list(ctx, filter)
		})}
	letterFlags(command, &filter)
	command.Flags().StringVar(&state, "state", string(deadletter.Open), "open, redriven, discarded or resolved, or any")
	command.Flags().IntVar(&filter.Limit, "limit", 50, "how many at most")
	return command
}

// letterFlags choose letters.
func letterFlags(command *cobra.Command, filter *deadletter.Filter) {
	flags := command.Flags()
	flags.StringVar((*string)(&filter.Cause), "cause", "", "only letters of this cause")
	flags.StringVar(&filter.Fingerprint, "fingerprint", "", "only letters of this fault")
	flags.StringVar((*string)(&filter.Source), "source", "", "only letters from here: webhook or workflow")
	flags.StringVar(&filter.PaymentID, "payment", "", "only letters of this payment")
	flags.Func("died-from", "only letters that died at this time or later, such as 2026-11-01T00:00:00Z", timeFlag(&filter.DiedFrom))
	flags.Func("died-to", "only letters that died before this time", timeFlag(&filter.DiedTo))
}

func timeFlag(t *time.Time) func(string) error {
	return func(text string) (err error) {
		*t, err = time.Parse(time.RFC3339, text)
		return err
	}
}

func discardCommand(with withTools) *cobra.Command {
	var by signature
	command := &cobra.Command{Use: "discard ID", Short: "Give a dead letter up", Args: cobra.ExactArgs(1),
		RunE: with(func(ctx context.Context, t deadLetterTools, args []string) error {
			if _, err := t.actions.Discard(ctx, by.by(), args[0], by.reason); err != nil {
				return err
			}
			return t.show(ctx, args[0])
		})}
	by.flags(command)
	return command
}

func redriveCommand(with withTools) *cobra.Command {
	var plan deadletter.Plan
	var by signature
	var watch bool
	command := &cobra.Command{Use: "redrive [ID …]", Short: "Send dead letters again, those named or all that the flags choose",
		RunE: with(func(ctx context.Context, t deadLetterTools, ids []string) error {
			plan.Filter.IDs, plan.Reason = ids, by.reason
			started, err := t.actions.Redrive(ctx, by.by(), uuid.NewString(), plan) // each command is a redrive of its own
			if err != nil {
				return err
			}
			fmt.Fprintf(t.out, "redrive %s\n", started.ID)
			if !watch {
				return nil
			}
			return t.watch(ctx, started.ID)
		})}
	letterFlags(command, &plan.Filter)
	by.flags(command)
	command.Flags().BoolVar(&plan.DryRun, "dry-run", false, "only count")
	command.Flags().IntVar(&plan.Canary, "canary", 0, "send so many first, and stop if one of them fails or dies again")
	command.Flags().DurationVar(&plan.CanaryWait, "canary-wait", deadletter.DefaultCanaryWait, "how long to wait for that")
	command.Flags().IntVar(&plan.Rate, "rate", 0, "letters a second at most; 0 is as fast as it goes")
	command.Flags().IntVar(&plan.StopAfter, "stop-after", 0, "stop when so many have failed or died again; 0 is never")
	command.Flags().BoolVar(&watch, "watch", false, "show how it goes until it is over")
	return command
}

func (t deadLetterTools) list(ctx context.Context, filter deadletter.Filter) error {
	letters, err := t.actions.List(ctx, filter)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tDIED\tDEATHS\tSTATE\tSOURCE\tCAUSE\tFINGERPRINT\tPAYMENT\tERROR")
	for _, l := range letters {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%.60s\n",
			l.ID, moment(l.DiedAt), l.Deaths, l.State, l.Source, l.Cause, l.Fingerprint, l.PaymentID, cell(l.Error))
	}
	return table.Flush()
}

func (t deadLetterTools) show(ctx context.Context, id string) error {
	l, err := t.actions.Show(ctx, id)
	if err != nil {
		return err
	}
	redrives, err := t.record.Redrives(ctx, id)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"id", l.ID}, {"state", string(l.State)}, {"cause", string(l.Source) + ", " + string(l.Cause)}, {"advice", l.Cause.Advice()},
		{"error", l.Error}, {"fingerprint", l.Fingerprint}, {"payment", l.PaymentID}, {"workflow", l.WorkflowID}, {"run", l.RunID},
		{"message", fmt.Sprintf("%s, %d bytes, to %s with %s", l.Original.ID, len(l.Original.Body), l.Original.Exchange, l.Original.Key)},
		{"died", fmt.Sprintf("%s, %d times", moment(l.DiedAt), l.Deaths)}, {"closed", moment(l.ClosedAt)}, {"by", l.ClosedBy}, {"reason", l.Reason},
	} {
		if row[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
		}
	}
	for _, a := range l.Trail {
		fmt.Fprintf(table, "attempt %d\t%s  %s\n", a.Attempt, moment(a.At), a.Error)
	}
	for _, r := range redrives {
		fmt.Fprintf(table, "redrive\t%s  %s by %s: %s %s\n", moment(r.At), r.Outcome, r.Actor, r.Reason, r.Error)
	}
	return table.Flush()
}

// watch prints each change until the redrive is over. What does not answer for a moment is asked again.
func (t deadLetterTools) watch(ctx context.Context, id string) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	said := ""
	for {
		p, err := t.door.RedriveProgress(ctx, id)
		line := ""
		switch {
		case failure.KindOf(err) == failure.Unavailable:
			line = "no answer, asking again"
		case err != nil:
			return err
		default:
			line = progressLine(p)
		}
		if line != said {
			fmt.Fprintln(t.out, line)
			said = line
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
