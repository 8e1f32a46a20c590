package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

// Hold is the hold of a payment; its zero value if the payment is not held. A hold that is over stays until the payment's workflow ends it.
func (s *Store) Hold(ctx context.Context, paymentID string) (payment.Hold, error) {
	h, err := readRow(ctx, s.pool, func(row pgx.CollectableRow) (h payment.Hold, err error) {
		err = row.Scan(&h.Until, &h.Actor, &h.Reason, &h.At)
		h.Until, h.At = h.Until.UTC(), h.At.UTC()
		return h, err
	}, `select until, actor, reason, at from payment_holds where payment_id = $1`, paymentID)
	if errors.Is(err, pgx.ErrNoRows) {
		return payment.Hold{}, nil
	}
	return h, interpret("read the hold of payment "+paymentID, err)
}
