package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

// Figure is how many payments that were created in one span of time have a status now, and how fast those of the span were approved.
type Figure struct {
	From     time.Time
	Status   payment.Status // empty: the whole span
	Method   payment.MethodType
	Count    int
	P50, P95 float64 // seconds from the creation to the approval; of whole spans only, 0 if none was approved
}

// selectFigures reads the payments of each client app by its index on created_at, so its cost grows with the payments since then and not
// with the table. Without offset 0 Postgres joins the tables first, and reads the whole of payments for that.
const selectFigures = `
select date_bin(@span, p.created_at, @since) as span, coalesce(p.status, ''), coalesce(p.method_type, ''), count(*),
       coalesce(percentile_cont(0.5) within group (order by extract(epoch from p.updated_at - p.created_at)) filter (where p.status = 'approved'), 0)::float8,
       coalesce(percentile_cont(0.95) within group (order by extract(epoch from p.updated_at - p.created_at)) filter (where p.status = 'approved'), 0)::float8
from clients c cross join lateral (
    select p.created_at, p.updated_at, p.status, p.method_type from payments p where p.client_id = c.id and p.created_at >= @since offset 0
) p
group by grouping sets ((date_bin(@span, p.created_at, @since), p.status, p.method_type), (date_bin(@span, p.created_at, @since)))
order by span`

// Figures counts the payments since a time by spans, statuses and methods. They may come from the replica.
func (s *Store) Figures(ctx context.Context, since time.Time, span time.Duration) ([]Figure, error) {
	found, _, err := list(ctx, s, "count payments by time", selectFigures, pgx.NamedArgs{"since": since, "span": span}, pgx.RowToStructByPos[Figure])
	return found, err
}
