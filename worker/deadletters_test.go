package worker

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// deadLetterOf finds the one dead letter that a message became.
func (w *Worker) deadLetterOf(t *testing.T, messageID string) deadletter.Message {
	t.Helper()
	all, err := w.Database.DeadLetters(t.Context(), deadletter.Filter{Limit: 1000})
	require.NoError(t, err)
	for _, l := range all {
		if l.Original.ID == messageID {
			return l
		}
	}
	require.Fail(t, "no such dead letter", messageID)
	return deadletter.Message{}
}

// dead is a message as a consumer makes it a dead letter.
func dead(id, cause string, body []byte, headers ...string) rabbitmq.Delivery {
	h := map[string]any{
		rabbitmq.HeaderCause: cause, rabbitmq.HeaderError: "the database refused", rabbitmq.HeaderTime: "2026-03-01T12:00:00Z",
		rabbitmq.HeaderExchange: rabbitmq.ExchangeWebhooks, rabbitmq.HeaderKey: "mercadopago.payment",
	}
	for i := 0; i < len(headers); i += 2 {
		h[headers[i]] = headers[i+1]
	}
	return rabbitmq.Delivery{Exchange: rabbitmq.ExchangeDeadLetters, Message: rabbitmq.Message{ID: id, Key: "webhook." + cause, Body: body, Headers: h}}
}

func TestADeadLetterIsKeptWithAllThatIsKnown(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, logged := newWorker(t, at)
	n := notification(t, "a")
	trail := []deadletter.Attempt{{Attempt: 1, At: time.Date(2026, 3, 1, 11, 59, 0, 0, time.UTC), Error: "no"}}
	text, err := json.Marshal(trail)
	require.NoError(t, err)
	d := dead(n.ID, "invalid", encode(t, n), rabbitmq.HeaderQueue, rabbitmq.QueueProcess, rabbitmq.HeaderTrail, string(text))
	for range 2 {
		require.NoError(t, w.keepDeadLetters(t.Context(), []rabbitmq.Delivery{d, d}))
	}
	require.Equal(t, 1, count(t, at, "dead_letters"))
	l := w.deadLetterOf(t, n.ID)
	require.Equal(t, deadletter.Message{
		ID: deadletter.NewID(n.ID, rabbitmq.QueueProcess), Source: deadletter.FromWebhook, Cause: deadletter.CauseInvalid,
		Fingerprint: l.Fingerprint, Error: "the database refused", PaymentID: n.PaymentID,
		Original: deadletter.Original{ID: n.ID, Queue: rabbitmq.QueueProcess, Exchange: rabbitmq.ExchangeWebhooks,
			Key: "mercadopago.payment", Body: d.Body, SentAt: l.Original.SentAt},
		Trail: trail, State: deadletter.Open, Deaths: 1, DiedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), ReceivedAt: l.ReceivedAt,
	}, l)
	require.True(t, logged.says("payment_id="+n.PaymentID))
	require.True(t, logged.says("fingerprint="+l.Fingerprint))
	require.False(t, logged.says(n.ResourceID), "the body is not logged")
}

func TestAWorkflowsDeadLetterNamesItsRun(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	id := payment.NewID("shop", "x")
	d := dead("m", "contradiction", nil, activities.HeaderPaymentID, id, activities.HeaderWorkflowID, "payment/"+id, activities.HeaderRunID, "run")
	d.Key = "workflow.contradiction"
	require.NoError(t, w.keepDeadLetters(t.Context(), []rabbitmq.Delivery{d}))
	l := w.deadLetterOf(t, "m")
	require.Equal(t, []string{"workflow", "contradiction", id, "payment/" + id, "run"},
		[]string{string(l.Source), string(l.Cause), l.PaymentID, l.WorkflowID, l.RunID})
}

// The queue of dead letters is the last: whatever is in it is kept, and holds up nothing behind it.
func TestWhateverIsInTheQueueOfDeadLettersIsKept(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	odd := map[string]rabbitmq.Delivery{
		"nothing":       {},
		"no headers":    {Message: rabbitmq.Message{ID: "1", Key: "a.b.c", Body: []byte{0, 0xff}}},
		"NUL":           dead("2\x00", "a\x00b", []byte("\x00"), rabbitmq.HeaderError, "\x00\xff", rabbitmq.HeaderExchange, "\x00", rabbitmq.HeaderQueue, "\x00"),
		"odd trail":     dead("3", "invalid", nil, rabbitmq.HeaderTrail, `{"a": 1}`),
		"trail of NULs": dead("4", "invalid", nil, rabbitmq.HeaderTrail, `[{"attempt": 1, "error": "\u0000"}]`),
		"odd payment":   dead("5", "invalid", nil, activities.HeaderPaymentID, "x"),
		"odd time":      dead("6", "invalid", nil, rabbitmq.HeaderTime, "yesterday"),
		"year 0":        dead("7", "invalid", nil, rabbitmq.HeaderTime, "0000-01-01T00:00:00Z"),
		"long":          dead(strings.Repeat("x", 255), "invalid", nil, rabbitmq.HeaderError, strings.Repeat("é", 100_000)),
		"huge trail":    dead("8", "invalid", nil, rabbitmq.HeaderTrail, `[{"attempt": 99999999999999999999999}]`),
		"odd x-death": {Message: rabbitmq.Message{ID: "9", Key: "webhook.delivery-limit", Headers: map[string]any{
			"x-death": []any{"x", amqp.Table{"queue": 1, "time": "now", "routing-keys": []any{1}}}, rabbitmq.HeaderDeaths: "many"}}},
		"many deaths": {Message: rabbitmq.Message{ID: "10", Headers: map[string]any{rabbitmq.HeaderDeaths: int64(1 << 40)}}},
	}
	var batch []rabbitmq.Delivery
	for _, d := range odd {
		batch = append(batch, d)
	}
	good := notification(t, "good")
	batch = append(batch, dead(good.ID, "invalid", encode(t, good)))
	require.NoError(t, w.keepDeadLetters(t.Context(), batch))
	require.Equal(t, len(batch), count(t, at, "dead_letters"))
	require.Equal(t, deadletter.CauseUnlabelled, w.deadLetterOf(t, "1").Cause)
	require.Equal(t, good.PaymentID, w.deadLetterOf(t, good.ID).PaymentID)
}

func TestWithoutTheDatabaseDeadLettersWait(t *testing.T) {
	t.Parallel()
	w, _ := newWorker(t, unavailable)
	err := w.keepDeadLetters(t.Context(), []rabbitmq.Delivery{dead("1", "invalid", nil)})
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	require.False(t, isDead(err), "a dead letter is never made one again")
}

func FuzzDeadLetters(f *testing.F) {
	f.Add("webhook.invalid", "invalid", "text", "[]", "2026-03-01T12:00:00Z", []byte("{}"))
	f.Fuzz(func(t *testing.T, key, cause, text, trail, at string, body []byte) {
		d := rabbitmq.Delivery{Message: rabbitmq.Message{ID: "1", Key: key, Body: body, Headers: map[string]any{
			rabbitmq.HeaderCause: cause, rabbitmq.HeaderError: text, rabbitmq.HeaderTrail: trail, rabbitmq.HeaderTime: at}}}
		l := deadLetterOf(d, time.Now())
		require.NotContains(t, fmt.Sprint(l.Cause, l.Error, l.Trail), "\x00")
		require.NotEmpty(t, l.Source)
		require.NotZero(t, l.DiedAt)
	})
}
