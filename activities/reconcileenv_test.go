package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/simulator"
)

// fakeSignals stands in for Temporal. It remembers which payments were signalled.
type fakeSignals struct {
	mu     sync.Mutex
	sent   []string // IDs of the payments, in order
	broken bool     // no signal is taken
	refuse string   // a payment whose run takes no more signals
	runs   map[string]bool
}

// running returns the payments that have a workflow: none, unless the test has set some.
func (s *fakeSignals) running(context.Context, []string) (map[string]bool, error) { return s.runs, nil }

func (s *fakeSignals) signal(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return &failure.Error{Kind: failure.Unavailable, Message: "unavailable", Err: errors.New("unavailable")}
	}
	if id == s.refuse {
		return &failure.Error{Kind: failure.Invalid, Message: "its run takes no more signals"}
	}
	s.sent = append(s.sent, id)
	return nil
}

// taken returns the payments that were signalled since the last call.
func (s *fakeSignals) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.sent
	s.sent = nil
	return sent
}

// reconcilingEnv is an env that remembers which payments were signalled.
func reconcilingEnv(t *testing.T) (env, *fakeSignals) {
	t.Helper()
	w, s := newEnv(t), &fakeSignals{}
	w.workflows = fakeWorkflows{signal: s.signal, running: s.running}
	return w, s
}

// payments are so many that the provider has charged and the database knows of.
func (w env) payments(t *testing.T, n int) (ids []string, states []payment.ProviderState) {
	t.Helper()
	for i := range n {
		key := fmt.Sprint("order-", i)
		in := creation(t)
		in.PaymentID, in.Creation.IdempotencyKey = payment.NewID("shop", key), key
		_, err := w.Open(t.Context(), in)
		require.NoError(t, err)
		state, err := w.charge(t, in.PaymentID)
		require.NoError(t, err)
		_, err = w.Apply(t.Context(), ApplyInput{PaymentID: in.PaymentID, State: state})
		require.NoError(t, err)
		ids, states = append(ids, in.PaymentID), append(states, state)
	}
	return ids, states
}

// notified archives the notification of what happened to a payment.
func (w env) notified(t *testing.T, providerPaymentID, action string) {
	t.Helper()
	require.NoError(t, w.database.Archive(t.Context(), []postgres.Notification{{
		ID: providerPaymentID + action, Topic: "payment", Action: action, ResourceID: providerPaymentID, Whole: []byte(`{}`), ReceivedAt: now(),
	}}))
}

// reconcile is a run that must work.
func (w env) reconcile(t *testing.T, runID string) payment.ReconciliationCounts {
	t.Helper()
	counts, err := w.run(t, runID)
	require.NoError(t, err)
	return counts
}

// run does what the workflow does.
func (w env) run(t *testing.T, runID string) (counts payment.ReconciliationCounts, err error) {
	rest, err := w.begin(t, runID)
	for next := &rest; next != nil && err == nil; {
		var swept Swept
		swept, err = w.Sweep(t.Context(), *next)
		counts.Seen += swept.Seen
		counts.Signalled += swept.Signalled
		counts.Others += swept.Others
		next = swept.Rest
	}
	if err != nil {
		return counts, err
	}
	return w.FinishReconciliation(t.Context(), FinishReconciliationInput{RunID: runID, Counts: counts})
}

// begin begins a run that judges everything up to now. The provider's newest change may be some milliseconds ahead of the clock.
func (w env) begin(t *testing.T, runID string) (SweepInput, error) {
	if entries := w.provider.Ledger(); len(entries) > 0 {
		newest := slices.MaxFunc(entries, func(a, b simulator.Entry) int { return a.Time.Compare(b.Time) })
		require.Eventually(t, func() bool { return time.Now().After(newest.Time) }, timeout, time.Millisecond)
	}
	return w.BeginReconciliation(t.Context(), BeginReconciliationInput{RunID: runID})
}

func (w env) open(t *testing.T, kind payment.FindingKind) []payment.Finding {
	t.Helper()
	found, err := w.database.Findings(t.Context(), payment.FindingFilter{Kind: kind, Limit: 1000})
	require.NoError(t, err)
	return found
}

func (w env) foreign(t *testing.T, id, key string, amount payment.Money) payment.ProviderState {
	t.Helper()
	request := creation(t).Creation.Request
	request.Amount = amount
	state, err := w.Activities.provider.Charge(t.Context(), mercadopago.ChargeRequest{Payment: payment.Payment{ID: id, Request: request, CreatedAt: time.Now()}, Key: key})
	require.NoError(t, err)
	return state
}
