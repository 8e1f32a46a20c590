package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
)

// silentPayment is open, and has not changed for hours.
func (w env) silentPayment(t *testing.T, key string) string {
	t.Helper()
	p, _, err := w.database.OpenPayment(t.Context(), payment.Payment{
		ID: payment.NewID("shop", key), ClientID: "shop", IdempotencyKey: key, Request: creation(t).Creation.Request, Status: payment.Processing,
		Provider: payment.NewProvider(), CreatedAt: now().Add(-quietAfter - time.Minute),
	})
	require.NoError(t, err)
	return p.ID
}

func TestAQuietPaymentWithoutARunIsSignalledOnceInAWhile(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	dead, well := w.silentPayment(t, "dead"), w.silentPayment(t, "well")
	signals.runs = map[string]bool{well: true}
	signals.broken = true
	_, err := w.SignalQuiet(t.Context(), QuietInput{})
	requireActivityError(t, err, failure.Unavailable, true)
	signals.broken = false
	for _, want := range []Quiet{{Checked: 2, Signalled: 1}, {Checked: 1}} {
		quiet, err := w.SignalQuiet(t.Context(), QuietInput{})
		require.NoError(t, err)
		require.Equal(t, want, quiet)
	}
	require.Equal(t, []string{dead}, signals.taken(), "the other has a workflow, which looks by itself")
}

// While it is not known which workflows run, the longest silent payments are signalled, as many as one activity may signal.
func TestQuietPaymentsAreSignalledWhenItIsNotKnownWhichRun(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	id := w.silentPayment(t, "old")
	w.workflows = fakeWorkflows{signal: signals.signal, running: func(context.Context, []string) (map[string]bool, error) { return nil, errors.New("no visibility") }}
	quiet, err := w.SignalQuiet(t.Context(), QuietInput{})
	require.NoError(t, err)
	require.Equal(t, Quiet{Checked: 1, Signalled: 1}, quiet)
	require.Equal(t, []string{id}, signals.taken())
}

// Among thousands of open payments those without a run are signalled, all within one run of the workflow, at a limited rate.
func TestEveryStoppedPaymentAmongThousandsIsFound(t *testing.T) {
	t.Parallel()
	url := postgrestest.New(t)
	w, signals := env{database: openDatabase(t, url)}, &fakeSignals{runs: map[string]bool{}}
	_, err := w.database.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, time.Now())
	require.NoError(t, err)
	w.Activities = New(Config{Database: w.database, Workflows: fakeWorkflows{signal: signals.signal, running: signals.running}, Provider: newClient(t, "http://"+unreachable, nil), Breakers: ownBreakers(t)})
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `
insert into payments (id, client_id, idempotency_key, fingerprint, status, amount, currency, description, reference, method_type, method,
    payer, metadata, provider, version, created_at, updated_at)
select gen_random_uuid(), 'shop', n::text, '', 'pending', 1, 'BRL', '', '', 'pix', '{}', '{}', '{}', 'mercadopago', 1, now(), now() - interval '1 day'
from generate_series(1, 2300) n returning id::text`)
	require.NoError(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, id := range ids[120:] {
		signals.runs[id] = true
	}

	var all Quiet
	activities := 0
	for in := (QuietInput{}); ; activities++ {
		quiet, err := w.SignalQuiet(t.Context(), in)
		require.NoError(t, err)
		all.Checked, all.Signalled = all.Checked+quiet.Checked, all.Signalled+quiet.Signalled
		if quiet.Rest == nil {
			break
		}
		require.Equal(t, quietSignals, quiet.Signalled)
		require.Equal(t, 5*time.Second, quiet.Pause, "a tenth of a hundred calls a second is theirs")
		in.After = *quiet.Rest
	}
	require.Equal(t, Quiet{Checked: 2300, Signalled: 120}, all)
	require.Equal(t, 2, activities)
	require.ElementsMatch(t, ids[:120], signals.taken())
}

// One payment's run takes no more signals: the others are signalled, and reconciliation goes on.
func TestAPaymentThatCannotBeSignalledHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w, signals := reconcilingEnv(t)
	ids, states := w.payments(t, 3)
	for _, s := range states {
		require.NoError(t, w.provider.Pay(s.PaymentID))
	}
	signals.refuse = ids[1]
	counts := w.reconcile(t, "run")
	require.Equal(t, 3, counts.Differences)
	require.Equal(t, 2, counts.Signalled)
	require.ElementsMatch(t, []string{ids[0], ids[2]}, signals.taken())

	quiet := []string{w.silentPayment(t, "old-1"), w.silentPayment(t, "old-2")}
	signals.refuse = quiet[0]
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(silent))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(w.Activities)
	for _, want := range []int{1, 0} { // it is not called again at once either
		result, err := env.ExecuteActivity(w.NudgeQuiet)
		require.NoError(t, err)
		var n int
		require.NoError(t, result.Get(&n))
		require.Equal(t, want, n)
	}
	require.Equal(t, []string{quiet[1]}, signals.taken())
}
