package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

// Email reads what became of an e-mail; kind NotFound when nothing has.
func (s *Store) Email(ctx context.Context, id string) (payment.Email, error) {
	e, err := readRow(ctx, s.pool, func(row pgx.CollectableRow) (e payment.Email, err error) {
		return e, row.Scan(&e.ID, &e.Notice, &e.PaymentID, &e.Outcome, &e.At)
	}, `select id, notice, payment_id, outcome, at from emails where id = $1`, id)
	return e, interpret("read e-mail "+id, err)
}

// KeepEmail stores the outcome of an e-mail. The first outcome stays.
func (s *Store) KeepEmail(ctx context.Context, e payment.Email) error {
	_, err := s.pool.Exec(ctx, `
insert into emails (id, notice, payment_id, outcome, at)
values (@id, @notice, @payment_id, @outcome, @at)
on conflict do nothing`, pgx.NamedArgs{"id": e.ID, "notice": e.Notice, "payment_id": e.PaymentID, "outcome": e.Outcome, "at": e.At})
	return interpret("keep e-mail "+e.ID, err)
}
