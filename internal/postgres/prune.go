package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres/migrations"
)

// pruning is one kind of row that is not kept for ever: which rows are older than the time $1, and the statement that removes at
// most $2 of them.
type pruning struct {
	of     func(payment.Retention) time.Duration
	count  string
	remove string
	into   func(*payment.Pruned) *int
}

// The conditions. A dead letter that is open, or is being sent, is never old. An unresolved finding waits for an operator, but a webhook
// that never came will not come any more. The newest finished run stays, because the next one begins where it ended. The e-mails of a
// payment are known for as long after the payment's last change, because until then an activity that sends them may be repeated.
const (
	oldNotifications = `webhook_notifications_other where received_at < $1`
	oldDeadLetters   = `dead_letters d where closed_at < $1 and state <> 'open'
    and not exists (select from redrives r where r.letter_id = d.id and (r.outcome = 'sending' or r.at >= $1))`
	oldFinding  = `(f.found_at < $1 and (f.resolved_at < $1 or f.resolved_at is null and f.kind = 'missed_webhook'))`
	oldFindings = `findings f where ` + oldFinding
	oldRuns     = `reconciliations r where started_at < $1
    and window_to < (select max(window_to) from reconciliations where finished_at is not null and window_to <= now())
    and not exists (select from findings f where f.reconciliation_id = r.id`
	oldSignals = `nudges where at < $1`
	oldEmails  = `emails e where at < $1 and not exists (select from payments p where p.id = e.payment_id and p.updated_at >= $1)`
)

var prunings = []pruning{
	{
		of:     func(r payment.Retention) time.Duration { return r.Notifications },
		count:  oldNotifications,
		remove: `delete from webhook_notifications_other where ctid = any(array(select ctid from ` + oldNotifications + ` limit $2))`,
		into:   func(p *payment.Pruned) *int { return &p.Notifications },
	},
	{
		of:    func(r payment.Retention) time.Duration { return r.DeadLetters },
		count: oldDeadLetters,
		remove: `
with old as (
    select id from ` + oldDeadLetters + ` order by closed_at limit $2 for update
), removed as (
    delete from redrives r using old where r.letter_id = old.id
)
delete from dead_letters d using old where d.id = old.id`,
		into: func(p *payment.Pruned) *int { return &p.DeadLetters },
	},
	{
		of:     func(r payment.Retention) time.Duration { return r.Reconciliation },
		count:  oldFindings,
		remove: `delete from findings where id = any(array(select id from ` + oldFindings + ` order by id limit $2))`,
		into:   func(p *payment.Pruned) *int { return &p.Findings },
	},
	{
		of:     func(r payment.Retention) time.Duration { return r.Reconciliation },
		count:  oldRuns + ` and ` + oldFinding + ` is not true)`, // its old findings go first
		remove: `delete from reconciliations where id = any(array(select id from ` + oldRuns + `) order by started_at limit $2))`,
		into:   func(p *payment.Pruned) *int { return &p.Runs },
	},
	{
		of:     func(r payment.Retention) time.Duration { return r.Reconciliation },
		count:  oldSignals,
		remove: `delete from nudges where payment_id = any(array(select payment_id from ` + oldSignals + ` limit $2))`,
		into:   func(p *payment.Pruned) *int { return &p.Signals },
	},
	{
		of:     func(r payment.Retention) time.Duration { return r.Emails },
		count:  oldEmails,
		remove: `delete from emails where id = any(array(select id from ` + oldEmails + ` order by at limit $2))`,
		into:   func(p *payment.Pruned) *int { return &p.Emails },
	},
}

// Prune removes some of what is older than it must be kept: a partition of the notifications, and at most batch rows of each other
// kind, each in a transaction. more says whether there may be more. It is safe to run twice.
func (s *Store) Prune(ctx context.Context, r payment.Retention, now time.Time, batch int) (pruned payment.Pruned, more bool, err error) {
	if r.Notifications > 0 {
		dropped, err := s.dropPartition(ctx, now.Add(-r.Notifications))
		if err != nil {
			return pruned, false, err
		}
		pruned.Partitions, more = dropped, dropped > 0
	}
	for _, p := range prunings {
		keep := p.of(r)
		if keep <= 0 {
			continue
		}
		tag, err := s.pool.Exec(ctx, p.remove, now.Add(-keep), batch)
		if err != nil {
			return pruned, false, interpret("prune the database", err)
		}
		n := int(tag.RowsAffected())
		*p.into(&pruned) = n
		more = more || n == batch
	}
	return pruned, more, nil
}

// Prunable counts what Prune would remove in all.
func (s *Store) Prunable(ctx context.Context, r payment.Retention, now time.Time) (payment.Pruned, error) {
	var prunable payment.Pruned
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if r.Notifications > 0 {
			all, err := migrations.Partitions(ctx, tx)
			if err != nil {
				return err
			}
			prunable.Partitions = len(before(all, now.Add(-r.Notifications)))
		}
		for _, p := range prunings {
			keep := p.of(r)
			if keep <= 0 {
				continue
			}
			if err := tx.QueryRow(ctx, `select count(*) from `+p.count, now.Add(-keep)).Scan(p.into(&prunable)); err != nil {
				return err
			}
		}
		return nil
	})
	return prunable, interpret("count what is old", err)
}

// dropPartition drops the oldest partition of the notifications, if all that can be in it is old. All that use the notifications
// wait meanwhile, so it is one at a time.
func (s *Store) dropPartition(ctx context.Context, old time.Time) (dropped int, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		all, err := migrations.Partitions(ctx, tx)
		if err != nil {
			return err
		}
		if all = before(all, old); len(all) == 0 {
			return nil
		}
		dropped = 1
		return migrations.DropPartition(ctx, tx, all[0])
	})
	return dropped, interpret("drop a partition of the notifications", err)
}

// before are those that end before old or then.
func before(all []migrations.Partition, old time.Time) []migrations.Partition {
	for i, p := range all {
		if p.To.After(old) {
			return all[:i]
		}
	}
	return all
}
