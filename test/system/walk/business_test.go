//go:build chromium

package walk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// business is what there is to see: payments, of which one is paid and one is open, and dead letters.
func (w *walk) business(ctx context.Context, p *platform.Platform) (paid, open platform.Payment) {
	w.t.Helper()
	for i, centavos := range []int64{1050, 24990, 8900, 159000, 4200, 7350, 31900, 990} {
		made, err := p.Front.Create(ctx, fmt.Sprint("order-", 1042+i), centavos)
		require.NoError(w.t, err)
		if i == 0 {
			open = made
		}
		if i%3 == 1 {
			require.NoError(w.t, p.Provider.Pay(ctx, made.Provider.PaymentID))
			paid, err = p.Front.Await(ctx, made.ID, "approved")
			require.NoError(w.t, err)
		}
	}
	store, err := postgres.Open(ctx, p.Stack.PostgresURL(), 1)
	require.NoError(w.t, err)
	defer store.Close()
	var messages []deadletter.Message
	for i, l := range []struct {
		cause deadletter.Cause
		error string
	}{
		{deadletter.CauseHandlerPanic, "handler panicked: index out of range [3] with length 3"},
		{deadletter.CauseHandlerPanic, "handler panicked: index out of range [5] with length 5"},
		{deadletter.CauseInvalid, "the database refused: value too long"},
		{deadletter.CauseHandlerPanic, "handler panicked: index out of range [2] with length 2"},
	} {
		id, at := uuid.NewString(), time.Now().Add(-time.Duration(i*i*7)*time.Minute)
		body, err := json.Marshal(mercadopago.Notification{ID: id, Topic: "topic_of_tomorrow", ReceivedAt: at})
		require.NoError(w.t, err)
		messages = append(messages, deadletter.Message{
			ID: deadletter.NewID(id, "onlywave.webhooks.process"), Source: deadletter.FromWebhook, Cause: l.cause, Error: l.error,
			Deaths: 1, DiedAt: at, PaymentID: paid.ID, Fingerprint: deadletter.NewFingerprint(deadletter.FromWebhook, l.cause, l.error),
			Original: deadletter.Original{ID: id, Queue: "onlywave.webhooks.process", Exchange: "onlywave.webhooks", Key: "mercadopago.topic_of_tomorrow", Body: body},
			Trail: []deadletter.Attempt{{Attempt: 1, At: at.Add(-3 * time.Minute), Error: l.error}, {Attempt: 2, At: at.Add(-2 * time.Minute), Error: l.error},
				{Attempt: 3, At: at, Error: l.error}},
		})
	}
	_, err = store.KeepDeadLetters(ctx, messages)
	require.NoError(w.t, err)
	return paid, open
}

// unknown makes a payment whose outcome has been unknown for long enough to be settled: Mercado Pago never got its charge.
func (w *walk) unknown(ctx context.Context, p *platform.Platform) (id string) {
	w.t.Helper()
	const key = "order-unknown"
	id = payment.NewID("demo", key)
	require.NoError(w.t, p.Provider.Arm(ctx,
		simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusNotFound, Times: 1, ExternalReference: id},
		simulator.Fault{On: simulator.Search, Kind: simulator.KindSearchLag, Times: 1, ExternalReference: id}))
	_, err := p.Front.Create(ctx, key, 6400)
	require.NoError(w.t, err)
	_, err = p.Front.Await(ctx, id, "unknown")
	require.NoError(w.t, err)
	conn, err := pgx.Connect(ctx, p.Stack.PostgresURL())
	require.NoError(w.t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `update payments set updated_at = updated_at - interval '10 minutes' where id = $1`, id)
	require.NoError(w.t, err)
	return id
}
