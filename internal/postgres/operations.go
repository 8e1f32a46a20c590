package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

const selectOperations = `
select provider_key::text, kind, number, amount, outcome, created_at, updated_at
from operations where payment_id = $1
order by created_at, kind, number`

// Operations lists all that was asked of the provider for a payment, oldest first.
func (s *Store) Operations(ctx context.Context, paymentID string) ([]payment.OperationRecord, error) {
	rows, _ := s.pool.Query(ctx, selectOperations, paymentID)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (payment.OperationRecord, error) {
		o, err := pgx.RowToStructByPos[payment.OperationRecord](row)
		o.CreatedAt, o.UpdatedAt = o.CreatedAt.UTC(), o.UpdatedAt.UTC()
		return o, err
	})
	return list, interpret("list the operations of payment "+paymentID, err)
}
