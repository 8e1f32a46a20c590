package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

// BeginPlan says how a run's window is found.
type BeginPlan struct {
	ID        string
	Now       time.Time     // by Postgres' clock, see Now
	Grace     time.Duration // what changed more recently is left to the next run
	Overlap   time.Duration // how far each window reaches back into the one before
	Deep      time.Duration // how far a deep run reaches back
	DeepEvery time.Duration // how often one is due
	Longest   time.Duration // of a window that is not deep; the rest is left to the next run
}

// beginReconciliation goes on where the newest finished run ended, so that a window begins earlier after an outage. A run
// is deep when none of the last ones was; it never skips what an ordinary one would see. No window ends in the future, and one that
// does, written by a clock that was ahead, is ignored until its end has passed: changes after now were not compared.
const beginReconciliation = `
with position as (
    select coalesce(max(window_to) - @overlap::interval, @deep_from) as at from reconciliations where finished_at is not null and window_to <= now()
), due as (
    select at >= @deep_from and not exists (
        select from reconciliations where finished_at is not null and window_to between @deep_since and now() and window_to - window_from >= @deep_least::interval
    ) as deep, at from position
)
insert into reconciliations (id, window_from, window_to, started_at)
select @id, case when deep then @deep_from else least(at, @to) end,
       case when deep then least(@to, now()) else least(at + @longest::interval, @to, now()) end, @now
from due
on conflict (id) do nothing`

// BeginReconciliation writes that a run begins, and over which window. One that has begun goes on with its own.
func (s *Store) BeginReconciliation(ctx context.Context, p BeginPlan) (payment.Reconciliation, error) {
	to := p.Now.Add(-p.Grace)
	_, err := s.pool.Exec(ctx, beginReconciliation, pgx.NamedArgs{
		"id": p.ID, "now": p.Now, "to": to, "overlap": p.Overlap, "deep_from": to.Add(-p.Deep),
		"deep_since": to.Add(-p.DeepEvery), "deep_least": p.Deep, "longest": p.Longest,
	})
	if err != nil {
		return payment.Reconciliation{}, interpret("begin reconciliation "+p.ID, err)
	}
	run, err := readRow(ctx, s.pool, scanReconciliation, selectReconciliation+`where id = $1`, p.ID)
	return run, interpret("read reconciliation "+p.ID, err)
}

// finishReconciliation counts what was found from the findings themselves, which a repeated activity does not store twice.
const finishReconciliation = `
with found as (
    select count(*) filter (where kind = 'difference') as differences, count(*) filter (where kind = 'contradiction') as contradictions,
           count(*) filter (where kind = 'orphan_payment') as strangers, count(*) filter (where kind = 'unreadable') as unreadable,
           count(*) filter (where kind = 'missed_webhook') as missed
    from findings where reconciliation_id = @id
)
update reconciliations r
set seen = @seen, quiet = @quiet, nudged = @nudged, others = @others, differences = f.differences, contradictions = f.contradictions,
    strangers = f.strangers, unreadable = f.unreadable, missed = f.missed, finished_at = coalesce(r.finished_at, @now)
from found f
where r.id = @id`

// FinishReconciliation writes that a run has seen its whole window: seen, quiet and nudged as counted on the way, the rest
// from the findings.
func (s *Store) FinishReconciliation(ctx context.Context, id string, counts payment.ReconciliationCounts, now time.Time) (payment.ReconciliationCounts, error) {
	_, err := s.pool.Exec(ctx, finishReconciliation, pgx.NamedArgs{
		"id": id, "seen": counts.Seen, "quiet": counts.Quiet, "nudged": counts.Signalled, "others": counts.Others, "now": now,
	})
	if err != nil {
		return counts, interpret("finish reconciliation "+id, err)
	}
	run, err := readRow(ctx, s.pool, scanReconciliation, selectReconciliation+`where id = $1`, id)
	return run.Counts, interpret("read reconciliation "+id, err)
}

const selectReconciliation = `
select id, window_from, window_to, started_at, finished_at,
       seen, differences, contradictions, strangers, unreadable, missed, quiet, nudged, others
from reconciliations `

// Reconciliations lists the last runs, newest first.
func (s *Store) Reconciliations(ctx context.Context, limit int) ([]payment.Reconciliation, error) {
	list, err := readRows(ctx, s.pool, scanReconciliation, selectReconciliation+`order by started_at desc limit $1`, limit)
	return list, interpret("list reconciliations", err)
}

func scanReconciliation(row pgx.CollectableRow) (payment.Reconciliation, error) {
	var r payment.Reconciliation
	var finished *time.Time
	c := &r.Counts
	err := row.Scan(&r.ID, &r.From, &r.To, &r.StartedAt, &finished,
		&c.Seen, &c.Differences, &c.Contradictions, &c.OrphanPayments, &c.Unreadable, &c.Missed, &c.Quiet, &c.Signalled, &c.Others)
	if finished != nil {
		r.FinishedAt = finished.UTC()
	}
	r.From, r.To, r.StartedAt = r.From.UTC(), r.To.UTC(), r.StartedAt.UTC()
	return r, err
}
