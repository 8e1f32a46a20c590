package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// Whatever an answer about another account's payment says, it is no proof of ours: the charge is not believed, nor is a look, and
// reconciliation alerts an operator.
func TestAnswersAboutAnotherAccountAreNotBelieved(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	ids, states := w.payments(t, 1)
	require.NoError(t, w.provider.Pay(states[0].PaymentID))
	client, err := mercadopago.New(mercadopago.Config{BaseURL: w.address, AccessToken: "TEST-1", Timeout: timeout, CollectorID: "77"})
	require.NoError(t, err)
	w.Activities.provider = client

	_, err = w.Look(t.Context(), LookInput{PaymentID: ids[0], ProviderPaymentID: states[0].PaymentID, Money: money})
	requireActivityError(t, err, failure.Conflict, false)
	_, err = w.charge(t, w.opened(t))
	requireActivityError(t, err, failure.Conflict, false)
	require.Equal(t, 2, w.reconcile(t, "a").Contradictions)
	require.Empty(t, signals.taken())
	for _, f := range w.open(t, payment.Contradiction) {
		require.Contains(t, f.Detail, "ours is 77")
	}
}
