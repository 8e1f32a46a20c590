package mercadopago

import (
	"context"
	"fmt"

	"github.com/onlywave/onlywave/internal/payment"
)

// Capture takes a reserved sum, or less of it, under the idempotency key; what is left goes back to the buyer. Conflict says that the payment's
// state forbids that: it is captured already, or over (code 2018), so read it.
func (c *Client) Capture(ctx context.Context, p payment.Payment, centavos int64, key string) (payment.ProviderState, error) {
	if key == "" || centavos <= 0 || centavos > p.Amount.Centavos {
		return payment.ProviderState{}, fmt.Errorf("capture payment %s: no idempotency key, or %d centavos of %d", p.ID, centavos, p.Amount.Centavos)
	}
	state, err := c.onPayment(ctx, opCapture, key, p.Provider.PaymentID, func(ctx context.Context, id int) error {
		if centavos == p.Amount.Centavos {
			_, err := c.payments.Capture(ctx, id)
			return err
		}
		_, err := c.payments.CaptureAmount(ctx, id, float64(centavos)/100)
		return err
	})
	if err != nil {
		return payment.ProviderState{}, fmt.Errorf("capture payment %s: %w", p.ID, err)
	}
	return state, nil
}
