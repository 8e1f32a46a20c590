package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

const selectEvents = `
select e.payment_id, p.client_id, e.seq, e.status, e.data, e.at
from payment_events e join payments p on p.id = e.payment_id
where e.payment_id = $1 and e.seq > $2
order by e.seq
limit $3`

// Events lists a payment's history behind the event numbered after, oldest first.
func (s *Store) Events(ctx context.Context, paymentID string, after, limit int) ([]payment.Event, error) {
	list, err := readRows(ctx, s.pool, scanEvent, selectEvents, paymentID, after, limit)
	return list, interpret("list the events of payment "+paymentID, err)
}

func scanEvent(row pgx.CollectableRow) (payment.Event, error) {
	var e payment.Event
	err := row.Scan(&e.PaymentID, &e.ClientID, &e.Seq, &e.Status, &e.Data, &e.At)
	e.At = e.At.UTC()
	return e, err
}
