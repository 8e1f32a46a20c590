package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/internal/payment"
)

func TestQuietPaymentsAreToldOnceInAWhile(t *testing.T) {
	t.Parallel()
	w, bell := reconcilingWorld(t)
	in := creation(t)
	_, _, err := w.record.OpenPayment(t.Context(), payment.Payment{
		ID: in.PaymentID, ClientID: "shop", IdempotencyKey: "old", Request: in.Creation.Request, Status: payment.Processing,
		Provider: payment.Provider{Name: payment.MercadoPago}, CreatedAt: now().Add(-quietAfter - time.Minute),
	})
	require.NoError(t, err)
	bell.broken = true
	_, err = w.NudgeQuiet(t.Context())
	requireVerdict(t, err, payment.Unavailable, true)
	bell.broken = false
	for _, want := range []int{1, 0} {
		n, err := w.NudgeQuiet(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	require.Equal(t, []string{in.PaymentID}, bell.told())
}

// One payment's run takes no more signals: the others are told, and reconciliation goes on.
func TestAPaymentThatCannotBeToldHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w, bell := reconcilingWorld(t)
	ids, states := w.payments(t, 3)
	for _, s := range states {
		require.NoError(t, w.provider.Pay(s.PaymentID))
	}
	bell.deaf = ids[1]
	counts := w.reconcile(t, "run")
	require.Equal(t, 3, counts.Differences)
	require.Equal(t, 2, counts.Nudged)
	require.ElementsMatch(t, []string{ids[0], ids[2]}, bell.told())

	var quiet []string
	for _, key := range []string{"old-1", "old-2"} {
		p, _, err := w.record.OpenPayment(t.Context(), payment.Payment{
			ID: payment.NewID("shop", key), ClientID: "shop", IdempotencyKey: key, Request: creation(t).Creation.Request, Status: payment.Processing,
			Provider: payment.Provider{Name: payment.MercadoPago}, CreatedAt: now().Add(-quietAfter - time.Minute),
		})
		require.NoError(t, err)
		quiet = append(quiet, p.ID)
	}
	bell.deaf = quiet[0]
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(silent))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(w.Activities)
	for _, want := range []int{1, 0} { // it is not called again at once either
		told, err := env.ExecuteActivity(w.NudgeQuiet)
		require.NoError(t, err)
		var n int
		require.NoError(t, told.Get(&n))
		require.Equal(t, want, n)
	}
	require.Equal(t, []string{quiet[1]}, bell.told())
}
