package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

// pruneBatch is how many rows of each kind the command removes in one transaction.
const pruneBatch = 2000

const pruneHelp = `Remove what is older than its retention, as the schedule does every day.

The RETENTION_… settings say for how many days each kind is kept. Give this command the same settings as "onlywave migrate", which
passes them on to the schedule. Payments, and everything that is still open, always stay. The database is that of DATABASE_URL.`

// pruneCommand removes old rows now, without waiting for the schedule.
func pruneCommand(environ []string, out io.Writer) *cobra.Command {
	var dryRun bool
	var by signature
	command := &cobra.Command{Use: "prune", Short: "Remove what is older than its retention, as the schedule does every day",
		Long: pruneHelp, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return withDatabase(cmd.Context(), config.Prune, environ, func(c config.Config, database *postgres.Store) error {
				fmt.Fprintln(out, describeRetention(c))
				if dryRun {
					return countPrunable(cmd.Context(), database, retention(c), out)
				}
				return prune(cmd.Context(), database, by.administrator(), retention(c), out)
			})
		}}
	command.Flags().BoolVar(&dryRun, "dry-run", false, "only count what would be removed")
	by.actorFlag(command)
	return command
}

func countPrunable(ctx context.Context, database *postgres.Store, keep payment.Retention, out io.Writer) error {
	now, err := database.Now(ctx)
	if err != nil {
		return err
	}
	old, err := database.Prunable(ctx, keep, now)
	if err == nil {
		fmt.Fprintf(out, "would remove %s\n", describePruned(old))
	}
	return err
}

// prune prints what it has removed, also when an error or Ctrl-C ends it early.
func prune(ctx context.Context, database *postgres.Store, actor audit.Actor, keep payment.Retention, out io.Writer) error {
	if wrong := actor.Fields(); len(wrong) > 0 {
		return &failure.Error{Kind: failure.Invalid, Message: "the command is not valid", Fields: wrong}
	}
	if err := database.Audit(ctx, audit.Entry{Actor: actor, Action: audit.RecordPrune, Object: "record/old", After: audit.Values{
		"notifications": keep.Notifications.String(), "dead_letters": keep.DeadLetters.String(),
		"reconciliation": keep.Reconciliation.String(), "emails": keep.Emails.String(),
	}}); err != nil {
		return err
	}
	var all payment.Pruned
	now, err := database.Now(ctx)
	if err != nil {
		return err
	}
	for {
		pruned, more, err := database.Prune(ctx, keep, now, pruneBatch)
		all.Add(pruned)
		if err != nil || !more {
			fmt.Fprintf(out, "removed %s\n", describePruned(all))
			return err
		}
	}
}

func describePruned(p payment.Pruned) string {
	return fmt.Sprintf("%d monthly partitions of notifications and %d single notifications, %d dead letters, %d findings, %d runs of reconciliation, %d signals, %d e-mails",
		p.Partitions, p.Notifications, p.DeadLetters, p.Findings, p.Runs, p.Signals, p.Emails)
}

// describeRetention shows the settings in use: an operator's shell may lack those that the schedule was given.
func describeRetention(c config.Config) string {
	days := func(n int) string {
		if n == 0 {
			return "for ever"
		}
		return fmt.Sprintf("for %d days", n)
	}
	return fmt.Sprintf("the RETENTION_… settings keep notifications %s, dead letters %s, reconciliation %s, e-mails %s",
		days(c.RetentionNotifications), days(c.RetentionDeadLetters), days(c.RetentionReconciliation), days(c.RetentionEmails))
}

// retention is for how long the database keeps what is not about money.
func retention(c config.Config) payment.Retention {
	days := func(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
	return payment.Retention{
		Notifications: days(c.RetentionNotifications), DeadLetters: days(c.RetentionDeadLetters),
		Reconciliation: days(c.RetentionReconciliation), Emails: days(c.RetentionEmails),
	}
}
