package workflows

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func (w *fakeActivities) AskCapture(_ context.Context, in activities.OrderInput) (activities.CaptureInput, error) {
	w.called("AskCapture")
	w.ordered = append(w.ordered, in.Order)
	return activities.CaptureInput{PaymentID: paymentID, Number: 1, Amount: in.Amount}, nil
}

func (w *fakeActivities) Capture(_ context.Context, in activities.CaptureInput) (activities.Seen, error) {
	if n := w.called("Capture"); w.capture != nil {
		if err := w.capture(n); err != nil {
			return activities.Seen{}, err
		}
	}
	if w.provider == payment.Authorized {
		w.provider, w.captured = payment.Approved, in.Amount
	}
	return activities.Seen{Found: true, State: w.answer()}, nil
}

// reserved is a payment on a card whose money is reserved for five days.
func reserved() *fakeActivities {
	ends := started.Add(5 * 24 * time.Hour)
	return &fakeActivities{provider: payment.Authorized, expires: ends, row: activities.State{
		Found: true, Status: payment.Authorized, Method: payment.Card, Reserves: true, ProviderPaymentID: providerID, ExpiresAt: ends, Version: 2,
		Money: payment.Money{Centavos: 1050, Currency: payment.BRL}, AskedAt: started, Since: started,
	}}
}

// orderCapture orders a capture after a while, and reports its outcome.
func orderCapture(env *testsuite.TestWorkflowEnvironment, after time.Duration, centavos int64, outcome *error) {
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(string(command.Capture), after.String(), &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { *outcome = err }, OnComplete: func(_ any, err error) { *outcome = err },
		}, command.Order{Actor: "ana", Reason: "shipped", Amount: centavos})
	}, after)
}

// errNotYet stands for an outcome that has not come.
var errNotYet = errors.New("there is no outcome yet")

func TestReservedMoneyIsCaptured(t *testing.T) {
	w, outcome := reserved(), errNotYet
	env := newEnv(t, w)
	orderCapture(env, time.Hour, 700, &outcome)
	start(env, nil)

	require.NoError(t, env.GetWorkflowError())
	require.NoError(t, outcome)
	require.Equal(t, payment.Approved, w.row.Status)
	require.Equal(t, int64(700), w.ordered[0].Amount)
	require.Equal(t, 1, w.count("Capture"))
}

// What the provider says counts, and whoever has ordered reads it: nothing was captured, another sum was, or nobody knows.
func TestACaptureThatDoesNotWorkSaysWhy(t *testing.T) {
	for name, row := range map[string]struct {
		provider payment.Status
		captured int64
		capture  func(int) error
		kind     failure.Kind
		last     payment.Status
	}{
		"it is over":                   {provider: payment.Expired, kind: failure.Conflict, last: payment.Expired},
		"another sum is captured":      {provider: payment.Approved, captured: 300, kind: failure.Conflict, last: payment.Approved},
		"the provider refuses":         {provider: payment.Authorized, capture: func(int) error { return refusal(failure.Invalid) }, kind: failure.Conflict},
		"the provider does not answer": {provider: payment.Authorized, capture: func(int) error { return transient(failure.Unavailable) }, kind: failure.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			w, outcome := reserved(), errNotYet
			w.capture = row.capture
			env := newEnv(t, w)
			env.RegisterDelayedCallback(func() { w.provider, w.captured = row.provider, row.captured }, time.Hour-time.Second)
			orderCapture(env, time.Hour, 700, &outcome)
			env.RegisterDelayedCallback(func() { // unless the run has ended by then
				require.Equal(t, payment.Authorized, w.row.Status)
				w.provider = payment.Cancelled
			}, 2*time.Hour)
			start(env, nil)

			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, row.kind, KindOf(outcome), "%v", outcome)
			if row.last != "" {
				require.Equal(t, row.last, w.row.Status)
			}
		})
	}
}

// Nobody captures it. The run looks soon after the end, and sees that the money is given back.
func TestAReservationThatNobodyCapturesEnds(t *testing.T) {
	w := reserved()
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() { w.provider = payment.Expired }, 5*24*time.Hour)
	start(env, nil)

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Expired, w.row.Status)
	require.Equal(t, 5*24*time.Hour+polls.AfterExpiry, env.Now().Sub(started).Truncate(time.Second))
	require.Zero(t, w.count("Close"), "the bank gives it back, and not we")
}
