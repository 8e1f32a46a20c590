package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

const selectOperations = `
select provider_key::text, kind, number, amount, outcome, created_at, updated_at, idempotency_key, origin, reason, metadata, provider_id, failure, failure_code, fingerprint,
       coalesce(sent_at, '0001-01-01Z')
from operations where payment_id = $1`

const inOrder = ` order by created_at, kind, number`

// Operations lists the operations that the provider was asked for, oldest first.
func (s *Store) Operations(ctx context.Context, paymentID string) ([]payment.OperationRecord, error) {
	list, err := readRows(ctx, s.pool, scanOperation, selectOperations+inOrder, paymentID)
	return list, interpret("list the operations of payment "+paymentID, err)
}

func scanOperation(row pgx.CollectableRow) (payment.OperationRecord, error) {
	o, err := pgx.RowToStructByPos[payment.OperationRecord](row)
	o.CreatedAt, o.UpdatedAt, o.SentAt = o.CreatedAt.UTC(), o.UpdatedAt.UTC(), o.SentAt.UTC()
	if len(o.Metadata) == 0 {
		o.Metadata = nil // as it was asked for
	}
	return o, err
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

// Sending is an attempt to send an operation.
type Sending struct {
	Before  bool      // an earlier attempt may have sent it
	changed time.Time // the row's last change, which is this attempt's own
}

// SendOperation stores that an activity is about to send an operation, and says whether one has done so before. An operation without a row
// counts as sent: its row may be lost. Each attempt changes the row, so that no other attempt can take this one back.
func (s *Store) SendOperation(ctx context.Context, providerKey string, at time.Time) (Sending, error) {
	var sending Sending
	err := s.pool.QueryRow(ctx, `
with operation as (select provider_key, sent_at from operations where provider_key = $1 for update)
update operations o set sent_at = coalesce(operation.sent_at, $2), updated_at = greatest($2, o.updated_at + interval '1 microsecond')
from operation where o.provider_key = operation.provider_key
returning operation.sent_at is not null, o.updated_at`, providerKey, at).Scan(&sending.Before, &sending.changed)
	if errors.Is(err, pgx.ErrNoRows) {
		return Sending{Before: true}, nil
	}
	return sending, interpret("send operation "+providerKey, err)
}

// NotSent takes back an attempt that has certainly sent nothing. The operation still counts as sent if an earlier attempt may have sent it, or
// if anything has changed the row since, such as another attempt.
func (s *Store) NotSent(ctx context.Context, providerKey string, sending Sending) error {
	if sending.Before {
		return nil
	}
	_, err := s.pool.Exec(ctx, `update operations set sent_at = null where provider_key = $1 and updated_at = $2`, providerKey, sending.changed)
	return interpret("take back the sending of operation "+providerKey, err)
}

// EndOperation stores the outcome of an operation: done or refused.
func (s *Store) EndOperation(ctx context.Context, paymentID string, kind payment.Operation, number int, outcome payment.Outcome, at time.Time) error {
	_, err := s.pool.Exec(ctx, `update operations set outcome = $2, updated_at = $3 where provider_key = $1 and outcome <> $2`,
		payment.ProviderKey(paymentID, kind, number), outcome, at)
	return interpret("end "+string(kind)+" of payment "+paymentID, err)
}
