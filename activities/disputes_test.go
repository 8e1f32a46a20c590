package activities

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

func changesOf(kept DisputesKept) (changes []payment.DisputeChange) {
	for _, c := range kept.Changed {
		changes = append(changes, c.Change)
	}
	return changes
}

// The notification may be lost, the search may lag, and either may come twice: the dispute is found, and each change is told once.
func TestDisputesAreKeptOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	p := w.paid(t)
	id, providerID := p.ID, p.Provider.PaymentID
	chargeback, err := w.provider.OpenChargeback(providerID)
	require.NoError(t, err)
	w.provider.AddFault(simulator.Fault{On: simulator.Chargebacks, Kind: simulator.KindSearchLag, Times: 1})
	kept, err := w.KeepDisputes(t.Context(), DisputesInput{PaymentID: id})
	require.NoError(t, err)
	require.Empty(t, kept.Changed, "the search does not show it yet")
	told := DisputesInput{PaymentID: id, Told: []payment.DisputeRef{{Kind: payment.Chargeback, ID: chargeback}}}
	w.provider.AddFault(simulator.Fault{On: simulator.Chargebacks, Kind: simulator.KindSearchLag, Times: 1})
	for _, want := range [][]payment.DisputeChange{{payment.DisputeOpened}, nil} {
		kept, err = w.KeepDisputes(t.Context(), told)
		require.NoError(t, err)
		require.Equal(t, want, changesOf(kept))
	}
	require.NoError(t, w.provider.DecideChargeback(chargeback, false))
	for _, want := range [][]payment.DisputeChange{{payment.DisputeIsLost}, nil} {
		kept, err = w.KeepDisputes(t.Context(), DisputesInput{PaymentID: id})
		require.NoError(t, err)
		require.Equal(t, want, changesOf(kept))
	}
}

// A notification may name anything: only a dispute of this very payment is taken.
func TestDisputesOfOthersAreNotTaken(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.paid(t).ID
	other := w.foreign(t, payment.NewID("rival", "k"), "another", money).PaymentID
	require.NoError(t, w.provider.Pay(other))
	chargeback, err := w.provider.OpenChargeback(other)
	require.NoError(t, err)
	kept, err := w.KeepDisputes(t.Context(), DisputesInput{PaymentID: id, Told: []payment.DisputeRef{
		{Kind: payment.Chargeback, ID: chargeback}, {Kind: payment.Chargeback, ID: "233000061680860000"}, {Kind: payment.Claim, ID: "5281510459"},
	}})
	require.NoError(t, err)
	require.Empty(t, kept.Changed)
}

// A search that Mercado Pago does not offer is no trouble; one that does not answer is made again.
func TestTheSearchOfClaimsIsNoPromise(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	p := w.paid(t)
	id, providerID := p.ID, p.Provider.PaymentID
	claim, err := w.provider.OpenClaim(providerID)
	require.NoError(t, err)
	require.NoError(t, w.provider.MediateClaim(claim))
	w.lookAt(t, id, providerID)
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound} {
		w.provider.SetFaults([]simulator.Fault{{On: simulator.Claims, Kind: simulator.KindError, Status: status}})
		kept, err := w.KeepDisputes(t.Context(), DisputesInput{PaymentID: id})
		require.NoError(t, err, status)
		require.Empty(t, kept.Changed)
	}
	w.provider.SetFaults([]simulator.Fault{{On: simulator.Claims, Kind: simulator.KindError, Times: 1}})
	_, err = w.KeepDisputes(t.Context(), DisputesInput{PaymentID: id})
	require.Equal(t, string(failure.Unavailable), application(t, err).Type())
	kept, err := w.KeepDisputes(t.Context(), DisputesInput{PaymentID: id})
	require.NoError(t, err)
	require.Equal(t, []payment.DisputeChange{payment.DisputeOpened}, changesOf(kept))
	require.Equal(t, payment.Mediation, kept.Changed[0].Kind)
}

// asking is an env that remembers which disputes payments were asked to read.
func askingEnv(t *testing.T) (env, func() []payment.DisputeRef) {
	t.Helper()
	w := newEnv(t)
	var asked []payment.DisputeRef
	w.workflows = fakeWorkflows{
		signal: func(context.Context, string) error { return nil },
		dispute: func(_ context.Context, _ string, of payment.DisputeRef) error {
			asked = append(asked, of)
			return nil
		},
	}
	return w, func() []payment.DisputeRef {
		taken := asked
		asked = nil
		return taken
	}
}

// A chargeback that is decided before anybody has heard of it leaves the payment as it was. The statement shows it all the same.
func TestAChargebackThatNothingHasToldOfIsFound(t *testing.T) {
	t.Parallel()
	for _, won := range []bool{true, false} {
		w, asked := askingEnv(t)
		p := w.paid(t)
		w.reconcile(t, "paid")
		require.Empty(t, asked())
		id, err := w.provider.OpenChargeback(p.Provider.PaymentID)
		require.NoError(t, err)
		ref := payment.DisputeRef{Kind: payment.Chargeback, ID: id}
		read := func() {
			w.lookAt(t, p.ID, p.Provider.PaymentID)
			_, err := w.KeepDisputes(t.Context(), DisputesInput{PaymentID: p.ID, Told: []payment.DisputeRef{ref}})
			require.NoError(t, err)
		}
		if !won { // it was heard of, and its end was not
			w.reconcile(t, "open")
			require.Equal(t, []payment.DisputeRef{ref}, asked())
			read()
			w.reconcile(t, "known")
			require.Empty(t, asked())
		}
		require.NoError(t, w.provider.DecideChargeback(id, won))
		w.provider.SetFaults([]simulator.Fault{{On: simulator.Chargebacks, Kind: simulator.KindError, Status: http.StatusNotFound, Times: 1}})
		w.reconcile(t, "a search that is refused holds up nothing")
		require.Empty(t, asked())
		w.reconcile(t, "decided")
		require.Equal(t, []payment.DisputeRef{ref}, asked())
		w.reconcile(t, "not read yet")
		require.Equal(t, []payment.DisputeRef{ref}, asked())
		read()
		w.reconcile(t, "read")
		require.Empty(t, asked())
	}
}

// A claim leaves the payment as it is. The search of all the account's claims shows it, while it is open and when it is closed.
func TestAClaimThatNothingHasToldOfIsFound(t *testing.T) {
	t.Parallel()
	w, asked := askingEnv(t)
	p := w.paid(t)
	other := w.foreign(t, payment.NewID("rival", "k"), "another sale", money).PaymentID
	require.NoError(t, w.provider.Pay(other))
	_, err := w.provider.OpenClaim(other)
	require.NoError(t, err)
	watch := func(of string) []payment.DisputeRef {
		_, err := w.WatchDisputes(t.Context())
		require.NoError(t, err, of)
		return asked()
	}
	require.Empty(t, watch("a claim about another sale"))
	id, err := w.provider.OpenClaim(p.Provider.PaymentID)
	require.NoError(t, err)
	ref := payment.DisputeRef{Kind: payment.Claim, ID: id}
	require.Equal(t, []payment.DisputeRef{ref}, watch("open"))
	read := func() {
		w.lookAt(t, p.ID, p.Provider.PaymentID)
		_, err := w.KeepDisputes(t.Context(), DisputesInput{PaymentID: p.ID, Told: []payment.DisputeRef{ref}})
		require.NoError(t, err)
	}
	read()
	require.Empty(t, watch("read"))
	require.NoError(t, w.provider.MediateClaim(id))
	ref.Kind = payment.Mediation
	require.Equal(t, []payment.DisputeRef{ref}, watch("a step further"))
	require.NoError(t, w.provider.CloseClaim(id, true))
	require.Equal(t, []payment.DisputeRef{ref}, watch("closed"))
	read()
	require.Empty(t, watch("its end is read"))
	w.provider.SetFaults([]simulator.Fault{{On: simulator.Claims, Kind: simulator.KindError}})
	require.Empty(t, watch("a search that fails holds up no reminder"))
}

// The reminder is written once, and a dispute of which nothing is heard is asked about.
func TestDisputesAreWatched(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	p := w.paid(t)
	id, providerID := p.ID, p.Provider.PaymentID
	chargeback, err := w.provider.OpenChargeback(providerID)
	require.NoError(t, err)
	_, err = w.KeepDisputes(t.Context(), DisputesInput{PaymentID: id})
	require.NoError(t, err)
	var asked []payment.DisputeRef
	w.workflows = fakeWorkflows{dispute: func(_ context.Context, paymentID string, of payment.DisputeRef) error {
		require.Equal(t, id, paymentID)
		asked = append(asked, of)
		return nil
	}}
	watch := func() (reminded int) {
		out, err := w.WatchDisputes(t.Context())
		require.NoError(t, err)
		return len(out.Reminded)
	}
	require.Zero(t, watch(), "ten days are left")
	require.Empty(t, asked, "it was asked about just now")
	w.execute(t, `update disputes set deadline = now() + interval '47 hours', asked_at = now() - interval '7 hours'`)
	require.Equal(t, 1, watch())
	require.Zero(t, watch())
	ref := payment.DisputeRef{Kind: payment.Chargeback, ID: chargeback}
	require.Equal(t, []payment.DisputeRef{ref, ref}, asked, "until it is read")
	events, err := w.database.Events(t.Context(), id, 0, 100)
	require.NoError(t, err)
	last := events[len(events)-1]
	require.Equal(t, "dispute.reminder", last.Type())
	require.WithinDuration(t, time.Now().Add(47*time.Hour), last.Data.Dispute.Deadline, time.Minute)
}
