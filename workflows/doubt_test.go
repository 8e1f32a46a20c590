package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
)

// doubtful is a refusal that follows an attempt which may have charged.
func doubtful(int) error {
	return temporal.NewNonRetryableApplicationError("no", string(payment.Invalid), nil, activities.Doubt{Earlier: true})
}

// A search that does not know the charge yet must not make a charged payment a failed one.
func TestARefusalAfterALostAnswerIsBelievedAfterASecondSearchOnly(t *testing.T) {
	rows := map[string]struct {
		provider payment.Status
		look     func(int) error
		want     []payment.Status
	}{
		"charged":     {payment.Approved, nil, []payment.Status{payment.Processing, payment.Approved}},
		"not charged": {"", nil, []payment.Status{payment.Processing, payment.Failed}},
		"search fails at first": {"", func(n int) error {
			if n <= 3 {
				return transient(payment.Unavailable)
			}
			return nil
		}, []payment.Status{payment.Processing, payment.Failed}},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			w := &world{provider: row.provider, look: row.look, charge: doubtful}
			env := newEnv(t, w)
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, row.want, w.published())
			require.GreaterOrEqual(t, env.Now().Sub(started), searchLag)
			require.Empty(t, w.letters)
		})
	}
}

func TestARefusalThatCannotBeCheckedLeavesThePaymentUnknown(t *testing.T) {
	w := &world{charge: doubtful}
	w.look = func(attempt int) error {
		if attempt == 1 {
			return refusal(payment.Conflict)
		}
		return nil
	}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() { w.provider = payment.Approved }, time.Hour)
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Unknown, payment.Approved}, w.published())
	require.Len(t, w.letters, 1)
	require.Zero(t, w.count("Fail"))
}

// The activity that follows a quick try must know that it may not be the first to charge, unless the try was not begun.
func TestAnActivityKnowsOfTheQuickTryBeforeIt(t *testing.T) {
	untried := temporal.NewApplicationError("no quick try", string(payment.Unavailable), activities.Doubt{Untried: true})
	for name, row := range map[string]struct {
		quick error
		again bool
	}{
		"no answer": {transient(payment.Unavailable), true},
		"a bug":     {transient(payment.Internal), true},
		"not begun": {untried, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{provider: payment.Approved}
			w.charge = func(attempt int) error {
				if attempt == 1 {
					return row.quick
				}
				return nil
			}
			env := newEnv(t, w)
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, []activities.ChargeInput{{PaymentID: paymentID}, {PaymentID: paymentID, Again: row.again}}, w.asked)
			require.Equal(t, []payment.Status{payment.Processing, payment.Approved}, w.published())
		})
	}
}

// A workflow task that failed, at once or late, has left its payment behind, and may have charged. The one that does it all
// again must know.
func TestAQuickTryKnowsThatItMayNotBeTheFirst(t *testing.T) {
	for name, left := range map[string]bool{"first": false, "again": true} {
		t.Run(name, func(t *testing.T) {
			w := &world{provider: payment.Approved}
			if left {
				_, err := w.Open(t.Context(), activities.OpenInput{PaymentID: paymentID, Creation: creation()})
				require.NoError(t, err)
			}
			env := newEnv(t, w)
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, []activities.ChargeInput{{PaymentID: paymentID, Again: left, Search: left}}, w.asked)
		})
	}
}
