package system

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// deadLetters counts a payment's dead letters of a cause and in a state.
func deadLetters(t *testing.T, paymentID string, cause deadletter.Cause, state deadletter.State) int {
	return inShared(t, `select count(*) from dead_letters where payment_id = $1 and cause = $2 and state = $3`, paymentID, cause, state)
}

// found says whether Temporal's list shows the payment's workflow for a query.
func found(t *testing.T, paymentID, query string) bool {
	return slices.Contains(listed(t, query), "payment/"+paymentID)
}

// The answer to a charge is lost, the next attempt gets an answer that nobody can read, and the search lags behind: nobody knows what happened.
// Operators are told, and the payment finds out by itself.
func TestAnUnknownOutcomeIsADeadLetterUntilItIsKnown(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	arm(t, simulator.Fault{On: simulator.Create, Kind: simulator.KindTruncated, Times: 1, ExternalReference: id})
	arm(t, simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusNotFound, Times: 1, ExternalReference: id})
	arm(t, simulator.Fault{On: simulator.Search, Kind: simulator.KindSearchLag, Times: 1, ExternalReference: id})
	arm(t, simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost, Times: 1, ExternalReference: id})
	_, err := shared.Shops[0].Create(within(t), key, 1050)
	require.NoError(t, err)
	_, err = shared.Shops[0].Await(within(t), id, "unknown")
	require.NoError(t, err)
	eventually(t, func() bool { return deadLetters(t, id, deadletter.CauseUnknownOutcome, deadletter.Open) == 1 }, "operators are told")
	const waiting = `DeadLetterCause = "unknown-outcome" and ExecutionStatus = "Running"`
	eventually(t, func() bool { return found(t, id, waiting) }, "and finds the run, which goes on")

	ledger, err := shared.Provider.Ledger(within(t), id)
	require.NoError(t, err)
	require.Len(t, ledger, 1)
	require.NoError(t, shared.Provider.Pay(within(t), ledger[0].PaymentID))
	_, err = shared.Shops[0].Await(within(t), id, "approved")
	require.NoError(t, err)
	require.Equal(t, 1, deadLetters(t, id, deadletter.CauseUnknownOutcome, deadletter.Resolved))
	require.Equal(t, 1, charges(t, id))
	eventually(t, func() bool {
		return found(t, id, fmt.Sprintf(`PaymentStatus = "approved" and WorkflowId = "payment/%s" and DeadLetterCause is null`, id))
	}, "no person is needed any more")
}

// The charge never reached the provider, and what it answered says nothing: nobody knows the outcome for ever. An operator says
// that it has failed, which is searched for once more; one that the provider has is not settled.
func TestAnUnknownPaymentIsSettledByAnOperator(t *testing.T) {
	t.Parallel()
	settleIt := func(t *testing.T, id string) (string, error) {
		var out output
		environ := []string{"DATABASE_URL=" + shared.Stack.PostgresURL(), "TEMPORAL_ADDRESS=" + shared.Stack.TemporalAddress(), "TEMPORAL_PAYLOAD_KEYS=" + platform.PayloadKeys}
		err := cli.Run(within(t), []string{"payments", "settle", id, "--actor", "ana", "--reason", "the panel has none"}, environ, &out)
		return out.String(), err
	}
	parked := func(t *testing.T, faults ...simulator.Fault) (key1, id string) {
		key1, id = key(t)
		for _, f := range faults {
			f.On, f.Times, f.ExternalReference = simulator.Create, 1, id
			arm(t, f)
		}
		arm(t, simulator.Fault{On: simulator.Search, Kind: simulator.KindSearchLag, Times: 1, ExternalReference: id})
		arm(t, simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost, Times: 1, ExternalReference: id})
		_, err := shared.Shops[0].Create(within(t), key1, 1050)
		require.NoError(t, err)
		_, err = shared.Shops[0].Await(within(t), id, "unknown")
		require.NoError(t, err)
		eventually(t, func() bool { return deadLetters(t, id, deadletter.CauseUnknownOutcome, deadletter.Open) == 1 }, "operators are told")
		_, err = settleIt(t, id)
		require.ErrorContains(t, err, "may not find the payment yet")
		require.Equal(t, 1, inShared(t, `with aged as (update payments set updated_at = updated_at - interval '10 minutes' where id = $1 returning 1) select count(*) from aged`, id))
		return key1, id
	}
	nonsense := simulator.Fault{Kind: simulator.KindError, Status: http.StatusNotFound}
	t.Run("the provider has none", func(t *testing.T) {
		t.Parallel()
		key, id := parked(t, nonsense)
		for range 2 {
			out, err := settleIt(t, id)
			require.NoError(t, err)
			require.Contains(t, out, "payment "+id+" is failed: settled by an operator")
		}
		require.Equal(t, []string{"processing", "unknown", "failed"}, history(t, id))
		require.Equal(t, 1, inShared(t, `select count(*) from payment_events where payment_id = $1 and data @> '{"actor": "ana", "reason": "the panel has none"}'`, id))
		require.Equal(t, 1, inShared(t, `select count(*) from audit where object = 'payment/' || $1 and actor = 'ana' and channel = 'command' and origin <> ''`, id))
		require.Equal(t, 1, deadLetters(t, id, deadletter.CauseUnknownOutcome, deadletter.Resolved))
		answer, err := shared.Shops[1].Post(within(t), key, platform.Order(1050, key))
		require.NoError(t, err)
		require.Equal(t, http.StatusCreated, answer.Status)
		require.Contains(t, string(answer.Body), `"failed"`)
		require.Zero(t, charges(t, id))
	})
	t.Run("the provider has it", func(t *testing.T) {
		t.Parallel()
		_, id := parked(t, simulator.Fault{Kind: simulator.KindTruncated}, nonsense)
		_, err := settleIt(t, id)
		require.ErrorContains(t, err, "the provider has the payment, which is pending")
		_, err = shared.Shops[0].Await(within(t), id, "pending")
		require.NoError(t, err)
		require.Equal(t, 1, charges(t, id))
	})
}

// A run whose input names a payment under another one's key cannot go on: it becomes a dead letter and a failure that Temporal shows.
func TestARunThatCannotGoOnIsADeadLetterAndFailsVisibly(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	create(t, key)
	other := startUnderAnothersKey(t, key)
	eventually(t, func() bool { return deadLetters(t, other, deadletter.CauseContradiction, deadletter.Open) == 1 }, "operators are told")
	const failed = `DeadLetterCause = "contradiction" and ExecutionStatus = "Failed"`
	eventually(t, func() bool { return found(t, other, failed) }, "and finds the run")
	require.Contains(t, temporal(t, "workflow", "show", "--workflow-id", "payment/"+other, "--output", "json"), "idempotency key belongs to another payment")
	require.Zero(t, charges(t, other))
	require.Zero(t, deadLetters(t, id, deadletter.CauseContradiction, deadletter.Open))

	// A reset runs into the same, and is another run's dead letter.
	reset := func() {
		t.Helper()
		temporal(t, "workflow", "reset", "--workflow-id", "payment/"+other, "--type", "FirstWorkflowTask", "--reason", "test")
	}
	reset()
	eventually(t, func() bool { return deadLetters(t, other, deadletter.CauseContradiction, deadletter.Open) == 2 }, "a second dead letter")

	// The payment was never written, so that only its run knows what was asked for: a redrive says so, and loses nothing. Once
	// the database is mended, a reset makes the payment.
	var out output
	environ := []string{"DATABASE_URL=" + shared.Stack.PostgresURL(), "TEMPORAL_ADDRESS=" + shared.Stack.TemporalAddress(), "TEMPORAL_PAYLOAD_KEYS=" + platform.PayloadKeys}
	require.NoError(t, cli.Run(within(t), []string{"dead-letters", "redrive", "--payment", other, "--actor", "ana", "--reason", "test", "--watch"}, environ, &out))
	require.Contains(t, out.String(), "0 sent, 2 failed")
	require.Equal(t, 2, deadLetters(t, other, deadletter.CauseContradiction, deadletter.Open))
	require.Equal(t, 1, inShared(t, `with mended as (update payments set idempotency_key = id::text where id = $1 returning 1) select count(*) from mended`, id))
	reset()
	_, err := shared.Shops[0].Await(within(t), other, "pending")
	require.NoError(t, err)
	require.Equal(t, 1, charges(t, other))
}

// startUnderAnothersKey starts a run by hand whose input names a payment under a key that another one has, and cannot go on.
func startUnderAnothersKey(t *testing.T, key string) (id string) {
	t.Helper()
	id = payment.NewID("demo", key+" by hand")
	input, err := json.Marshal(workflows.PaymentInput{PaymentID: id, Creation: &payment.Creation{
		ClientID: "demo", IdempotencyKey: key, Request: payment.Request{
			Amount: payment.Money{Centavos: 100, Currency: payment.BRL}, Method: payment.Method{Type: payment.Pix, ExpiresIn: 3600},
			Payer: payment.Payer{Email: "ana@example.com"},
		},
	}})
	require.NoError(t, err)
	temporal(t, "workflow", "start", "--type", "Payment", "--task-queue", workflows.TaskQueue, "--workflow-id", "payment/"+id, "--input", string(input))
	return id
}
