package activities

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/test/simulator"
)

// foreign is a payment of another account's, as far as anybody can tell.
const foreign = "77000000001"

// unreadable are the ways in which a 200 can say nothing about the payment.
var unreadable = []simulator.Fault{
	{On: simulator.Get, Kind: simulator.KindHTML, Status: http.StatusOK},
	{On: simulator.Get, Kind: simulator.KindEmpty, Status: http.StatusOK},
}

// What is refused or cannot be read about one payment is that payment's matter. Only when our account is not answered either is
// it everybody's.
func TestARefusalOfOnePaymentIsToldFromOneOfEverything(t *testing.T) {
	t.Parallel()
	strike := func(f simulator.Fault) simulator.Fault { f.PaymentID = foreign; return f }
	for name, row := range map[string]struct {
		of   simulator.Fault
		kind failure.Kind
	}{
		"401":   {simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusUnauthorized}, failure.Forbidden},
		"403":   {simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusForbidden}, failure.Forbidden},
		"page":  {unreadable[0], failure.Internal},
		"empty": {unreadable[1], failure.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.provider.AddFault(strike(row.of))
			_, err := w.Identify(t.Context(), foreign)
			require.Equal(t, row.kind, failure.KindOf(err))

			everything := newWorld(t)
			everything.provider.AddFault(strike(row.of))
			everything.provider.AddFault(simulator.Fault{On: simulator.Account, Kind: simulator.KindError, Status: http.StatusUnauthorized, Times: 1})
			_, err = everything.Identify(t.Context(), foreign)
			require.Equal(t, failure.Unavailable, failure.KindOf(err))
		})
	}
}

// Our account is not asked for each refusal.
func TestTheAccountsAnswerIsReliedOnForAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.provider.AddFault(simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusForbidden})
	for range 20 {
		_, err := w.Identify(t.Context(), foreign)
		require.Equal(t, failure.Forbidden, failure.KindOf(err))
	}
	asked := 0
	for _, r := range w.provider.Requests() {
		if r.Path == "/users/me" {
			asked++
		}
	}
	require.Equal(t, 1, asked)
}

// Webhooks of strangers' payments, or one payment that Mercado Pago shows in a new way, must not stop the looks at all others.
func TestWhatIsOddAboutOnePaymentOpensNoBreaker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, state := w.charged(t)
	for _, f := range append(unreadable,
		simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusInternalServerError},
		simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusUnauthorized},
		simulator.Fault{On: simulator.Get, Kind: simulator.KindTruncated},
	) {
		f.PaymentID = foreign
		w.provider.SetFaults([]simulator.Fault{f})
		for range 20 {
			_, err := w.Identify(t.Context(), foreign)
			require.Error(t, err)
		}
		require.True(t, w.Activities.provider.reads.Steady(), "%s %d of a stranger's payment", f.Kind, f.Status)
	}
	for _, f := range unreadable {
		f.PaymentID = state.PaymentID
		w.provider.SetFaults([]simulator.Fault{f})
		for range 20 {
			_, err := w.Look(t.Context(), LookInput{PaymentID: id, ProviderPaymentID: state.PaymentID, Money: money})
			requireVerdict(t, err, failure.Unavailable, true)
		}
		require.True(t, w.Activities.provider.reads.Steady(), "%s of our own payment", f.Kind)
	}
	w.provider.AddFault(simulator.Fault{On: simulator.Account, Kind: simulator.KindHTML, Status: http.StatusOK})
	w.Activities.provider.account = &account{read: w.Activities.provider.readAccount} // nothing was heard of it yet
	for range 100 {
		_, err := w.Look(t.Context(), LookInput{PaymentID: id, ProviderPaymentID: state.PaymentID, Money: money})
		requireVerdict(t, err, failure.Unavailable, true)
	}
	require.False(t, w.Activities.provider.reads.Steady(), "nothing that Mercado Pago says can be read")
}
