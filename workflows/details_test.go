package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
)

// The details are sentences, and hold nothing personal.
func TestTheCurrentDetailsAreSentences(t *testing.T) {
	t.Parallel()
	state := activities.State{
		Found: true, Status: payment.Pending, Method: payment.Pix, Money: payment.Money{Centavos: 1050, Currency: payment.BRL},
		ProviderPaymentID: "123", ExpiresAt: started.Add(time.Hour), KeepsEnd: true,
	}
	p := &mailbox{in: PaymentInput{Polls: polls}, state: state, pollAt: started.Add(time.Minute), polledAt: started}
	require.Equal(t, "**Waiting for the buyer** to pay R$ 10.50 by Pix until 2026-01-05T13:00:00Z; Mercado Pago payment 123. Next look at 2026-01-05T12:01:00Z.", p.details())

	p.state.Hold = payment.Hold{Until: started.Add(2 * time.Hour), Actor: "ana", Reason: "the buyer bia@example.com asked"}
	require.Equal(t, "**Held** by an operator until 2026-01-05T14:00:00Z: OnlyWave makes no call to Mercado Pago for it before. "+
		"**Waiting for the buyer** to pay R$ 10.50 by Pix until 2026-01-05T13:00:00Z; Mercado Pago payment 123.", p.details())

	p.state.Hold, p.state.Status = payment.Hold{}, payment.Approved
	require.Equal(t, "**Approved**: R$ 10.50 by Pix; Mercado Pago payment 123.", p.details())

	p.state.Refunds = []payment.PendingRefund{{ID: "a", Amount: 400}, {ID: "b", Amount: 50, ProviderID: "71"}, {ID: "c", Amount: 100}}
	p.refunds = map[string]refundAttempt{"c": {due: started.Add(time.Hour)}}
	require.Equal(t, "**Approved**: R$ 10.50 by Pix; Mercado Pago payment 123. **Refund** of R$ 4.00: Mercado Pago has not answered yet. "+
		"**Refund** of R$ 0.50: Mercado Pago has it in process. **Refund** of R$ 1.00: the next attempt is at 2026-01-05T13:00:00Z.", p.details())

	p.state = activities.State{Found: true, Status: payment.Processing, Method: payment.Pix, Money: state.Money}
	p.waiting = "charge BRL 10.50"
	require.Equal(t, "**Being charged**: R$ 10.50 by Pix. Mercado Pago has not answered yet. "+
		`The activity "charge BRL 10.50" is tried until Mercado Pago answers.`, p.details())

	p.waiting, p.state.Status = "", payment.Unknown
	require.Contains(t, p.details(), "**Unknown**: the answer to the charge of R$ 10.50 by Pix is lost, and Mercado Pago may have charged. **Dead letter** `unknown-outcome`: ")
	p.refusal = "The signal `hold` of 2026-01-05T12:00:00Z was refused: the order is not valid: reason must say why."
	require.Contains(t, p.details(), "\n\nThe signal `hold`")
}
