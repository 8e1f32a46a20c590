package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// AskCapture stores that a reserved sum is to be captured, with its entry in the audit, before the provider is asked; 0 is all of it. One that
// was stored before and was not refused does not change, and is returned. Errors: Conflict when the payment is not authorized, or another
// sum is being captured; Invalid when the sum is larger than what was reserved; NotFound when there is no such payment.
func (s *Store) AskCapture(ctx context.Context, paymentID string, centavos int64, e audit.Entry, at time.Time) (capture payment.OperationRecord, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, selectPayment+`where id = $1 for update`, paymentID) // rows know the error, too
		p, err := pgx.CollectExactlyOneRow(rows, scanPayment)
		if err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, selectOperations+` and kind = $2`+inOrder, paymentID, payment.Capture)
		before, err := pgx.CollectRows(rows, scanOperation)
		if err != nil {
			return err
		}
		if capture, err = captureOf(p, before, centavos); err != nil || capture.Outcome != "" {
			return err
		}
		capture.Outcome, capture.CreatedAt, capture.UpdatedAt = payment.OutcomeAsked, at, at
		if err := insertOperation(ctx, tx, paymentID, capture); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, insertAudit, auditArgs(e))
		return err
	})
	if _, known := errors.AsType[*failure.Error](err); known {
		return capture, err
	}
	return capture, interpret("ask for the capture of payment "+paymentID, err)
}

// captureOf is the capture that is asked for: one that is there already, or a new one without an outcome.
func captureOf(p payment.Payment, before []payment.OperationRecord, centavos int64) (payment.OperationRecord, error) {
	if !payment.Capture.PossibleFor(p.Status) {
		return payment.OperationRecord{}, &failure.Error{
			Kind: failure.Conflict, Message: "the payment is " + string(p.Status) + "; only an authorized payment can be captured",
		}
	}
	if centavos == 0 {
		centavos = p.Amount.Centavos
	}
	if centavos < 0 || centavos > p.Amount.Centavos {
		return payment.OperationRecord{}, &failure.Error{
			Kind: failure.Invalid, Message: fmt.Sprintf("must be at most %d centavos, which is what is reserved", p.Amount.Centavos),
		}
	}
	number := len(before) + 1
	if n := len(before); n > 0 && before[n-1].Outcome != payment.OutcomeRefused {
		if before[n-1].Amount != centavos {
			return payment.OperationRecord{}, &failure.Error{
				Kind: failure.Conflict, Message: fmt.Sprintf("a capture of %d centavos is under way; repeat that one", before[n-1].Amount),
			}
		}
		return before[n-1], nil
	}
	return payment.OperationRecord{
		ProviderKey: payment.ProviderKey(p.ID, payment.Capture, number), Kind: payment.Capture, Number: number, Amount: centavos,
	}, nil
}
