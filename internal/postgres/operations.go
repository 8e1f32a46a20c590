package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

const selectOperations = `
select provider_key::text, kind, number, amount, outcome, created_at, updated_at
from operations where payment_id = $1
order by created_at, kind, number`

// Operations lists the operations that the provider was asked for, oldest first.
func (s *Store) Operations(ctx context.Context, paymentID string) ([]payment.OperationRecord, error) {
	list, err := readRows(ctx, s.pool, func(row pgx.CollectableRow) (payment.OperationRecord, error) {
		o, err := pgx.RowToStructByPos[payment.OperationRecord](row)
		o.CreatedAt, o.UpdatedAt = o.CreatedAt.UTC(), o.UpdatedAt.UTC()
		return o, err
	}, selectOperations, paymentID)
	return list, interpret("list the operations of payment "+paymentID, err)
}

// AskOperation stores that the provider is about to be asked for an operation on a payment, for its whole amount. An operation that is
// stored already does not change.
func (s *Store) AskOperation(ctx context.Context, paymentID string, kind payment.Operation, number int, at time.Time) error {
	tag, err := s.pool.Exec(ctx, `
insert into operations (provider_key, payment_id, kind, number, amount, created_at, updated_at)
select $1, id, $3, $4, amount, $5, $5 from payments where id = $2
on conflict (provider_key) do update set updated_at = operations.updated_at`,
		payment.ProviderKey(paymentID, kind, number), paymentID, kind, number, at)
	if err == nil && tag.RowsAffected() == 0 {
		err = pgx.ErrNoRows
	}
	return interpret("ask for "+string(kind)+" of payment "+paymentID, err)
}

// SendCharge stores that an activity is about to send the charge of a payment, and says whether one has done so before. A payment
// without the operation counts as sent.
func (s *Store) SendCharge(ctx context.Context, paymentID string, at time.Time) (before bool, err error) {
	err = s.pool.QueryRow(ctx, `
with charge as (select provider_key, sent_at from operations where provider_key = $1 for update)
update operations o set sent_at = coalesce(charge.sent_at, $2) from charge where o.provider_key = charge.provider_key
returning charge.sent_at is not null`,
		payment.ProviderKey(paymentID, payment.Charge, 1), at).Scan(&before)
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil
	}
	return before, interpret("send the charge of payment "+paymentID, err)
}

// EndOperation stores the outcome of an operation: done or refused.
func (s *Store) EndOperation(ctx context.Context, paymentID string, kind payment.Operation, number int, outcome string, at time.Time) error {
	_, err := s.pool.Exec(ctx, `update operations set outcome = $2, updated_at = $3 where provider_key = $1 and outcome <> $2`,
		payment.ProviderKey(paymentID, kind, number), outcome, at)
	return interpret("end "+string(kind)+" of payment "+paymentID, err)
}
