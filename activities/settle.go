package activities

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/command"
)

// SettleInput is what an operator has decided about a payment.
type SettleInput struct {
	command.Order
}

// Settle writes that an operator has settled an unknown payment as failed. One that is not unknown any more stays as it is, and
// so does one that was settled already.
func (a *Activities) Settle(ctx context.Context, in SettleInput) (Moved, error) {
	asked := time.Now()
	m, err := a.database.Settle(ctx, in.By(), in.PaymentID, in.Reason, a.now())
	return a.moved(ctx, asked, m, err)
}
