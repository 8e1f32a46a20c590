package api

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

// hung is a database that never answers, except for API keys if it has some.
type hung struct{ keys keyReader }

func hang[T any](ctx context.Context) (nothing T, err error) {
	<-ctx.Done()
	return nothing, ctx.Err()
}

func (h hung) APIKey(ctx context.Context, id string) (access.APIKey, error) {
	if h.keys == nil {
		return hang[access.APIKey](ctx)
	}
	return h.keys.APIKey(ctx, id)
}

func (hung) Payment(ctx context.Context, _ string) (payment.Payment, error) {
	return hang[payment.Payment](ctx)
}

func (hung) Payments(ctx context.Context, _ payment.Filter) ([]payment.Payment, time.Duration, error) {
	nothing, err := hang[[]payment.Payment](ctx)
	return nothing, 0, err
}

func (hung) Events(ctx context.Context, _ string, _, _ int) ([]payment.Event, error) {
	return hang[[]payment.Event](ctx)
}

func (hung) Hold(ctx context.Context, _ string) (payment.Hold, error) {
	return hang[payment.Hold](ctx)
}

func (hung) Disputes(ctx context.Context, _ string) ([]payment.Dispute, error) {
	return hang[[]payment.Dispute](ctx)
}

func (hung) AllDisputes(ctx context.Context, _ payment.DisputeFilter) ([]payment.Dispute, error) {
	return hang[[]payment.Dispute](ctx)
}

func (hung) Dispute(ctx context.Context, _ string) (payment.Dispute, error) {
	return hang[payment.Dispute](ctx)
}

func (hung) Evidence(ctx context.Context, _ string) (payment.Evidence, error) {
	return hang[payment.Evidence](ctx)
}

func (hung) EvidenceOf(ctx context.Context, _ string) ([]payment.Evidence, error) {
	return hang[[]payment.Evidence](ctx)
}

func (hung) AskEvidence(ctx context.Context, _ payment.Evidence, _ audit.Entry) error {
	_, err := hang[struct{}](ctx)
	return err
}

func (hung) KeepEvidence(ctx context.Context, _ string, _ time.Time) (payment.Evidence, error) {
	return hang[payment.Evidence](ctx)
}

func (hung) RefuseEvidence(ctx context.Context, _ string) error {
	_, err := hang[struct{}](ctx)
	return err
}

func (hung) KeepCustomer(ctx context.Context, _ payment.Customer) (payment.Customer, bool, error) {
	nothing, err := hang[payment.Customer](ctx)
	return nothing, false, err
}

func (hung) Customer(ctx context.Context, _, _ string) (payment.Customer, error) {
	return hang[payment.Customer](ctx)
}

func (hung) HideCustomer(ctx context.Context, _, _ string, _ time.Time) (payment.VaultRemoval, error) {
	return hang[payment.VaultRemoval](ctx)
}

func (hung) ForgetCustomer(ctx context.Context, _ string) error {
	_, err := hang[struct{}](ctx)
	return err
}

func (hung) KeepSavedCard(ctx context.Context, _ payment.SavedCard) (payment.SavedCard, bool, error) {
	nothing, err := hang[payment.SavedCard](ctx)
	return nothing, false, err
}

func (hung) SavedCards(ctx context.Context, _ string) ([]payment.SavedCard, error) {
	return hang[[]payment.SavedCard](ctx)
}

func (hung) SavedCard(ctx context.Context, _, _ string) (payment.SavedCard, error) {
	return hang[payment.SavedCard](ctx)
}

func (hung) HideSavedCard(ctx context.Context, _ payment.Customer, _ string, _ time.Time) (payment.VaultRemoval, error) {
	return hang[payment.VaultRemoval](ctx)
}

func (hung) ForgetSavedCard(ctx context.Context, _ string) error {
	_, err := hang[struct{}](ctx)
	return err
}

func (hung) Checkout(ctx context.Context, _ string) (payment.Checkout, error) {
	return hang[payment.Checkout](ctx)
}

func (hung) Checkouts(ctx context.Context, _ payment.CheckoutFilter) ([]payment.Checkout, error) {
	return hang[[]payment.Checkout](ctx)
}

func (hung) Refunds(ctx context.Context, _ string) ([]payment.OperationRecord, error) {
	return hang[[]payment.OperationRecord](ctx)
}

func (hung) Refund(ctx context.Context, _, _ string) (payment.OperationRecord, error) {
	return hang[payment.OperationRecord](ctx)
}

func (hung) RequestCommand(ctx context.Context, _ command.Order) error {
	_, err := hang[struct{}](ctx)
	return err
}

func (hung) Spool(ctx context.Context, _, _ string, _ []byte, _ time.Time) error {
	_, err := hang[struct{}](ctx)
	return err
}

func (hung) Reconciliations(ctx context.Context, _ int) ([]payment.Reconciliation, error) {
	return hang[[]payment.Reconciliation](ctx)
}

func (hung) FindingTotals(ctx context.Context) ([]payment.FindingTotal, error) {
	return hang[[]payment.FindingTotal](ctx)
}

func (hung) Findings(ctx context.Context, _ payment.FindingFilter) ([]payment.Finding, error) {
	return hang[[]payment.Finding](ctx)
}

func (hung) DeadLetter(ctx context.Context, _ string) (deadletter.Message, error) {
	return hang[deadletter.Message](ctx)
}

func (hung) DeadLetters(ctx context.Context, _ deadletter.Filter) ([]deadletter.Message, error) {
	return hang[[]deadletter.Message](ctx)
}

func (hung) DiscardDeadLetter(ctx context.Context, _ audit.Actor, _, _ string) (deadletter.Message, error) {
	return hang[deadletter.Message](ctx)
}

func (hung) CloseFinding(ctx context.Context, _ audit.Actor, _ int64, _ string) (payment.Finding, error) {
	return hang[payment.Finding](ctx)
}

func (hung) Audit(ctx context.Context, _ audit.Entry) error {
	_, err := hang[struct{}](ctx)
	return err
}

func (hung) Redrives(ctx context.Context, _ string) ([]deadletter.Redrive, error) {
	return hang[[]deadletter.Redrive](ctx)
}

func (hung) Ledger(ctx context.Context, _ string) ([]payment.LedgerEntry, error) {
	return hang[[]payment.LedgerEntry](ctx)
}

func (hung) Balance(ctx context.Context, _ string) (payment.Balance, error) {
	return hang[payment.Balance](ctx)
}

// hangs gives the fixture a database that hangs.
func (f *fixture) hangs(t *testing.T, h hung) {
	t.Helper()
	c := f.server.config
	c.Database = h
	server, err := newServer(c, f.server.contract)
	require.NoError(t, err)
	f.server = server
}

func TestAReadIsRefusedInTimeWhenTheDatabaseHangs(t *testing.T) {
	f := newFixture(t)
	f.hangs(t, hung{keys: f.database})
	id := payment.NewID("shop", "k")
	synctest.Test(t, func(t *testing.T) {
		for _, path := range []string{
			"/v1/payments", "/v1/payments/" + id, "/v1/payments/" + id + "/events", "/v1/dead-letters", "/v1/dead-letters/" + id, "/v1/reconciliation", "/v1/balance",
		} {
			start := time.Now()
			require.Equal(t, http.StatusServiceUnavailable, f.get(t, path).Code, path)
			require.Equal(t, databaseTimeout, time.Since(start), path)
		}
	})
}

func TestARequestIsRefusedInTimeWhenItsKeyCannotBeRead(t *testing.T) {
	f := newFixture(t)
	f.hangs(t, hung{})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		require.Equal(t, http.StatusServiceUnavailable, f.create(t, "k", goodBody).Code)
		require.Equal(t, databaseTimeout, time.Since(start))
	})
	require.Empty(t, f.engine.asked)
}

// A payment can be created while the database hangs.
func TestAPaymentIsCreatedWhileTheDatabaseHangs(t *testing.T) {
	f := newFixture(t)
	f.hangs(t, hung{keys: f.database})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := f.create(t, "k", goodBody)
		require.Equal(t, http.StatusAccepted, w.Code, "%s", w.Body)
		require.Equal(t, Processing, decode[Payment](t, w).Status)
		require.Equal(t, 2*databaseTimeout, time.Since(start), "once before the workflow is asked, once after")
	})
	require.Len(t, f.engine.asked, 1)
}

func TestANotificationThatCannotBeSpooledInTimeIsRefused(t *testing.T) {
	f := newFixture(t)
	f.hangs(t, hung{})
	f.publisher.fails = errUnavailable
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(born)) // synctest's clock starts before the time of the signature
		start := time.Now()
		require.Equal(t, http.StatusServiceUnavailable, f.notify(t, notificationPath, notificationBody).Code)
		require.Equal(t, databaseTimeout, time.Since(start))
	})
}
