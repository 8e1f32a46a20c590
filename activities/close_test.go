package activities

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// ended is an unpaid Pix whose own end has come; the provider's is half an hour later.
func (w env) ended(t *testing.T) (id string, state payment.ProviderState, in LookInput) {
	t.Helper()
	opening := creation(t)
	opening.AskedAt = time.Now().Add(-time.Hour - time.Second)
	_, err := w.Open(t.Context(), opening)
	require.NoError(t, err)
	p, err := w.database.Payment(t.Context(), opening.PaymentID)
	require.NoError(t, err)
	state, err = w.Activities.provider.Charge(t.Context(), mercadopago.ChargeRequest{Payment: p, Key: payment.ProviderKey(p.ID, payment.Charge, 1)}) // as it was in time
	require.NoError(t, err)
	moved, err := w.Apply(t.Context(), ApplyInput{PaymentID: p.ID, State: state})
	require.NoError(t, err)
	require.Equal(t, payment.Pending, moved.Status)
	p, err = w.database.Payment(t.Context(), p.ID)
	require.NoError(t, err)
	require.True(t, p.Ended(time.Now()))
	require.WithinDuration(t, opening.AskedAt.Add(time.Hour), p.Instructions.ExpiresAt, time.Millisecond, "the end that its client app was given")
	require.WithinDuration(t, p.Instructions.ExpiresAt.Add(31*time.Minute), state.ExpiresAt, time.Second, "the provider's")
	return p.ID, state, LookInput{PaymentID: p.ID, ProviderPaymentID: state.PaymentID, Money: money}
}

func (w env) outcome(t *testing.T, id string) payment.Outcome {
	t.Helper()
	operations, err := w.database.Operations(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, operations, 2)
	cancel := operations[1]
	require.Equal(t, payment.Cancel, cancel.Kind)
	require.Equal(t, payment.ProviderKey(id, payment.Cancel, 1), cancel.ProviderKey)
	require.Equal(t, money.Centavos, cancel.Amount)
	return cancel.Outcome
}

func TestAPixIsClosedAtItsEndOnce(t *testing.T) {
	t.Parallel()
	lost := simulator.Fault{On: simulator.Update, Kind: simulator.KindLostAnswer, Times: 1}
	for name, faults := range map[string][]simulator.Fault{"closed": nil, "the answer is lost": {lost}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			id, _, in := w.ended(t)
			w.arm(id, faults...)
			if len(faults) > 0 {
				_, err := w.Close(t.Context(), in)
				requireActivityError(t, err, failure.Unavailable, true)
				require.Equal(t, payment.OutcomeAsked, w.outcome(t, id))
			}
			for range 2 {
				seen, err := w.Close(t.Context(), in)
				require.NoError(t, err)
				require.True(t, seen.Found)
				require.Equal(t, payment.Cancelled, seen.State.Status)
				require.True(t, seen.State.BySeller)
				require.Equal(t, payment.OutcomeDone, w.outcome(t, id))

				moved, err := w.Apply(t.Context(), ApplyInput{PaymentID: id, State: seen.State})
				require.NoError(t, err)
				require.Equal(t, payment.Expired, moved.Status, "for its client app it has expired")
			}
			require.Len(t, w.provider.Ledger(), 2, "one charge, one cancellation")
			for _, r := range w.provider.Requests() {
				if r.Method == http.MethodPut {
					require.Equal(t, payment.ProviderKey(id, payment.Cancel, 1), r.IdempotencyKey)
				}
			}
			events, err := w.database.Events(t.Context(), id, 0, 10)
			require.NoError(t, err)
			require.Len(t, events, 3)
		})
	}
}

// The buyer pays at the last moment, or after it and before the Pix is closed: the payment counts.
func TestWhoHasPaidMeanwhileHasPaid(t *testing.T) {
	t.Parallel()
	for name, pay := range map[string]func(env, string, payment.ProviderState) error{
		"just before": func(w env, id string, _ payment.ProviderState) error {
			w.arm(id, simulator.Fault{On: simulator.Update, Kind: simulator.KindPaidMeanwhile})
			return nil
		},
		"before": func(w env, _ string, s payment.ProviderState) error { return w.provider.Pay(s.PaymentID) },
		"and the answer is lost": func(w env, id string, s payment.ProviderState) error {
			w.arm(id, simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Times: 1})
			return w.provider.Pay(s.PaymentID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			id, state, in := w.ended(t)
			require.NoError(t, pay(w, id, state))
			seen, err := w.Close(t.Context(), in)
			if failure.Kind(kindIn(err)) == failure.Unavailable {
				seen, err = w.Close(t.Context(), in)
			}
			for range 2 {
				require.NoError(t, err)
				require.Equal(t, payment.Approved, seen.State.Status)
				require.Equal(t, payment.OutcomeRefused, w.outcome(t, id))
				moved, err2 := w.Apply(t.Context(), ApplyInput{PaymentID: id, State: seen.State})
				require.NoError(t, err2)
				require.Equal(t, payment.Approved, moved.Status)
				seen, err = w.Close(t.Context(), in)
			}
		})
	}
}

func kindIn(err error) string {
	if err == nil {
		return ""
	}
	return err.(interface{ Type() string }).Type()
}

// What the seller closes before the end was not to be closed yet, and so it was cancelled. Reconciliation reads it as Apply does.
func TestWhatTheSellerCancelsBeforeTheEndIsCancelled(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	early, state := w.charged(t)
	_, err := w.Apply(t.Context(), ApplyInput{PaymentID: early, State: state})
	require.NoError(t, err)
	cancelled, err := w.Activities.provider.Cancel(t.Context(), state.PaymentID, "in the panel")
	require.NoError(t, err)
	for range 2 {
		moved, err := w.Apply(t.Context(), ApplyInput{PaymentID: early, State: cancelled})
		require.NoError(t, err)
		require.Equal(t, payment.Cancelled, moved.Status)
	}
	t.Run("at its end", func(t *testing.T) {
		id, _, in := w.ended(t)
		seen, err := w.Close(t.Context(), in)
		require.NoError(t, err)
		_, err = w.Apply(t.Context(), ApplyInput{PaymentID: id, State: seen.State})
		require.NoError(t, err)
	})
	counts := w.reconcile(t, "run")
	require.Equal(t, 2, counts.Seen)
	require.Zero(t, counts.Contradictions)
	require.Zero(t, counts.Differences)
	require.Empty(t, signals.taken())
}

// The end has come before the provider could be asked. A charge that was never sent is refused, one that may have been is doubted,
// and one that was is found.
func TestNothingIsChargedAfterTheEnd(t *testing.T) {
	t.Parallel()
	late := func(t *testing.T, w env) string {
		in := creation(t)
		in.AskedAt = time.Now().Add(-time.Hour - time.Second)
		_, err := w.Open(t.Context(), in)
		require.NoError(t, err)
		return in.PaymentID
	}
	for name, again := range map[string]bool{"never sent": false, "in doubt": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			id := late(t, w)
			for range 2 {
				_, err := w.Charge(t.Context(), ChargeInput{PaymentID: id, Again: again})
				requireActivityError(t, err, failure.Invalid, false)
				require.Contains(t, err.Error(), "the time to pay ran out")
				require.Equal(t, again, application(t, err).HasDetails())
			}
			require.Zero(t, w.charges(id))
			for _, r := range w.provider.Requests() {
				require.Equal(t, http.MethodGet, r.Method)
			}
		})
	}
	t.Run("sent", func(t *testing.T) {
		t.Parallel()
		w := newEnv(t)
		id := late(t, w)
		p, err := w.database.Payment(t.Context(), id)
		require.NoError(t, err)
		sent, err := w.Activities.provider.Charge(t.Context(), mercadopago.ChargeRequest{Payment: p, Key: payment.ProviderKey(id, payment.Charge, 1)})
		require.NoError(t, err)
		found, err := w.Charge(t.Context(), ChargeInput{PaymentID: id, Again: true})
		require.NoError(t, err)
		require.Equal(t, sent, found)
		require.Equal(t, 1, w.charges(id))
	})
}

// At night there are few charges and many ends: calls that close unpaid payments must not keep a buyer waiting when they fail.
func TestClosingsThatFailHoldUpNoCharge(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id, _, in := w.ended(t)
	w.arm(id, simulator.Fault{On: simulator.Update, Kind: simulator.KindError, Status: http.StatusServiceUnavailable})
	for range 20 {
		_, err := w.Close(t.Context(), in)
		requireActivityError(t, err, failure.Unavailable, true)
	}
	require.False(t, w.Activities.provider.Steady(breaker.Cancel), "enough of them to open a breaker")
	t.Run("a buyer comes", func(t *testing.T) { w.charged(t) })
}

func TestAClosingThatFailsSaysSo(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id, _, in := w.ended(t)
	w.arm(id, simulator.Fault{On: simulator.Update, Kind: simulator.KindError, Status: http.StatusServiceUnavailable, Times: 1})
	_, err := w.Close(t.Context(), in)
	requireActivityError(t, err, failure.Unavailable, true)
	in.Money.Centavos++
	_, err = w.Close(t.Context(), in)
	requireActivityError(t, err, failure.Conflict, false)
	in.PaymentID = payment.NewID("shop", "missing")
	_, err = w.Close(t.Context(), in)
	requireActivityError(t, err, failure.NotFound, false)
	require.False(t, errors.Is(err, errUntried))
}
