package workflows

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

var failedOrder = command.Order{PaymentID: paymentID, Actor: "ana", Reason: "the panel has none"}

// decide sends an operator's decision after a while, and reports its outcome as a kind, "" when it was carried out.
func decide(t *testing.T, env *testsuite.TestWorkflowEnvironment, actor string, after time.Duration, outcomes *[]failure.Kind) {
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(string(command.Settle), "settle"+actor, &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { require.NoError(t, err) },
			OnComplete: func(_ any, err error) {
				kind := failure.Kind("")
				if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
					kind = failure.Kind(app.Type())
				}
				*outcomes = append(*outcomes, kind)
			},
		}, failedOrder)
	}, after)
}

func TestAnOperatorSettlesAnUnknownPaymentAfterASearch(t *testing.T) {
	unpublished := func(int) error { return refusal(failure.Conflict) }
	for name, row := range map[string]struct {
		fakes    *fakeActivities
		refused  bool // before it is settled: the charge was refused after a doubt
		outcomes []failure.Kind
		want     payment.Status
		settled  int
	}{
		"the provider has none": {
			fakes: &fakeActivities{charge: unpublished}, outcomes: []failure.Kind{"", failure.Conflict}, want: payment.Failed, settled: 1,
		},
		"the provider has it": {
			fakes: &fakeActivities{charge: unpublished, provider: payment.Approved}, outcomes: []failure.Kind{failure.Conflict, failure.Conflict}, want: payment.Approved,
		},
		"it is being searched for": {
			fakes: &fakeActivities{charge: doubtful}, outcomes: []failure.Kind{failure.Conflict, failure.Conflict}, want: payment.Failed,
		},
		"the provider does not say": {
			fakes: &fakeActivities{charge: unpublished, look: func(n int) error {
				if n <= 1 {
					return refusal(failure.Conflict)
				}
				return nil
			}},
			outcomes: []failure.Kind{failure.Unavailable, ""}, want: payment.Failed, settled: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := row.fakes
			env := newEnv(t, w)
			var outcomes []failure.Kind
			decide(t, env, "ana", 5*time.Second, &outcomes)
			decide(t, env, "ana again", 5*time.Second, &outcomes)
			post(env, 3*time.Second, creation().Request.Fingerprint(), func(err error) { require.NoError(t, err) })
			start(env, creation())
			require.NoError(t, env.GetWorkflowError())
			require.ElementsMatch(t, row.outcomes, outcomes, "of two at one moment the test suite does not say which comes first")
			require.Equal(t, row.want, w.row.Status)
			require.Len(t, w.settled, row.settled)
			for _, o := range w.settled {
				require.Equal(t, []string{failedOrder.Actor, failedOrder.Reason}, []string{o.Actor, o.Reason})
			}
		})
	}
}

func TestWhatIsNotThereCannotBeSettled(t *testing.T) {
	w := &fakeActivities{}
	env := newEnv(t, w)
	var outcomes []failure.Kind
	decide(t, env, "ana", 0, &outcomes)
	start(env, nil)
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []failure.Kind{failure.NotFound}, outcomes)
}
