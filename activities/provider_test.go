package activities

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

func (w env) charge(t *testing.T, id string) (payment.ProviderState, error) {
	return w.Charge(t.Context(), ChargeInput{PaymentID: id})
}

// charged is a payment that the provider has charged and we know of.
func (w env) charged(t *testing.T) (id string, state payment.ProviderState) {
	t.Helper()
	id = w.opened(t)
	state, err := w.charge(t, id)
	require.NoError(t, err)
	return id, state
}

// lost is an answer that breaks off after the charge.
var lost = simulator.Fault{On: simulator.Create, Kind: simulator.KindTruncated, Times: 1}

func refusal(status int) simulator.Fault {
	return simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: status}
}

func TestChargingTwiceIsChargingOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id, first := w.charged(t)
	require.Equal(t, payment.Pending, first.Status)
	require.Equal(t, id, first.Reference)
	second, err := w.charge(t, id)
	require.NoError(t, err)
	require.Equal(t, first, second)

	_, err = w.Apply(t.Context(), ApplyInput{PaymentID: id, State: first})
	require.NoError(t, err)
	third, err := w.charge(t, id)
	require.NoError(t, err)
	require.Equal(t, first, third)
	require.Equal(t, 1, w.charges(id))
	require.Len(t, w.provider.Requests(), 3)
	for _, r := range w.provider.Requests()[:2] {
		require.Equal(t, payment.ProviderKey(id, payment.Charge, 1), r.IdempotencyKey)
	}
	require.Equal(t, http.MethodGet, w.provider.Requests()[2].Method, "what the database knows is not charged again")
}

// What a run has written a moment ago is not read for its charge, which is the same to the byte: the provider takes other bytes under the
// same key for another charge.
func TestAChargeUsesWhatWasJustWritten(t *testing.T) {
	t.Parallel()
	w, in := newEnv(t), creation(t)
	in.AskedAt = time.Now().Add(-time.Minute)
	state, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	written := Opened{Creation: *in.Creation, AskedAt: state.AskedAt, At: state.Since}
	stored, err := w.database.Payment(t.Context(), in.PaymentID)
	require.NoError(t, err)
	require.Equal(t, stored, newPayment(in.PaymentID, written.Creation, written.AskedAt, written.At))

	first, err := w.charge(t, in.PaymentID)
	require.NoError(t, err)
	w.lose(t, in.PaymentID)
	again, err := w.Charge(t.Context(), ChargeInput{PaymentID: in.PaymentID, Opened: &written})
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, 1, w.charges(in.PaymentID))

	written.At = written.At.Add(-openedFor)
	_, err = w.Charge(t.Context(), ChargeInput{PaymentID: in.PaymentID, Opened: &written})
	require.Equal(t, Doubt{Missing: true}, doubtOf(t, err), "a row that is lost later is noticed")
}

// The provider charges, its answer is lost, and the charge is repeated hours later, when the provider has forgotten the key.
func TestAChargeRepeatedAfterHoursIsLookedForFirst(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.openedAt(t, time.Now().Add(-2*time.Hour))
	w.arm(id, lost)
	_, err := w.charge(t, id)
	requireActivityError(t, err, failure.Unavailable, true)
	require.Equal(t, 1, w.charges(id))

	w.arm(id, simulator.Fault{On: simulator.Create, Kind: simulator.KindForgottenKey})
	for _, deaf := range []int{http.StatusInternalServerError, http.StatusBadRequest} {
		w.arm(id, simulator.Fault{On: simulator.Search, Kind: simulator.KindError, Status: deaf, Times: 1})
		_, err = w.charge(t, id)
		requireActivityError(t, err, failure.Unavailable, true)
	}
	state, err := w.charge(t, id)
	require.NoError(t, err)
	require.Equal(t, w.provider.Ledger()[0].PaymentID, state.PaymentID)
	require.Equal(t, 1, w.charges(id))
}

// A reset repeats a charge that the database knows, whatever has become of its key.
func TestAChargeThatTheDatabaseHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id, first := w.charged(t)
	_, err := w.Apply(t.Context(), ApplyInput{PaymentID: id, State: first})
	require.NoError(t, err)
	w.arm(id, simulator.Fault{On: simulator.Create, Kind: simulator.KindForgottenKey},
		simulator.Fault{On: simulator.Get, Kind: simulator.KindNotFound, Times: 1})
	_, err = w.charge(t, id)
	requireActivityError(t, err, failure.Unavailable, true)
	again, err := w.charge(t, id)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, 1, w.charges(id))
}

func TestAChargeWhoseAnswerWasLostIsFoundByItsKey(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	w.arm(id, lost)
	_, err := w.charge(t, id)
	requireActivityError(t, err, failure.Unavailable, true)
	require.Equal(t, 1, w.charges(id))

	state, err := w.charge(t, id)
	require.NoError(t, err)
	require.Equal(t, w.provider.Ledger()[0].PaymentID, state.PaymentID)
	require.Equal(t, 1, w.charges(id))
}

func TestARefusalIsBelievedAfterASearchOnly(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusNotFound} {
		w := newEnv(t)
		id := w.opened(t)
		w.arm(id, lost, refusal(status))
		_, err := w.charge(t, id)
		requireActivityError(t, err, failure.Unavailable, true)
		state, err := w.charge(t, id)
		require.NoError(t, err, "the earlier attempt went through")
		require.Equal(t, w.provider.Ledger()[0].PaymentID, state.PaymentID)
		require.Equal(t, 1, w.charges(id))
	}
}

func TestARefusalIsNotBelievedWhileTheSearchFails(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	w.arm(id, refusal(http.StatusBadRequest))
	w.provider.AddFault(simulator.Fault{On: simulator.Search, Kind: simulator.KindError, Times: 1})
	_, err := w.charge(t, id)
	requireActivityError(t, err, failure.Unavailable, true)
	_, err = w.charge(t, id)
	requireActivityError(t, err, failure.Invalid, false)
	require.Zero(t, w.charges(id))
}

func TestTheProvidersAnswerToAChargeIsTheActivitysError(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		fault simulator.Fault
		kind  failure.Kind
		again bool
		delay time.Duration
	}{
		"refused":      {refusal(http.StatusBadRequest), failure.Invalid, false, 0},
		"unauthorized": {refusal(http.StatusUnauthorized), failure.Unauthorized, true, 0},
		"forbidden":    {refusal(http.StatusForbidden), failure.Forbidden, true, 0},
		"broken":       {refusal(http.StatusInternalServerError), failure.Unavailable, true, 0},
		"limited": {simulator.Fault{On: simulator.Create, Kind: simulator.KindRateLimited, Delay: 7 * time.Second},
			failure.Limited, true, 7 * time.Second},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			id := w.opened(t)
			w.arm(id, row.fault)
			_, err := w.charge(t, id)
			requireActivityError(t, err, row.kind, row.again)
			require.Equal(t, row.delay, application(t, err).NextRetryDelay())
			require.Zero(t, w.charges(id))
		})
	}
}

func TestAChargeOfAPaymentThatIsNotThereIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	_, err := w.charge(t, creation(t).PaymentID)
	requireActivityError(t, err, failure.NotFound, false)
	var doubt Doubt
	require.NoError(t, application(t, err).Details(&doubt))
	require.Equal(t, Doubt{Missing: true}, doubt)
	require.Empty(t, w.provider.Requests())
}

func TestAnAnswerAboutAnotherPaymentIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id, state := w.charged(t)
	rows := map[string]LookInput{
		"amount":               {PaymentID: id, ProviderPaymentID: state.PaymentID, Money: payment.Money{Centavos: 1051, Currency: payment.BRL}},
		"currency":             {PaymentID: id, ProviderPaymentID: state.PaymentID, Money: payment.Money{Centavos: 1050, Currency: "USD"}},
		"reference":            {PaymentID: payment.NewID("shop", "another"), ProviderPaymentID: state.PaymentID, Money: money},
		"amount, by reference": {PaymentID: id, Money: payment.Money{Centavos: 1, Currency: payment.BRL}},
	}
	for name, in := range rows {
		t.Log(name)
		_, err := w.Look(t.Context(), in)
		requireActivityError(t, err, failure.Conflict, false)
	}

	// The ID that the database knows is another payment's.
	foreign, err := w.Activities.provider.Charge(t.Context(), mercadopago.ChargeRequest{Payment: payment.Payment{
		ID: payment.NewID("shop", "another"), Request: creation(t).Creation.Request, CreatedAt: time.Now(),
	}, Key: "a key"})
	require.NoError(t, err)
	recorded := said(id, payment.Pending, 1)
	recorded.PaymentID = foreign.PaymentID
	_, err = w.Apply(t.Context(), ApplyInput{PaymentID: id, State: recorded})
	require.NoError(t, err)
	_, err = w.charge(t, id)
	requireActivityError(t, err, failure.Conflict, false)
}

func TestLookingFindsThePaymentByEitherName(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id, state := w.charged(t)
	require.NoError(t, w.provider.Pay(state.PaymentID))
	for range 2 {
		byID, err := w.Look(t.Context(), LookInput{PaymentID: id, ProviderPaymentID: state.PaymentID, Money: money})
		require.NoError(t, err)
		require.True(t, byID.Found)
		require.Equal(t, payment.Approved, byID.State.Status)
		byReference, err := w.Look(t.Context(), LookInput{PaymentID: id, Money: money})
		require.NoError(t, err)
		require.Equal(t, byID, byReference)
	}
	require.Len(t, w.provider.Ledger(), 2, "looking changes nothing")
}

func TestAPaymentThatTheProviderDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id, state := w.charged(t)
	unknown, err := w.Look(t.Context(), LookInput{PaymentID: payment.NewID("shop", "never charged"), Money: money})
	require.NoError(t, err)
	require.Equal(t, Seen{}, unknown)

	// Its own ID is another matter: it will find it.
	w.arm(id, simulator.Fault{On: simulator.Get, Kind: simulator.KindNotFound, Times: 1})
	in := LookInput{PaymentID: id, ProviderPaymentID: state.PaymentID, Money: money}
	_, err = w.Look(t.Context(), in)
	requireActivityError(t, err, failure.Unavailable, true)
	seen, err := w.Look(t.Context(), in)
	require.NoError(t, err)
	require.True(t, seen.Found)
}

// The provider charges, its answer is lost, the next attempt is refused, and the search lags behind: the refusal comes with a
// doubt. So it does when a run before this one may have attempted it. A refusal at the first attempt of all does not, however
// long ago the payment was asked for.
func TestARefusalAfterAnEarlierAttemptIsDoubted(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		before []simulator.Fault
		again  bool
		sent   bool
		until  time.Time
		doubt  bool
	}{
		"first attempt":    {},
		"number reset":     {sent: true, doubt: true}, // an operator has reset the activity, so that its attempts are counted anew
		"second attempt":   {before: []simulator.Fault{lost}, doubt: true},
		"a later run":      {again: true, doubt: true},
		"after a restore":  {until: time.Now().Add(time.Hour), doubt: true},
		"long after a one": {until: time.Now().Add(-time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			w.searchUntil = row.until
			id := w.openedAt(t, time.Now().Add(-time.Minute))
			if row.sent {
				_, err := w.database.SendOperation(t.Context(), payment.ProviderKey(id, payment.Charge, 1), time.Now())
				require.NoError(t, err)
			}
			w.arm(id, append(row.before, refusal(http.StatusBadRequest))...)
			w.provider.AddFault(simulator.Fault{On: simulator.Search, Kind: simulator.KindSearchLag})
			suite := testsuite.WorkflowTestSuite{}
			suite.SetLogger(log.NewStructuredLogger(silent))
			env := suite.NewTestWorkflowEnvironment()
			env.SetTestTimeout(timeout)
			env.RegisterActivity(w.Activities)
			env.ExecuteWorkflow(func(ctx workflow.Context) error {
				ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: timeout})
				return workflow.ExecuteActivity(ctx, w.Charge, ChargeInput{PaymentID: id, Again: row.again}).Get(ctx, nil)
			})
			failed, ok := errors.AsType[*temporal.ApplicationError](errors.Unwrap(env.GetWorkflowError()))
			require.True(t, ok)
			require.Equal(t, string(failure.Invalid), failed.Type())
			require.True(t, failed.NonRetryable())
			require.Equal(t, row.doubt, failed.HasDetails())
			require.Equal(t, len(row.before), w.charges(id))
		})
	}
}

// The row is lost, and the provider has forgotten the key: only a search shows that the payment was charged.
func TestAChargeThatMayBeAnOldOneIsLookedForFirst(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		in    ChargeInput
		until time.Time
	}{
		"a run before may have charged": {in: ChargeInput{Search: true}},
		"the database was restored":     {until: time.Now().Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			id, first := w.charged(t)
			w.arm(id, simulator.Fault{On: simulator.Create, Kind: simulator.KindForgottenKey})
			w.searchUntil = row.until
			row.in.PaymentID = id
			for range 2 {
				again, err := w.Charge(t.Context(), row.in)
				require.NoError(t, err)
				require.Equal(t, first, again)
			}
			require.Equal(t, 1, w.charges(id))

			w.arm(id, simulator.Fault{On: simulator.Search, Kind: simulator.KindError, Times: 1})
			_, err := w.Charge(t.Context(), row.in)
			requireActivityError(t, err, failure.Unavailable, true)
			require.Equal(t, 1, w.charges(id), "nothing is sent while the search does not answer")
		})
	}
}

// The reason of a refusal reaches every reader of the payment: what the buyer can put right, and what needs an operator.
func TestTheReasonOfARefusalReachesThePayment(t *testing.T) {
	t.Parallel()
	for cause, want := range map[int]payment.FailureReason{
		2067:  {Code: failure.CodeTaxID, Message: failure.CodeTaxID.Message(), Pointer: "/payer/tax_id"},
		4050:  {Code: failure.CodeEmail, Message: failure.CodeEmail.Message(), Pointer: "/payer/email"},
		13253: {Code: failure.CodePixKey, Message: failure.CodePixKey.Message()},
		99999: {Code: failure.CodeRefused, Message: "Mercado Pago refuses this request"},
	} {
		w := newEnv(t)
		id := w.opened(t)
		w.provider.AddFault(simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusBadRequest, Code: cause})
		_, err := w.charge(t, id)
		refusal := application(t, err)
		var doubt Doubt
		if refusal.HasDetails() {
			require.NoError(t, refusal.Details(&doubt))
		}
		m, err := w.Fail(t.Context(), GiveUpInput{PaymentID: id, Why: refusal.Message(), Code: doubt.Code})
		require.NoError(t, err)
		events, err := w.database.Events(t.Context(), id, m.Version-1, 1)
		require.NoError(t, err)
		require.Equal(t, want, *events[0].Why(), cause)
		p, err := w.database.Payment(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, *p.Why(), cause)
	}
}
