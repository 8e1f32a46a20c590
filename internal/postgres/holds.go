package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/payment"
)

const selectHold = `select until, actor, reason, at from payment_holds where payment_id = $1`

func scanHold(row pgx.CollectableRow) (h payment.Hold, err error) {
	err = row.Scan(&h.Until, &h.Actor, &h.Reason, &h.At)
	h.Until, h.At = h.Until.UTC(), h.At.UTC()
	return h, err
}

// Hold is the hold of a payment; its zero value if the payment is not held. A hold that is over stays until the payment's workflow ends it.
func (s *Store) Hold(ctx context.Context, paymentID string) (payment.Hold, error) {
	h, err := readRow(ctx, s.pool, scanHold, selectHold, paymentID)
	if errors.Is(err, pgx.ErrNoRows) {
		return payment.Hold{}, nil
	}
	return h, interpret("read the hold of payment "+paymentID, err)
}

// SetHold holds a payment, or gives its hold another end, and writes the audit. An entry that is there already means that this was done
// before, and nothing changes. It returns the hold as it stands; kind NotFound when there is no such payment.
func (s *Store) SetHold(ctx context.Context, paymentID string, h payment.Hold, e audit.Entry) (payment.Hold, error) {
	return s.changeHold(ctx, paymentID, e, func(tx pgx.Tx, before payment.Hold) (payment.Hold, error) {
		_, err := tx.Exec(ctx, `
insert into payment_holds (payment_id, until, actor, reason, at) values ($1, $2, $3, $4, $5)
on conflict (payment_id) do update set until = excluded.until, actor = excluded.actor, reason = excluded.reason, at = excluded.at`,
			paymentID, h.Until, h.Actor, h.Reason, h.At)
		return h, err
	})
}

// EndHold ends a payment's hold and writes the audit, once, as SetHold does. A payment that is not held does not change.
func (s *Store) EndHold(ctx context.Context, paymentID string, e audit.Entry) (payment.Hold, error) {
	return s.changeHold(ctx, paymentID, e, func(tx pgx.Tx, before payment.Hold) (payment.Hold, error) {
		if before == (payment.Hold{}) {
			return before, errNoChange
		}
		_, err := tx.Exec(ctx, `delete from payment_holds where payment_id = $1`, paymentID)
		return payment.Hold{}, err
	})
}

// errNoChange ends a transaction that has nothing to change.
var errNoChange = errors.New("nothing to change")

func (s *Store) changeHold(ctx context.Context, paymentID string, e audit.Entry, change func(pgx.Tx, payment.Hold) (payment.Hold, error)) (payment.Hold, error) {
	var before, after payment.Hold
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var known bool
		err := tx.QueryRow(ctx, `select exists (select from audit where id = $2) from payments where id = $1 for update`, paymentID, e.ID).Scan(&known)
		if err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, selectHold, paymentID) // rows know the error, too
		if before, err = pgx.CollectExactlyOneRow(rows, scanHold); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if known {
			return errNoChange
		}
		if after, err = change(tx, before); err != nil {
			return err
		}
		e.Before, e.After = heldUntil(before), heldUntil(after)
		return writeAudit(ctx, tx, e)
	})
	if errors.Is(err, errNoChange) {
		return before, nil
	}
	return after, interpret("change the hold of payment "+paymentID, err)
}

func heldUntil(h payment.Hold) audit.Values {
	if h == (payment.Hold{}) {
		return nil
	}
	return audit.Values{"held_until": h.Until.UTC().Format(time.RFC3339)}
}
