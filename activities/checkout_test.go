package activities

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// checkoutEnv is an env with an open checkout, which remembers the attempts that it was told to attach.
func checkoutEnv(t *testing.T) (w env, id string, attached *[]string) {
	t.Helper()
	w, s := newEnv(t), &fakeSignals{}
	attached = &[]string{}
	w.workflows = fakeWorkflows{
		signal: s.signal, running: s.running, lookAt: func(string) error { return nil },
		attach: func(_ payment.Checkout, providerPaymentID string) error {
			*attached = append(*attached, providerPaymentID)
			return nil
		},
	}
	in := checkoutInput()
	for range 2 {
		state, err := w.OpenCheckout(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, payment.CheckoutProcessing, state.Status)
	}
	return w, in.CheckoutID, attached
}

func checkoutInput() CheckoutInput {
	r := payment.CheckoutRequest{Amount: money, Description: "Pedido 1042"}.Normalized()
	return CheckoutInput{
		CheckoutID: payment.NewCheckoutID("shop", "checkout"), AskedAt: time.Now(),
		Creation: &payment.CheckoutCreation{ClientID: "shop", IdempotencyKey: "checkout", Request: r, Fingerprint: r.Fingerprint()},
	}
}

// Made twice, and the answer of the first lost: one page.
func TestAPageIsMadeOnce(t *testing.T) {
	t.Parallel()
	w, id, _ := checkoutEnv(t)
	w.provider.SetFaults([]simulator.Fault{{On: simulator.Preferences, Kind: simulator.KindLostAnswer, Times: 1}})
	_, err := w.MakeCheckout(t.Context(), MakeInput{CheckoutID: id})
	require.Error(t, err)
	for range 2 {
		state, err := w.MakeCheckout(t.Context(), MakeInput{CheckoutID: id, Again: true})
		require.NoError(t, err)
		require.Equal(t, payment.CheckoutOpen, state.Status)
	}
	made := 0
	for _, r := range w.provider.Requests() {
		if r.Method == "POST" && r.Path == "/checkout/preferences" {
			made++
		}
	}
	require.Equal(t, 1, made)
	for range 2 {
		require.NoError(t, w.CloseCheckout(t.Context(), CheckoutInput{CheckoutID: id}))
		state, err := w.EndCheckout(t.Context(), EndCheckoutInput{CheckoutID: id, As: payment.CheckoutCancelled})
		require.NoError(t, err)
		require.Equal(t, payment.CheckoutCancelled, state.Status)
	}
}

// Each attempt at a low rate searched first, and used up the rate before it made the page.
func TestAPageIsSearchedForOnce(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		details []any
		want    []string
	}{
		"first":                              {nil, []string{"GET", "POST"}},
		"after an attempt that has searched": {[]any{true}, []string{"POST"}},
		"after one that may have made it":    {[]any{false}, []string{"GET", "POST"}},
	} {
		w, id, _ := checkoutEnv(t)
		attempt := activityEnvironment()
		attempt.RegisterActivity(w.Activities)
		if row.details != nil {
			attempt.SetHeartbeatDetails(row.details[0])
		}
		_, err := attempt.ExecuteActivity(w.MakeCheckout, MakeInput{CheckoutID: id, Again: true})
		require.NoError(t, err, name)
		var methods []string
		for _, r := range w.provider.Requests() {
			if strings.HasPrefix(r.Path, "/checkout/preferences") {
				methods = append(methods, r.Method)
			}
		}
		require.Equal(t, row.want, methods, name)
	}
}

// The next attempt searches, unless this one could not even begin to make the page.
func TestAnAttemptKeepsWhetherItHasBegunToMakeThePage(t *testing.T) {
	t.Parallel()
	for kind, untried := range map[simulator.Kind]bool{simulator.KindRateLimited: true, simulator.KindLostAnswer: false} {
		w, id, _ := checkoutEnv(t)
		w.provider.SetFaults([]simulator.Fault{{On: simulator.Preferences, Kind: kind, Times: 1}})
		attempt := activityEnvironment()
		attempt.RegisterActivity(w.Activities)
		var kept []bool
		attempt.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
			var is bool
			require.NoError(t, details.Get(&is))
			kept = append(kept, is)
		})
		_, err := attempt.ExecuteActivity(w.MakeCheckout, MakeInput{CheckoutID: id})
		require.Error(t, err)
		require.Equal(t, []bool{untried}, kept, kind)
	}
}

// An attempt of which no notification came is found by the checkout's own look and by the sweep, until it is a payment. Then both compare it as
// any other.
func TestAnAttemptIsFoundWithoutANotification(t *testing.T) {
	t.Parallel()
	w, id, attached := checkoutEnv(t)
	c := w.makeCheckout(t, id)
	providerID, err := w.provider.Try(c.PreferenceID, simulator.Attempt{Method: "account_money"})
	require.NoError(t, err)

	state, err := w.AttachAttempts(t.Context(), CheckoutInput{CheckoutID: id})
	require.NoError(t, err)
	require.Equal(t, 1, state.Attempts)
	counts := w.reconcile(t, "unknown")
	require.Equal(t, 1, counts.Signalled)
	require.Equal(t, []string{providerID, providerID}, *attached)
	require.Empty(t, w.open(t, ""), "it is no orphan")

	attempt := ""
	for range 2 {
		attempt = w.attach(t, c, providerID)
		p, err := w.database.Payment(t.Context(), attempt)
		require.NoError(t, err)
		require.Equal(t, payment.Approved, p.Status)
	}
	require.Len(t, w.provider.Ledger(), 1, "nothing was charged but by the buyer")
	c, err = w.database.Checkout(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, attempt, c.PaidBy)
	*attached = nil
	_, err = w.AttachAttempts(t.Context(), CheckoutInput{CheckoutID: id})
	require.NoError(t, err)
	w.reconcile(t, "known")
	require.Empty(t, *attached)
	require.Empty(t, w.open(t, payment.Difference))
	require.Empty(t, w.open(t, payment.OrphanPayment))
}

// The rows of a checkout and of its attempts are lost. The attempt that was paid second has its money back already, and is found first.
func TestAnAttemptThatWasRefundedIsNotTakenForTheFirst(t *testing.T) {
	t.Parallel()
	for name, others := range map[string]int{"of two": 1, "of one": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, id, attached := checkoutEnv(t)
			c := w.makeCheckout(t, id)
			var tried []string
			for range others + 1 {
				providerID, err := w.provider.Try(c.PreferenceID, simulator.Attempt{Method: "account_money"})
				require.NoError(t, err)
				tried = append(tried, providerID)
			}
			second := tried[others]
			_, err := w.provider.RefundInPanel(second, money.Centavos)
			require.NoError(t, err)
			refunded := w.attach(t, c, second)
			for range 2 {
				_, err = w.AttachAttempts(t.Context(), CheckoutInput{CheckoutID: id})
				require.NoError(t, err)
			}
			c, err = w.database.Checkout(t.Context(), id)
			require.NoError(t, err)
			if others == 0 {
				require.Equal(t, refunded, c.PaidBy)
				return
			}
			require.Equal(t, payment.CheckoutOpen, c.Status)
			require.Equal(t, []string{tried[0], tried[0]}, *attached)
			first := w.attach(t, c, tried[0])
			_, err = w.AttachAttempts(t.Context(), CheckoutInput{CheckoutID: id})
			require.NoError(t, err)
			c, err = w.database.Checkout(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, first, c.PaidBy)
		})
	}
}

// makeCheckout has the page of a checkout made.
func (w env) makeCheckout(t *testing.T, id string) payment.Checkout {
	t.Helper()
	_, err := w.MakeCheckout(t.Context(), MakeInput{CheckoutID: id})
	require.NoError(t, err)
	c, err := w.database.Checkout(t.Context(), id)
	require.NoError(t, err)
	return c
}

// attach has a buyer's attempt become a payment, as its workflow does.
func (w env) attach(t *testing.T, c payment.Checkout, providerPaymentID string) (id string) {
	t.Helper()
	creation, id := c.NewAttempt(providerPaymentID)
	_, err := w.Open(t.Context(), OpenInput{PaymentID: id, Creation: &creation})
	require.NoError(t, err)
	charged, err := w.Charge(t.Context(), ChargeInput{PaymentID: id})
	require.NoError(t, err)
	_, err = w.Apply(t.Context(), ApplyInput{PaymentID: id, State: charged})
	require.NoError(t, err)
	return id
}

// An attempt with another sum, or of another account, is never approved.
func TestAnAttemptThatIsNotTheCheckoutsIsNotBelieved(t *testing.T) {
	t.Parallel()
	w, id, _ := checkoutEnv(t)
	_, err := w.MakeCheckout(t.Context(), MakeInput{CheckoutID: id})
	require.NoError(t, err)
	dearer, err := w.provider.MakePreference(id, 2*money.Centavos)
	require.NoError(t, err)
	c, err := w.database.Checkout(t.Context(), id)
	require.NoError(t, err)
	providerID, err := w.provider.Try(dearer, simulator.Attempt{Method: "account_money"})
	require.NoError(t, err)
	creation, attempt := c.NewAttempt(providerID)
	_, err = w.Open(t.Context(), OpenInput{PaymentID: attempt, Creation: &creation})
	require.NoError(t, err)
	_, err = w.Charge(t.Context(), ChargeInput{PaymentID: attempt})
	require.ErrorContains(t, err, "asked were")
	p, err := w.database.Payment(t.Context(), attempt)
	require.NoError(t, err)
	require.Equal(t, payment.Processing, p.Status)
}
