package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// reserved is an authorized payment of R$ 10,50.
func (w env) reserved(t *testing.T) string {
	t.Helper()
	in := w.cardOf(t, "APRO")
	in.Creation.Request.Method.Card.AuthorizeOnly = true
	_, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	state, err := w.Charge(t.Context(), ChargeInput{PaymentID: in.PaymentID, Secrets: in.Creation.Secrets})
	require.NoError(t, err)
	require.Equal(t, payment.Authorized, state.Status)
	require.WithinDuration(t, time.Now().Add(5*24*time.Hour), state.ExpiresAt, time.Minute)
	w.apply(t, in.PaymentID, state)
	return in.PaymentID
}

func (w env) apply(t *testing.T, id string, state payment.ProviderState) payment.Payment {
	t.Helper()
	_, err := w.Apply(t.Context(), ApplyInput{PaymentID: id, State: state, Looked: true})
	require.NoError(t, err)
	p, err := w.database.Payment(t.Context(), id)
	require.NoError(t, err)
	return p
}

func capture(id string, centavos int64) OrderInput {
	return OrderInput{Order: command.Order{PaymentID: id, Command: command.Capture, ID: "order-1", Actor: "ana", Reason: "shipped", Amount: centavos}}
}

// A part is captured once, however often it is asked for, and the books have that part.
func TestAPartIsCapturedOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.reserved(t)
	ledger, err := w.database.Ledger(t.Context(), id)
	require.NoError(t, err)
	require.Empty(t, ledger, "reserved money is not the seller's")

	asked, err := w.AskCapture(t.Context(), capture(id, 700))
	require.NoError(t, err)
	again, err := w.AskCapture(t.Context(), capture(id, 700))
	require.NoError(t, err)
	require.Equal(t, asked, again)
	_, err = w.AskCapture(t.Context(), capture(id, 800))
	requireActivityError(t, err, failure.Conflict, false)

	var p payment.Payment
	for range 2 {
		seen, err := w.Capture(t.Context(), asked)
		require.NoError(t, err)
		p = w.apply(t, id, seen.State)
	}
	require.Equal(t, payment.Approved, p.Status)
	require.Equal(t, int64(700), p.Captured)
	require.Equal(t, int64(700), p.Gross())
	require.Equal(t, money, p.Amount, "what was asked for stays")
	moves := 0
	for _, e := range w.provider.Ledger() {
		if e.ExternalReference == id && e.Status == "approved" {
			moves++
		}
	}
	require.Equal(t, 1, moves)
	ledger, err = w.database.Ledger(t.Context(), id)
	require.NoError(t, err)
	sums := map[payment.Account]int64{}
	for _, e := range ledger {
		sums[e.Account] += e.Amount
	}
	require.Equal(t, int64(-700), sums[payment.AccountPayable])
	require.Zero(t, sums[payment.AccountPayable]+sums[payment.AccountFees]+sums[payment.AccountPending]+sums[payment.AccountAvailable])
	operations, err := w.database.Operations(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, operations, 2)
	require.Equal(t, payment.OutcomeDone, operations[1].Outcome)
	_, err = w.AskCapture(t.Context(), capture(id, 0))
	requireActivityError(t, err, failure.Conflict, false)

	// What is left to refund is what was captured.
	order := OrderInput{Order: command.Order{PaymentID: id, Command: command.Refund, ID: "back", Actor: "ana", Reason: "r",
		Refund: &payment.RefundRequest{All: true, IdempotencyKey: "back"}}}
	refund, err := w.AskRefund(t.Context(), order)
	require.NoError(t, err)
	require.Equal(t, int64(700), refund.Amount)
	state, err := w.Refund(t.Context(), RefundInput{PaymentID: id, ID: refund.ID, Amount: refund.Amount})
	require.NoError(t, err)
	p = w.apply(t, id, state)
	require.Equal(t, payment.Refunded, p.Status)
}

// The answer to a capture is lost. It is looked for before anything is sent again, and before a refusal is believed.
func TestALostAnswerToACaptureIsFound(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"after it was captured":  {On: simulator.Update, Kind: simulator.KindTruncated, Times: 1},
		"before it was captured": {On: simulator.Update, Kind: simulator.KindError, Status: 503, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			id := w.reserved(t)
			asked, err := w.AskCapture(t.Context(), capture(id, 0))
			require.NoError(t, err)
			require.Equal(t, money.Centavos, asked.Amount)
			w.arm(id, fault)
			_, err = w.Capture(t.Context(), asked)
			requireActivityError(t, err, failure.Unavailable, true)
			seen, err := w.Capture(t.Context(), asked)
			require.NoError(t, err)
			p := w.apply(t, id, seen.State)
			require.Equal(t, payment.Approved, p.Status)
			require.Equal(t, money.Centavos, p.Captured)
		})
	}
}

// What is over cannot be captured, and the payment says so.
func TestAnAuthorizationThatIsOverIsNotCaptured(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.reserved(t)
	_, err := w.AskCapture(t.Context(), capture(id, money.Centavos+1))
	requireActivityError(t, err, failure.Invalid, false)
	asked, err := w.AskCapture(t.Context(), capture(id, 500))
	require.NoError(t, err)
	p, err := w.database.Payment(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, w.provider.Expire(p.Provider.PaymentID))
	seen, err := w.Capture(t.Context(), asked)
	require.NoError(t, err)
	p = w.apply(t, id, seen.State)
	require.Equal(t, payment.Expired, p.Status)
	require.Zero(t, p.Captured)
	operations, err := w.database.Operations(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeRefused, operations[1].Outcome)
}

// A cancel gives up what is reserved.
func TestAReservationIsVoided(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.reserved(t)
	p, err := w.database.Payment(t.Context(), id)
	require.NoError(t, err)
	in := LookInput{PaymentID: id, ProviderPaymentID: p.Provider.PaymentID, Money: p.Amount, Reserved: true}
	for range 2 {
		seen, err := w.Close(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, payment.Cancelled, w.apply(t, id, seen.State).Status)
	}
}

// Less than was asked for is right only when the money was reserved.
func TestLessThanAskedForIsNoProofOfAPix(t *testing.T) {
	t.Parallel()
	less := payment.ProviderState{PaymentID: "7", Reference: "p", Status: payment.Approved, Money: payment.Money{Centavos: 700, Currency: payment.BRL}}
	in := LookInput{PaymentID: "p", ProviderPaymentID: "7", Money: money}
	_, err := believe(less, in)
	requireActivityError(t, err, failure.Conflict, false)
	in.Reserved = true
	state, err := believe(less, in)
	require.NoError(t, err)
	require.Equal(t, int64(700), state.Captured)
	less.Money.Centavos = money.Centavos + 1
	_, err = believe(less, in)
	requireActivityError(t, err, failure.Conflict, false)
}
