package worker

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// Not parallel: all tests share the schedules. Mercado Pago's search fails for as long as the test: no window is seen, and all the
// same a payment whose run is gone is signalled, a terminated redrive's dead letter is opened again, and operators are alerted of
// what was found.
func TestASearchThatFailsHoldsUpNothingElse(t *testing.T) {
	at, provider := newEnv(t)
	provider.SetFaults([]simulator.Fault{{On: simulator.Search, Kind: simulator.KindError, Status: http.StatusServiceUnavailable}})
	w, _ := newWorker(t, at)
	eventually(t, func() bool { return w.Publisher.Ready() == nil }, "the broker")
	l := deadRun(t, w)
	conn, err := pgx.Connect(t.Context(), at.postgres)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	_, err = conn.Exec(t.Context(), `update payments set updated_at = now() - interval '3 hours'`)
	require.NoError(t, err)
	take := deadletter.Batch{RedriveID: deadletter.NewRedriveID("ana", "terminated"), Actor: "ana", Before: time.Now().Add(time.Minute), Upto: 10}
	taken, err := w.Database.TakeForRedrive(t.Context(), take)
	require.NoError(t, err)
	require.Len(t, taken, 1)
	_, err = conn.Exec(t.Context(), `update redrives set at = now() - interval '2 minutes'`)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `insert into reconciliations (id, window_from, window_to, started_at) values ('earlier', now(), now(), now())`)
	require.NoError(t, err)
	require.NoError(t, w.Database.KeepFindings(t.Context(), "earlier", []payment.Finding{{Kind: payment.OrphanPayment, ProviderPaymentID: "7", FoundAt: time.Now()}}))

	stop := run(t, w)
	require.NoError(t, workflows.KeepReconciling(t.Context(), w.Temporal, time.Second, time.Minute))
	forget(t, w.Temporal)
	eventually(t, func() bool { return w.signalled(t, l.PaymentID) }, "the quiet payment is signalled")
	eventually(t, func() bool {
		kept, err := w.Database.DeadLetter(t.Context(), l.ID)
		return err == nil && kept.State == deadletter.Open
	}, "the dead letter is open again")
	eventually(t, func() bool { return count(t, at, "findings where alerted_at is not null") == 1 }, "operators are alerted")
	require.Zero(t, finished(t, w), "and no window was seen")
	stop()
}

func TestOfManyPaymentsTemporalKnowsWhichHaveARun(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	var ids []string
	for i := range 1000 {
		ids = append(ids, payment.NewID(t.Name(), fmt.Sprint(i)))
	}
	for _, id := range ids[:3] {
		require.NoError(t, w.Workflows.Signal(t.Context(), id)) // no worker runs it, and it waits
		t.Cleanup(func() {
			_ = w.Temporal.TerminateWorkflow(context.Background(), workflows.WorkflowID(id), "", "not for later tests")
		})
	}
	require.NoError(t, w.Temporal.TerminateWorkflow(t.Context(), workflows.WorkflowID(ids[1]), "", "gone"))
	eventually(t, func() bool {
		runs, err := w.Workflows.Running(t.Context(), ids)
		require.NoError(t, err)
		return len(runs) == 2 && runs[ids[0]] && runs[ids[2]]
	}, "two run")
	runs, err := w.Workflows.Running(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, runs)
}
