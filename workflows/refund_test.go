package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
)

// A refund that Mercado Pago has in process is looked at again and again, less often each time, and after a day a person should look.
func TestARefundThatDoesNotEndNeedsAttention(t *testing.T) {
	w := &fakeActivities{provider: payment.Approved, row: activities.State{
		Found: true, Status: payment.Approved, ProviderPaymentID: providerID, Version: 3, Since: started,
		Refunds: []payment.PendingRefund{{ID: "a", Amount: 400, AskedAt: started, ProviderID: "71"}},
	}}
	env := newEnv(t, w)
	var after []time.Duration
	env.OnUpsertTypedSearchAttributes(mock.MatchedBy(func(a temporal.SearchAttributes) bool {
		if needed, ok := a.GetBool(attrNeedsAttention); ok && needed {
			after = append(after, env.Now().Sub(started))
		}
		return true
	})).Return(nil)
	env.RegisterDelayedCallback(env.CancelWorkflow, 30*time.Hour)
	start(env, nil)

	require.Len(t, after, 1, "it is said once")
	require.GreaterOrEqual(t, after[0], refundMayLast)
	require.Less(t, after[0], refundMayLast+polls.Max+time.Minute)
	require.GreaterOrEqual(t, w.looks, int(30*time.Hour/polls.Max))
	require.Less(t, w.looks, int(30*time.Hour/polls.Max)+15)
}
