package worker

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// Each message is counted by its handler's outcome, and the handler's error goes on as it is.
func TestMessagesAreCountedByTheirOutcome(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	var none *Metrics
	for outcome, word := range map[string]error{
		"done": nil, "waiting": errors.New("unavailable"), "fault": rabbitmq.Fault("invalid", errors.New("x")),
		"dead-letter": rabbitmq.DeadLetter("invalid", errors.New("x")),
	} {
		require.Equal(t, word, m.one("q", func(context.Context, rabbitmq.Delivery) error { return word })(t.Context(), rabbitmq.Delivery{}))
		require.Equal(t, word, m.batch("b", func(context.Context, []rabbitmq.Delivery) error { return word })(t.Context(), make([]rabbitmq.Delivery, 3)))
		require.Equal(t, word, none.one("q", func(context.Context, rabbitmq.Delivery) error { return word })(t.Context(), rabbitmq.Delivery{}))
		text := metricstest.Text(t, m.Collectors()...)
		require.Contains(t, text, `onlywave_messages_total{outcome="`+outcome+`",queue="q"} 1`)
		require.Contains(t, text, `onlywave_messages_total{outcome="`+outcome+`",queue="b"} 3`)
	}
}

// However many look, the database is asked once in a while; while it does not answer, nothing is shown, which no alert takes
// for 0.
func TestGaugesSpareTheDatabase(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	f := NewGauges(w.Database, slog.New(slog.DiscardHandler))
	require.Contains(t, metricstest.Text(t, f), "onlywave_spool_webhooks 0")
	require.NoError(t, w.Database.Spool(t.Context(), "1", "mercadopago.payment", []byte("{}"), time.Now()))
	require.Contains(t, metricstest.Text(t, f), "onlywave_spool_webhooks 0", "not asked again yet")
	f.asked = time.Now().Add(-gaugesEvery)
	text := metricstest.Text(t, f)
	require.Contains(t, text, "onlywave_spool_webhooks 1")
	require.Contains(t, text, `onlywave_dead_letters_open{cause="`+string(deadletter.CauseInvalid)+`"} 0`)

	nowhere, _ := newWorker(t, unavailable)
	require.Empty(t, metricstest.Text(t, NewGauges(nowhere.Database, slog.New(slog.DiscardHandler))))
}
