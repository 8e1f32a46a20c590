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

// pruneBatch is how many rows of each kind an operator's prune removes at a time.
const pruneBatch = 2000

const pruneHelp = `Remove what is older than the record has to keep it, as the schedule does every day.

The record is where DATABASE_URL says. The RETENTION_… settings say for how many days what is kept; set them as they are for
onlywave migrate, which tells the schedule. Payments, and what is still open, always stay.`

// recordCommand looks after the record out of turn.
func recordCommand(environ []string, out io.Writer) *cobra.Command {
	record := &cobra.Command{Use: "record", Short: "Look after the record in Postgres"}
	var dryRun bool
	var by signature
	prune := &cobra.Command{Use: "prune", Short: "Remove what is older than the record has to keep it, as the schedule does every day",
		Long: pruneHelp, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return withRecord(cmd.Context(), config.Record, environ, func(c config.Config, store *postgres.Store) error {
				fmt.Fprintln(out, describeRetention(c))
				if !dryRun {
					return pruneRecord(cmd.Context(), store, by.administrator(), retention(c), out)
				}
				now, err := store.Now(cmd.Context())
				if err != nil {
					return err
				}
				old, err := store.Prunable(cmd.Context(), retention(c), now)
				if err == nil {
					fmt.Fprintf(out, "would remove %s\n", describePruned(old))
				}
				return err
			})
		}}
	prune.Flags().BoolVar(&dryRun, "dry-run", false, "only count what would be removed")
	by.actorFlag(prune)
	record.AddCommand(prune)
	return record
}

// pruneRecord says what it has removed also when it is broken off.
func pruneRecord(ctx context.Context, store *postgres.Store, actor audit.Actor, keep payment.Retention, out io.Writer) error {
	if wrong := actor.Fields(); len(wrong) > 0 {
		return &failure.Error{Kind: failure.Invalid, Message: "the prune is not valid", Fields: wrong}
	}
	if err := store.Audit(ctx, audit.Entry{Actor: actor, Action: audit.RecordPrune, Object: "record/old", After: audit.Values{
		"notifications": keep.Notifications.String(), "dead_letters": keep.DeadLetters.String(),
		"reconciliation": keep.Reconciliation.String(), "emails": keep.Emails.String(),
	}}); err != nil {
		return err
	}
	var all payment.Pruned
	now, err := store.Now(ctx)
	if err != nil {
		return err
	}
	for {
		pruned, more, err := store.Prune(ctx, keep, now, pruneBatch)
		all.Add(pruned)
		if err != nil || !more {
			fmt.Fprintf(out, "removed %s\n", describePruned(all))
			return err
		}
	}
}

func describePruned(p payment.Pruned) string {
	return fmt.Sprintf("%d months of notifications and %d others, %d dead letters, %d findings, %d runs of reconciliation, %d nudges, %d e-mails",
		p.Months, p.Notifications, p.DeadLetters, p.Findings, p.Runs, p.Nudges, p.Emails)
}

// describeRetention is there because an operator's shell may lack the settings that the schedule was given.
func describeRetention(c config.Config) string {
	days := func(n int) string {
		if n == 0 {
			return "for ever"
		}
		return fmt.Sprintf("for %d days", n)
	}
	return fmt.Sprintf("RETENTION_… keeps notifications %s, dead letters %s, reconciliation %s, e-mails %s",
		days(c.RetentionNotifications), days(c.RetentionDeadLetters), days(c.RetentionReconciliation), days(c.RetentionEmails))
}

// retention is for how long the record keeps what is not about money.
func retention(c config.Config) payment.Retention {
	days := func(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
	return payment.Retention{
		Notifications: days(c.RetentionNotifications), DeadLetters: days(c.RetentionDeadLetters),
		Reconciliation: days(c.RetentionReconciliation), Emails: days(c.RetentionEmails),
	}
}
