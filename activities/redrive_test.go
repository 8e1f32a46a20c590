package activities

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// redriven is the activities with dead letters to send again: what they publish, and which payments they signal.
type redriven struct {
	env
	mu        sync.Mutex
	signalled []string
	failing   error
	queue     <-chan amqp.Delivery
	topic     string
}

func newRedriven(t *testing.T) *redriven {
	t.Helper()
	r := &redriven{env: newEnv(t), topic: "topic_" + payment.NewID("test", t.Name())[:8]}
	r.publisher = publisher(t)
	r.workflows = fakeWorkflows{signal: func(_ context.Context, id string) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.signalled = append(r.signalled, id)
		return r.failing
	}}
	conn, err := amqp.Dial(devstacktest.Shared().RabbitMQURL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	channel, err := conn.Channel()
	require.NoError(t, err)
	queue, err := channel.QueueDeclare("", false, true, true, false, nil)
	require.NoError(t, err)
	// The dead letters of the tests come from the events' exchange, for what is published to that of the webhooks goes to our own queues.
	require.NoError(t, channel.QueueBind(queue.Name, "mercadopago."+r.topic, rabbitmq.ExchangeEvents, false, nil))
	r.queue, err = channel.Consume(queue.Name, "", true, true, false, false, nil)
	require.NoError(t, err)
	return r
}

// deadWebhook keeps a webhook's dead letter.
func (r *redriven) deadWebhook(t *testing.T, name string, change func(*deadletter.Message)) deadletter.Message {
	t.Helper()
	l := deadletter.Message{
		Source: deadletter.FromWebhook, Cause: deadletter.CauseInvalid, Error: "no", PaymentID: payment.NewID("shop", name),
		Original: deadletter.Original{
			ID: t.Name() + name, Exchange: rabbitmq.ExchangeEvents, Key: "mercadopago." + r.topic, ContentType: "application/json",
			Body: []byte(`{"a": 1}`), SentAt: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC),
		},
		Deaths: 2, DiedAt: now(),
	}
	if change != nil {
		change(&l)
	}
	l.ID = deadletter.NewID(l.Original.ID, "")
	_, err := r.database.KeepDeadLetters(t.Context(), []deadletter.Message{l})
	require.NoError(t, err)
	return l
}

// deadRun keeps a dead letter of a payment's run.
func (r *redriven) deadRun(t *testing.T, name, paymentID string) deadletter.Message {
	t.Helper()
	return r.deadWebhook(t, name, func(l *deadletter.Message) {
		l.Source, l.Cause, l.PaymentID, l.RunID = deadletter.FromWorkflow, deadletter.CauseDependencyUnavailable, paymentID, "run-"+name
	})
}

// input is a redrive of all that is there now.
func (r *redriven) input(t *testing.T, number, upto int) deadletter.Batch {
	t.Helper()
	survey, err := r.SurveyDeadLetters(t.Context(), SurveyInput{})
	require.NoError(t, err)
	return deadletter.Batch{RedriveID: deadletter.NewRedriveID("ana", fmt.Sprint(number)), Actor: "ana", Reason: "mended", Before: survey.At, Upto: upto}
}

func (r *redriven) standing(t *testing.T, in deadletter.Batch) deadletter.Progress {
	t.Helper()
	standing, err := r.Redrive(t.Context(), in)
	require.NoError(t, err)
	return standing
}

func TestAWebhooksDeadLetterIsSentAgainUnchanged(t *testing.T) {
	t.Parallel()
	r := newRedriven(t)
	l := r.deadWebhook(t, "a", nil)
	in := r.input(t, 1, 10)
	for range 2 {
		require.Equal(t, deadletter.Progress{Taken: 1, Sent: 1}, r.standing(t, in))
	}
	require.Equal(t, deadletter.Progress{}, r.standing(t, r.input(t, 2, 10)), "another redrive finds it closed")

	d := next(t, r.queue)
	require.Equal(t, l.Original.ID, d.MessageId)
	require.Equal(t, l.Original.Key, d.RoutingKey)
	require.Equal(t, l.Original.Body, d.Body)
	require.Equal(t, l.Original.ContentType, d.ContentType)
	require.True(t, l.Original.SentAt.Equal(d.Timestamp))
	require.Equal(t, amqp.Table{rabbitmq.HeaderDeaths: int64(2)}, d.Headers)
	r.deadWebhook(t, "last", nil)
	r.standing(t, r.input(t, 3, 10))
	require.Equal(t, t.Name()+"last", next(t, r.queue).MessageId, "nothing came twice")
	kept, err := r.database.DeadLetter(t.Context(), l.ID)
	require.NoError(t, err)
	require.Equal(t, []any{deadletter.Redriven, "ana", "mended"}, []any{kept.State, kept.ClosedBy, kept.Reason})
}

func TestAWorkflowsDeadLetterSignalsItsPayment(t *testing.T) {
	t.Parallel()
	r := newRedriven(t)
	id := r.opened(t)
	r.deadRun(t, "a", id)
	r.deadRun(t, "b", "")
	require.Equal(t, deadletter.Progress{Taken: 2, Sent: 1, Failed: 1}, r.standing(t, r.input(t, 1, 10)))
	require.Equal(t, []string{id}, r.signalled)
}

// Only the history of a run that died before it wrote its payment holds the request. A signal would start a run that finds no
// payment and ends without an error.
func TestADeadLetterOfAPaymentThatWasNeverWrittenStaysOpen(t *testing.T) {
	t.Parallel()
	r := newRedriven(t)
	l := r.deadRun(t, "a", creation(t).PaymentID)
	require.Equal(t, deadletter.Progress{Taken: 1, Failed: 1}, r.standing(t, r.input(t, 1, 10)))
	require.Empty(t, r.signalled)
	kept, err := r.database.DeadLetter(t.Context(), l.ID)
	require.NoError(t, err)
	require.Equal(t, deadletter.Open, kept.State)
	done, err := r.database.Redrives(t.Context(), l.ID)
	require.NoError(t, err)
	require.Equal(t, "the payment was never written: reset run run-a to its first task", done[0].Error)

	r.opened(t) // the run was reset
	require.Equal(t, deadletter.Progress{Taken: 1, Sent: 1}, r.standing(t, r.input(t, 2, 10)))
	require.Equal(t, []string{l.PaymentID}, r.signalled)
}

// A worker that dies between marking and sending must not lose a dead letter: its activity is done again.
func TestADeadLetterThatWasMarkedAndNotSentIsSentByTheNextRun(t *testing.T) {
	t.Parallel()
	r := newRedriven(t)
	for i := range 5 {
		r.deadWebhook(t, fmt.Sprint(i), nil)
	}
	in := r.input(t, 1, 3)
	marked, err := r.database.TakeForRedrive(t.Context(), in) // and then it was killed
	require.NoError(t, err)
	require.Len(t, marked, 3)

	require.Equal(t, deadletter.Progress{Taken: 3, Sent: 3, Left: 2}, r.standing(t, in))
	sent := map[string]bool{}
	for range 3 {
		sent[next(t, r.queue).MessageId] = true
	}
	for _, l := range marked {
		require.True(t, sent[l.Original.ID])
	}
}

// While the broker is unavailable nothing is given up, and what was sent is not sent again.
func TestARedriveWaitsForItsDependencies(t *testing.T) {
	t.Parallel()
	r := newRedriven(t)
	r.deadWebhook(t, "a", nil)
	l := r.deadRun(t, "b", r.opened(t))
	r.failing = &failure.Error{Kind: failure.Unavailable, Message: "unavailable"}
	in := r.input(t, 1, 10)
	for range 2 {
		_, err := r.Redrive(t.Context(), in)
		requireActivityError(t, err, failure.Unavailable, true)
		standing, err := r.RedriveStanding(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, deadletter.Progress{Taken: 2, Sent: 1}, standing)
	}
	r.failing = nil
	require.Equal(t, deadletter.Progress{Taken: 2, Sent: 2}, r.standing(t, in))
	require.Equal(t, []string{l.PaymentID, l.PaymentID, l.PaymentID}, r.signalled)

	unreached := rabbitmq.NewPublisher([]string{"amqp://guest:guest@" + unreachable + "/"}, silent)
	t.Cleanup(func() { require.NoError(t, unreached.Close()) })
	r.publisher = unreached
	r.deadWebhook(t, "c", nil)
	in = r.input(t, 2, 10)
	_, err := r.Redrive(t.Context(), in)
	requireActivityError(t, err, failure.Unavailable, true)
	for range 2 {
		require.NoError(t, r.AbandonRedrive(t.Context(), AbandonInput{RedriveID: in.RedriveID, Why: "cancelled"}))
		survey, err := r.SurveyDeadLetters(t.Context(), SurveyInput{})
		require.NoError(t, err)
		require.Equal(t, []deadletter.CauseCount{{Cause: deadletter.CauseInvalid, Count: 1}}, survey.Causes, "it is open again")
	}
}

// What was sent before a redrive was cancelled is not opened again as if it had not been.
func TestWhatWasSentIsSettledAlthoughTheRedriveIsCancelled(t *testing.T) {
	t.Parallel()
	r := newRedriven(t)
	r.deadRun(t, "a", r.opened(t))
	in := r.input(t, 1, 10)
	ctx, cancel := context.WithCancel(t.Context())
	r.workflows = fakeWorkflows{signal: func(context.Context, string) error { cancel(); return nil }}
	_, err := r.Redrive(ctx, in)
	require.Error(t, err)
	require.NoError(t, r.AbandonRedrive(t.Context(), AbandonInput{RedriveID: in.RedriveID, Why: "cancelled"}))
	standing, err := r.RedriveStanding(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, deadletter.Progress{Taken: 1, Sent: 1}, standing)
}

func TestADeadLetterThatCannotBeSentIsOpenAgainAndSaysWhy(t *testing.T) {
	t.Parallel()
	r := newRedriven(t)
	rows := map[string]struct {
		change func(*deadletter.Original)
		why    string
	}{
		"no queue":    {func(m *deadletter.Original) { m.Key = "no.queue" }, "no queue is bound for the message any more"},
		"no exchange": {func(m *deadletter.Original) { m.Exchange = "" }, "the message cannot be sent as it is"},
		"no such one": {func(m *deadletter.Original) { m.Exchange = "elsewhere" }, "the message cannot be sent as it is"},
		"no ID":       {func(m *deadletter.Original) { m.ID = "" }, "the message cannot be sent as it is"},
	}
	ids := map[string]string{}
	for name, row := range rows {
		ids[name] = r.deadWebhook(t, name, func(l *deadletter.Message) { row.change(&l.Original) }).ID
	}
	require.Equal(t, deadletter.Progress{Taken: 4, Failed: 4}, r.standing(t, r.input(t, 1, 10)))
	for name, row := range rows {
		l, err := r.database.DeadLetter(t.Context(), ids[name])
		require.NoError(t, err)
		require.Equal(t, deadletter.Open, l.State, name)
		done, err := r.database.Redrives(t.Context(), ids[name])
		require.NoError(t, err)
		require.Equal(t, deadletter.RedriveFailed, done[0].Outcome)
		require.Equal(t, row.why, done[0].Error, name)
	}
}
