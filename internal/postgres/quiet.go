package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// QuietPlan says which open payments, and payments with a refund that has not ended, are too quiet, by the database's clock.
type QuietPlan struct {
	Silent time.Duration // nothing was stored for so long
	Again  time.Duration // and it was not signalled for so long
	After  QuietPosition // zero: from the first
	Limit  int
}

// QuietPosition is a place among those payments, in the order of their last changes.
type QuietPosition struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

// QuietPayment is a payment that waits for something and has not changed for long.
type QuietPayment struct {
	ID       string
	Position QuietPosition
}

// quiet goes through the open payments, and those with a refund that has not ended, each by an index, a page at a time. A clock that is
// ahead leaves a last change in the future. Such a payment counts as quiet, because it may be quiet.
var quiet = `
(select p.id, p.updated_at from payments p left join nudges n on n.payment_id = p.id where p.` + isOpen + isQuiet + `)
union
(select p.id, p.updated_at from payments p left join nudges n on n.payment_id = p.id
 where p.id in (select payment_id from operations where ` + isOpenRefund + `)` + isQuiet + `)
order by updated_at, id
limit @limit`

const isQuiet = `
  and (p.updated_at, p.id) > (@after_at, @after_id::uuid)
  and (p.updated_at < now() - @silent::interval or p.updated_at > now() + interval '1 minute')
  and (n.at is null or n.at < now() - @again::interval)
order by p.updated_at, p.id
limit @limit`

// firstID sorts before the ID of every payment.
const firstID = "00000000-0000-0000-0000-000000000000"

// Quiet lists a page of the payments that wait for something and have not changed for too long, the longest first.
func (s *Store) Quiet(ctx context.Context, p QuietPlan) ([]QuietPayment, error) {
	if p.After.ID == "" {
		p.After.ID = firstID
	}
	page, err := readRows(ctx, s.pool, func(row pgx.CollectableRow) (q QuietPayment, err error) {
		err = row.Scan(&q.ID, &q.Position.At)
		q.Position.ID = q.ID
		return q, err
	}, quiet, pgx.NamedArgs{
		"silent": p.Silent, "again": p.Again, "after_at": p.After.At, "after_id": p.After.ID, "limit": p.Limit,
	})
	return page, interpret("list quiet payments", err)
}

// Signalled stores that payments were signalled just now.
func (s *Store) Signalled(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := s.pool.Exec(ctx, `
insert into nudges (payment_id, at) select unnest($1::uuid[]), now()
on conflict (payment_id) do update set at = greatest(nudges.at, excluded.at)`, ids)
	return interpret("store which payments were signalled", err)
}
