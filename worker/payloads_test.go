package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

const (
	firstKey  = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	secondKey = "k2:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
)

// private is what the histories of a payment must not say in clear.
var private = []string{"ana.souza@example.com", "Ana Souza", "12345678909", "key-of-the-shop", "the buyer has called", "ticket 4711", "rua das flores"}

// privately is a request full of it.
func privately(key string) workflows.CreateInput {
	in := wish("key-of-the-shop-" + key)
	in.Request.Payer = payment.Payer{Email: "ana.souza@example.com", Name: "Ana Souza", TaxID: "12345678909"}
	in.Request.Metadata, in.Request.Description = map[string]string{"to": "rua das flores"}, "rua das flores"
	in.Wait = timeout
	return in
}

// live is a worker that runs as in live, and a client without a key.
func live(t *testing.T) (w *Worker, keyless client.Client) {
	at, _ := newOwnEnv(t)
	at.live, at.payloadKeys = true, []string{firstKey}
	w = openShop(t, at)
	t.Cleanup(run(t, w))
	return w, dial(t, at)
}

func events(t *testing.T, c client.Client, id string) (all []*history.HistoryEvent) {
	read := c.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for read.HasNext() {
		event, err := read.Next()
		require.NoError(t, err)
		all = append(all, event)
	}
	return all
}

func TestAHistorySaysNothingPrivateInClear(t *testing.T) {
	t.Parallel()
	w, keyless := live(t)
	in := privately("1")
	answer, err := w.Workflows.Create(t.Context(), in)
	require.NoError(t, err)
	require.NotNil(t, answer)
	hold := command.Order{PaymentID: in.PaymentID, ID: "1", Command: command.Hold, Actor: "ana", Reason: "the buyer has called"}
	require.NoError(t, w.Workflows.Command(t.Context(), hold))
	hold.ID, hold.Command = "2", command.Release
	require.NoError(t, w.Workflows.Command(t.Context(), hold))
	cancel := command.Order{PaymentID: in.PaymentID, ID: "3", Command: command.Cancel, Actor: "ana", Reason: "ticket 4711"}
	require.NoError(t, w.Workflows.Command(t.Context(), cancel))
	id := workflows.WorkflowID(in.PaymentID)
	described, err := keyless.DescribeWorkflow(t.Context(), id, "")
	require.NoError(t, err)
	messages := []proto.Message{described.RawResponse}
	for _, e := range events(t, keyless, id) {
		messages = append(messages, e)
	}
	require.Greater(t, len(messages), 20)
	for _, m := range messages {
		bytes, err := proto.Marshal(m)
		require.NoError(t, err)
		for _, text := range append(private, in.Request.Fingerprint()) {
			require.NotContains(t, string(bytes), text)
		}
	}
	told, err := w.Workflows.RunsOf(t.Context(), in.PaymentID, 1, 50)
	require.NoError(t, err)
	var reasons []string
	for _, s := range told.All[0].Steps {
		if s.Words.Reason != "" {
			reasons = append(reasons, s.Words.Reason)
		}
	}
	require.Equal(t, []string{"the buyer has called", "the buyer has called", "ticket 4711"}, reasons, "an operator with the key reads it")
}

// Each process of a rolling update or of a change of keys joins the payment, which is charged once. Equal requests are one update, except
// that an older release, and a process without the former key, makes one more. Another request under the key is refused by all of them.
func TestEqualRequestsAreOneUpdateAndOneCharge(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	in := wish("equal")
	in.Wait = timeout
	process := func(keys ...string) *workflows.Client {
		c := workflows.NewClient(s.Temporal, workflows.Polls{First: time.Minute, Max: time.Hour, AfterExpiry: time.Minute})
		if len(keys) > 0 {
			c.Hash = newCodec(t, s.at, keys...).Hash
		}
		return c
	}
	for i, row := range []struct {
		api     *workflows.Client
		updates int
	}{
		{process(firstKey), 1}, {process(firstKey, secondKey), 1}, {process(secondKey, firstKey), 1}, {process(firstKey), 1},
		{process(), 2}, {process(secondKey), 3}, {process(firstKey), 3}, // of an older release, and without the former key
	} {
		answer, err := row.api.Create(t.Context(), in)
		require.NoError(t, err, i)
		require.Equal(t, in.Request.Fingerprint(), answer.Fingerprint, i)
		another := in
		another.Request.Description = "another"
		_, err = row.api.Create(t.Context(), another)
		require.Equal(t, failure.Conflict, failure.KindOf(err), i)
		require.Equal(t, row.updates, s.updates(t, in.PaymentID), i)
	}
	s.requireOneCharge(t, in.PaymentID)
}

// A key that is missing stops the payment, which goes on when the key is there.
func TestAMissingKeyFailsTheTaskAndNotThePayment(t *testing.T) {
	t.Parallel()
	at, _ := newOwnEnv(t)
	without, with := at, at
	without.payloadKeys, with.payloadKeys = []string{secondKey}, []string{secondKey, firstKey}
	w := openShop(t, without)
	stop := run(t, w)
	in := privately("1")
	in.Wait = time.Second
	answer, err := workflows.NewClient(dial(t, at, firstKey), workflows.Polls{}).Create(t.Context(), in)
	require.NoError(t, err)
	require.Nil(t, answer, "it goes on by itself")
	id := workflows.WorkflowID(in.PaymentID)
	eventually(t, func() bool {
		for _, e := range events(t, w.Temporal, id) {
			if e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_FAILED {
				require.Contains(t, e.GetWorkflowTaskFailedEventAttributes().GetFailure().GetMessage(), `the key "k1", which TEMPORAL_PAYLOAD_KEYS does not have`)
				return true
			}
		}
		return false
	}, "a task fails")
	stop()
	w, _ = newWorker(t, with)
	t.Cleanup(run(t, w))
	eventually(t, func() bool {
		p, err := w.Database.Payment(t.Context(), in.PaymentID)
		return err == nil && p.Status == payment.Pending
	}, "the payment goes on")
}
