package activities

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

func TestWhatTheProviderKnowsBetterIsLookedAt(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	ids, states := w.payments(t, 3)
	for _, s := range states {
		w.notified(t, s.PaymentID, "payment.created")
	}
	require.Equal(t, payment.ReconciliationCounts{Seen: 3}, w.reconcile(t, "in order"))
	require.Empty(t, signals.taken())

	require.NoError(t, w.provider.Pay(states[1].PaymentID))
	w.notified(t, states[1].PaymentID, "payment.updated")
	require.Equal(t, payment.ReconciliationCounts{Seen: 3, Differences: 1, Signalled: 1}, w.reconcile(t, "behind"))
	require.Equal(t, []string{ids[1]}, signals.taken())
	require.Equal(t, ids[1], w.open(t, payment.Difference)[0].PaymentID)

	// The payment is still behind: it is signalled again, and no second finding is kept.
	require.Equal(t, payment.ReconciliationCounts{Seen: 3, Signalled: 1}, w.reconcile(t, "still behind"))
	require.Equal(t, []string{ids[1]}, signals.taken())
	require.Len(t, w.open(t, ""), 1)

	seen, err := w.Look(t.Context(), LookInput{PaymentID: ids[1], ProviderPaymentID: states[1].PaymentID, Money: money})
	require.NoError(t, err)
	_, err = w.Apply(t.Context(), ApplyInput{PaymentID: ids[1], State: seen.State})
	require.NoError(t, err)
	require.Equal(t, payment.ReconciliationCounts{Seen: 3}, w.reconcile(t, "in order again"))
	require.Empty(t, signals.taken())
	require.Empty(t, w.open(t, ""))
}

func TestAChargeWhoseAnswerWasLostIsADifference(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	id := w.opened(t)
	w.arm(id, lost)
	_, err := w.charge(t, id)
	require.Error(t, err)
	_, err = w.Park(t.Context(), GiveUpInput{PaymentID: id, Why: "no answer"})
	require.NoError(t, err)
	w.reconcile(t, "a")
	require.Equal(t, []string{id}, signals.taken())
}

func TestAPaymentWithAMarkOfOursThatWeLackIsAnOrphan(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	vanished := w.foreign(t, payment.NewID("shop", "never opened"), "key-2", money)
	require.Equal(t, payment.ReconciliationCounts{Seen: 1, OrphanPayments: 1}, w.reconcile(t, "a"))
	require.NoError(t, w.provider.Pay(vanished.PaymentID))
	require.Equal(t, payment.ReconciliationCounts{Seen: 1}, w.reconcile(t, "b"), "an orphan is found once, whatever it does")
	require.Empty(t, signals.taken())
	require.Empty(t, w.open(t, payment.OrphanPayment)[0].PaymentID)
	// The database learns of it, as when a backup is restored.
	in := creation(t)
	in.PaymentID, in.Creation.IdempotencyKey = payment.NewID("shop", "never opened"), "never opened"
	_, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	w.reconcile(t, "c")
	require.Equal(t, []string{in.PaymentID}, signals.taken())
	require.Empty(t, w.open(t, payment.OrphanPayment))
	require.Equal(t, vanished.PaymentID, w.open(t, payment.Difference)[0].ProviderPaymentID)
}

// The account has other sales: by another shop, at a terminal, from the panel. They are counted, and no operator is alerted, whether
// they can be read or not; and what an earlier release took for an orphan is settled.
func TestPaymentsOfOtherSalesAreCounted(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	other := w.foreign(t, "order-17-of-the-old-shop ana@example.com", "key-1", money)
	w.foreign(t, "7c9e6679-7425-40de-944b-e07fc1f90ae7", "key-2", money) // a shop whose references are random
	_, err := w.begin(t, "earlier")
	require.NoError(t, err)
	require.NoError(t, w.database.KeepFindings(t.Context(), "earlier", []payment.Finding{
		{Kind: payment.OrphanPayment, ProviderPaymentID: other.PaymentID, ProviderUpdatedAt: other.UpdatedAt, FoundAt: now()},
	}))
	require.Equal(t, payment.ReconciliationCounts{Seen: 2, Others: 2}, w.reconcile(t, "a"))
	require.Empty(t, w.open(t, ""))
	require.Empty(t, signals.taken())

	provider := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(answer, `{"results":[{"id":106400160592,"status":"teleported","external_reference":"desk 4","transaction_amount":10.50,
			"currency_id":"BRL","date_last_updated":%q}]}`, now().Format(time.RFC3339))
	}))
	t.Cleanup(provider.Close)
	w.Activities.provider = newClient(t, provider.URL, nil)
	require.Equal(t, payment.ReconciliationCounts{Seen: 1, Others: 1}, w.reconcile(t, "b"))
	require.Empty(t, w.open(t, ""))
}

// A second charge is a contradiction for as long as money is in it, or may come.
// A card that was rejected on the pay page is in order, unless it may be the answer that is waited for.
func TestACardThatWasRejectedOnThePageIsInOrder(t *testing.T) {
	p := payment.Payment{ID: "p", Request: payment.Request{Method: payment.Method{Type: payment.Card, Card: &payment.CardMethod{OnPage: true}}}}
	s := payment.ProviderState{PaymentID: "8", Reference: "p", Status: payment.Rejected}
	for _, status := range payment.Statuses() {
		p.Status = status
		require.Equal(t, status.Answered(), harmlessTwin(s, p), status)
	}
	s.Status = payment.Approved
	p.Status = payment.Pending
	require.False(t, harmlessTwin(s, p), "the row is older than the charge")
	p.Provider.PaymentID, s.Status = "8", payment.Rejected
	require.False(t, harmlessTwin(s, p), "it is our own")
}

func TestATwinThatIsOverSettlesItsContradiction(t *testing.T) {
	t.Parallel()
	for _, ends := range []payment.Status{payment.Cancelled, payment.Expired} {
		t.Run(string(ends), func(t *testing.T) {
			t.Parallel()
			w, signals := reconcilingEnv(t)
			ids, states := w.payments(t, 1)
			twin := w.foreign(t, ids[0], "another key", money)
			require.Equal(t, 1, w.reconcile(t, "a").Contradictions)
			require.Equal(t, payment.Pending, w.open(t, payment.Contradiction)[0].ProviderStatus)
			if ends == payment.Expired {
				require.NoError(t, w.provider.Expire(twin.PaymentID))
			} else {
				require.NoError(t, w.provider.Pay(states[0].PaymentID))
				cancelled, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.address+"/v1/payments/"+twin.PaymentID, strings.NewReader(`{"status":"cancelled"}`))
				require.NoError(t, err)
				cancelled.Header.Set("Authorization", "Bearer TEST-1")
				answer, err := http.DefaultClient.Do(cancelled)
				require.NoError(t, err)
				require.NoError(t, answer.Body.Close())
			}
			signals.taken()
			require.Zero(t, w.reconcile(t, "b").Contradictions)
			require.Empty(t, w.open(t, payment.Contradiction))
			require.NotContains(t, signals.taken(), twin.PaymentID)
		})
	}
	p := payment.Payment{ID: "p", Provider: payment.Provider{PaymentID: "7"}}
	for _, status := range payment.Statuses() {
		over := status == payment.Cancelled || status == payment.Expired || status == payment.Rejected || status == payment.Refunded
		require.Equal(t, over, harmlessTwin(payment.ProviderState{PaymentID: "8", Reference: "p", Status: status}, p), status)
		require.False(t, harmlessTwin(payment.ProviderState{PaymentID: "7", Reference: "p", Status: status}, p), "it is our own")
		require.False(t, harmlessTwin(payment.ProviderState{PaymentID: "8", Reference: "p", Status: status, Foreign: "another account's"}, p))
	}
}

func TestContradictionsAreKeptAndNotLookedAt(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	ids, _ := w.payments(t, 1)
	w.foreign(t, ids[0], "another key", money) // a second charge for one payment
	centavoOff := payment.NewID("shop", "a centavo off")
	in := creation(t)
	in.PaymentID, in.Creation.IdempotencyKey = centavoOff, "a centavo off"
	_, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	w.foreign(t, centavoOff, "key", payment.Money{Centavos: money.Centavos + 1, Currency: payment.BRL})

	require.Equal(t, 2, w.reconcile(t, "a").Contradictions)
	require.Zero(t, w.reconcile(t, "b").Contradictions)
	require.Empty(t, signals.taken())
	details := []string{}
	for _, f := range w.open(t, payment.Contradiction) {
		details = append(details, f.Detail)
	}
	require.Len(t, details, 2)
	require.Contains(t, details[0], "the provider says BRL 10.51, asked were BRL 10.50")
	require.Contains(t, details[1], "recorded is")
}

func TestAPaymentThatCannotBeReadIsKept(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	status := "teleported"
	provider := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(answer, `{"results":[{"id":106400160592,"status":%q,"external_reference":%q,"transaction_amount":10.50,"currency_id":"BRL",
			"payer":{"email":"ana@example.com"},"date_last_updated":%q}]}`, status, creation(t).PaymentID, now().Format(time.RFC3339))
	}))
	t.Cleanup(provider.Close)
	w.Activities.provider = newClient(t, provider.URL, nil)
	id := w.opened(t)
	require.Equal(t, payment.ReconciliationCounts{Seen: 1, Unreadable: 1}, w.reconcile(t, "a"))
	require.Equal(t, payment.ReconciliationCounts{Seen: 1}, w.reconcile(t, "b"))
	found := w.open(t, "")
	require.Len(t, found, 1)
	require.Equal(t, payment.Unreadable, found[0].Kind)
	require.Equal(t, "106400160592", found[0].ProviderPaymentID)
	require.NotContains(t, found[0].Detail, "ana@")
	require.Empty(t, signals.taken())

	status = "approved"
	require.Equal(t, 1, w.reconcile(t, "c").Differences)
	require.Equal(t, []string{id}, signals.taken())
	require.Empty(t, w.open(t, payment.Unreadable), "it is understood now")
}

// What the provider says of one moment must be what was recorded of it, or one must have followed the other within that moment.
func TestOneMomentHasOneTruth(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := payment.Payment{ID: "p", Status: payment.Approved, Provider: payment.Provider{PaymentID: "7", UpdatedAt: at}}
	p.Amount = money
	s := payment.ProviderState{PaymentID: "7", Reference: "p", Status: payment.Approved, Money: money, UpdatedAt: at}
	judge := func() (j judgement) { j.compare(s, p, true, at); return j }
	require.Empty(t, contradiction(s, p))
	require.Empty(t, judge().behind)
	s.Status = payment.Refunded
	require.Empty(t, contradiction(s, p))
	require.Equal(t, []string{"p"}, judge().behind, "a look will take it")
	s.Status = payment.Pending
	require.Empty(t, contradiction(s, p), "its search lags behind within the second")
	require.Empty(t, judge().behind)
	s.Status = payment.Rejected
	require.Contains(t, contradiction(s, p), "of one moment the provider says rejected")
	s.UpdatedAt = at.Add(time.Millisecond)
	require.Empty(t, contradiction(s, p), "it has moved on")
	s.UpdatedAt = at.Add(-time.Millisecond)
	require.Empty(t, contradiction(s, p), "its search lags behind")
}

func TestAChangeInItsGraceIsNotJudged(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	_, states := w.payments(t, 1)
	require.NoError(t, w.provider.Pay(states[0].PaymentID))
	rest, err := w.BeginReconciliation(t.Context(), BeginReconciliationInput{RunID: "a", Grace: 2 * time.Minute})
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(-2*time.Minute), rest.Window.To, timeout)
	swept, err := w.Sweep(t.Context(), rest)
	require.NoError(t, err)
	require.Equal(t, Swept{}, swept)
	require.Empty(t, signals.taken())
	require.Empty(t, w.open(t, ""))
}

// The provider fails in the middle, then Temporal: the page is read again, and nothing is left out.
func TestALostPageIsReadAgain(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	ids, states := w.payments(t, 70)
	for _, s := range states {
		require.NoError(t, w.provider.Pay(s.PaymentID))
	}
	rest, err := w.begin(t, "a")
	require.NoError(t, err)
	first, err := w.Sweep(t.Context(), rest)
	require.NoError(t, err)
	require.NotNil(t, first.Rest)

	w.provider.AddFault(simulator.Fault{On: simulator.Search, Kind: simulator.KindTruncated, Times: 1})
	_, err = w.Sweep(t.Context(), *first.Rest)
	requireActivityError(t, err, failure.Unavailable, true)
	signals.broken = true
	_, err = w.Sweep(t.Context(), *first.Rest)
	requireActivityError(t, err, failure.Unavailable, true)
	signals.broken = false
	seen := first.Seen
	for rest := first.Rest; rest != nil; {
		swept, err := w.Sweep(t.Context(), *rest)
		require.NoError(t, err)
		seen, rest = seen+swept.Seen, swept.Rest
	}

	sent := signals.taken()
	slices.Sort(sent)
	slices.Sort(ids)
	require.Equal(t, ids, slices.Compact(sent), "some twice, since the activity failed in the middle")
	require.Equal(t, 70, seen)
	require.Len(t, w.open(t, payment.Difference), 70)
}

func TestTwoRunsAtOnceFindEverythingOnce(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	_, states := w.payments(t, 60)
	for _, s := range states {
		require.NoError(t, w.provider.Pay(s.PaymentID))
	}
	w.foreign(t, payment.NewID("shop", "never opened"), "key", money)
	var group errgroup.Group
	counts := make([]payment.ReconciliationCounts, 2)
	for i := range counts {
		group.Go(func() (err error) {
			counts[i], err = w.run(t, fmt.Sprint("run ", i))
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Len(t, w.open(t, payment.Difference), 60)
	require.Len(t, w.open(t, payment.MissedWebhook), 60)
	require.Len(t, w.open(t, payment.OrphanPayment), 1)
	require.LessOrEqual(t, len(signals.taken()), 120)
	require.Equal(t, 60, counts[0].Differences+counts[1].Differences)
	require.Equal(t, 1, counts[0].OrphanPayments+counts[1].OrphanPayments)
}
