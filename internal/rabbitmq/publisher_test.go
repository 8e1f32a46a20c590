package rabbitmq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

func payment(id string) Message { return Message{ID: id, Key: "mercadopago.payment"} }

func TestPublishedMessageArrivesWhole(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	sent := Message{
		ID:          "f81d4fae",
		Key:         "mercadopago.payment",
		ContentType: "application/json",
		Headers:     map[string]any{"x-request-id": "abc", HeaderAttempt: int32(2)},
		Body:        []byte(`{"data":{"id":"1"}}`),
		Time:        time.Unix(1_750_000_000, 0),
	}
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, sent))

	d := fetch(t, channel, QueueProcess)
	require.EqualValues(t, amqp.Persistent, d.DeliveryMode)
	delete(d.Headers, "x-delivery-count") // the broker's
	sent.Headers = map[string]any{"x-request-id": "abc", HeaderExchange: ExchangeWebhooks, HeaderKey: "mercadopago.payment"}
	require.Equal(t, Delivery{Message: sent, Exchange: ExchangeWebhooks}, newDelivery(d), "what is published anew has not failed yet")
}

func TestPublishReportsUnroutableUnlessOptional(t *testing.T) {
	p := connect(t)
	require.ErrorIs(t, p.Publish(t.Context(), ExchangeWebhooks, Message{ID: "1", Key: "stripe.payment"}), ErrUnroutable)
	event := Message{ID: "2", Key: "payment.approved"}
	require.ErrorIs(t, p.Publish(t.Context(), ExchangeEvents, event), ErrUnroutable)
	event.Optional = true
	require.NoError(t, p.Publish(t.Context(), ExchangeEvents, event))
}

func TestPublishReportsRefused(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	full := amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"}
	q, err := channel.QueueDeclare("", false, true, true, false, full)
	require.NoError(t, err)
	require.NoError(t, channel.QueueBind(q.Name, "payment.*", ExchangeEvents, false, nil))
	event := Message{ID: "1", Key: "payment.approved"}
	require.NoError(t, p.Publish(t.Context(), ExchangeEvents, event))
	require.ErrorIs(t, p.Publish(t.Context(), ExchangeEvents, event), ErrRefused)
}

// leaderless is a quorum queue that is bound to the events, and whose leader is stopped: it confirms nothing.
func leaderless(t *testing.T, name string, before func()) *amqp.Channel {
	t.Helper()
	_, channel := dial(t)
	_, err := channel.QueueDeclare(name, true, false, false, false, amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeQuorum})
	require.NoError(t, err)
	require.NoError(t, channel.QueueBind(name, "payment.*", ExchangeEvents, false, nil))
	before()
	suspend(t, name)
	t.Cleanup(func() {
		resume(t, name)
		_, err := channel.QueueDelete(name, false, false, false)
		require.NoError(t, err)
	})
	return channel
}

// The error distinguishes a queue that does not confirm from a broker that does not answer.
func TestPublishReportsUnconfirmed(t *testing.T) {
	p := connect(t)
	event := Message{ID: "1", Key: "payment.approved", Optional: true}
	leaderless(t, "silent", func() { require.NoError(t, p.Publish(t.Context(), ExchangeEvents, event)) })
	err := p.Publish(within(t, 2*time.Second), ExchangeEvents, event)
	require.ErrorIs(t, err, ErrUnconfirmed)
	require.ErrorIs(t, err, ErrUnavailable)
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("2")))
	require.NoError(t, p.Ready())

	require.NoError(t, broker.Pause())
	err = p.Publish(within(t, 2*time.Second), ExchangeEvents, event)
	require.NoError(t, broker.Resume())
	require.ErrorIs(t, err, ErrUnavailable)
	require.NotErrorIs(t, err, ErrUnconfirmed)
}

// RabbitMQ waits for the leader of a queue that is new to the connection, and gives no answers on the connection meanwhile. When the
// queue is no longer bound, a new connection works.
func TestAStalledConnectionIsReplaced(t *testing.T) {
	p := newPublisher([]string{stack.RabbitMQURL()}, "publisher", timing{redeclareEvery, replaceAfter, time.Second, reconnectMax}, silent, ExchangeEvents)
	t.Cleanup(func() { _ = p.Close() })
	require.Eventually(t, func() bool { return p.Ready() == nil }, testTimeout, 10*time.Millisecond)
	channel := leaderless(t, "silent", func() {})
	first := p.sessions()[0]
	err := p.Publish(within(t, 500*time.Millisecond), ExchangeEvents, Message{ID: "1", Key: "payment.approved", Optional: true})
	require.ErrorIs(t, err, ErrUnavailable)
	require.NotErrorIs(t, err, ErrUnconfirmed)
	require.NoError(t, channel.QueueUnbind("silent", "payment.*", ExchangeEvents, nil))
	require.Eventually(t, func() bool { return p.Connected() == nil && p.sessions()[0] != first }, testTimeout, 10*time.Millisecond)
	require.NoError(t, p.Publish(within(t, testTimeout), ExchangeEvents, Message{ID: "2", Key: "payment.approved", Optional: true}))
	require.NoError(t, p.Ready())
}

// Each of these would make the broker or the library close the channel for all callers.
func TestMessageThatCannotBeSentDoesNotDelayOthers(t *testing.T) {
	p := connect(t)
	long := strings.Repeat("x", 256)
	bad := map[string]Message{
		"no ID":       {Key: "mercadopago.payment"},
		"ID":          {ID: long, Key: "mercadopago.payment"},
		"key":         {ID: "1", Key: long},
		"type":        {ID: "1", Key: "mercadopago.payment", ContentType: long},
		"header":      {ID: "1", Key: "mercadopago.payment", Headers: map[string]any{long: 1}},
		"nested":      {ID: "1", Key: "mercadopago.payment", Headers: map[string]any{"a": amqp.Table{long: 1}}},
		"header type": {ID: "1", Key: "mercadopago.payment", Headers: map[string]any{"a": struct{}{}}},
		"body":        {ID: "1", Key: "mercadopago.payment", Body: make([]byte, maxBody+1)},
	}
	before := p.sessions()
	for name, m := range bad {
		err := p.Publish(t.Context(), ExchangeWebhooks, m)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, ErrUnavailable, name)
	}
	require.Error(t, p.Publish(t.Context(), "amq.nowhere", payment("1")))
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("1")))
	require.Equal(t, before, p.sessions())
}

func TestEachOfManyPublishesGetsItsOwnAnswer(t *testing.T) {
	p := connect(t)
	answers := make([]error, 1000)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			m := payment(strconv.Itoa(i))
			if i%3 == 0 {
				m.Key = "nobody.listens"
			}
			answers[i] = p.Publish(t.Context(), ExchangeWebhooks, m)
		})
	}
	wg.Wait()
	for i, err := range answers {
		if i%3 == 0 {
			require.ErrorIs(t, err, ErrUnroutable, "publish %d", i)
		} else {
			require.NoError(t, err, "publish %d", i)
		}
	}
	require.Equal(t, 666, waiting(t, QueueProcess))
	require.Zero(t, p.inFlight())
}

func TestPublishWithoutBrokerFailsAtOnce(t *testing.T) {
	t.Parallel()
	p := NewPublisher([]string{"amqp://127.0.0.1:1/"}, silent)
	defer p.Close()
	began := time.Now()
	require.ErrorIs(t, p.Publish(t.Context(), ExchangeWebhooks, payment("1")), ErrUnavailable)
	require.ErrorIs(t, p.Ready(), ErrUnavailable)
	require.Less(t, time.Since(began), publishTimeout, "which is for brokers that are there")
}

func TestPublisherSurvivesBroker(t *testing.T) {
	p := connect(t)
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("before")))
	require.NoError(t, broker.Kill())
	require.ErrorIs(t, p.Publish(within(t, testTimeout), ExchangeWebhooks, payment("during")), ErrUnavailable)
	require.NoError(t, broker.Restart(t.Context()))
	require.Eventually(t, func() bool { return p.Ready() == nil }, testTimeout, 10*time.Millisecond)
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("after")))
	require.Equal(t, 2, waiting(t, QueueProcess), "a confirmed message survives")
}

// The broker is frozen and its connections stay open. More is published than the kernel buffers, so that writes block.
func TestPublishKeepsItsDeadlineWhileBrokerIsFrozen(t *testing.T) {
	p := connect(t)
	require.NoError(t, broker.Pause())
	t.Cleanup(func() { require.NoError(t, broker.Resume()) })

	began := time.Now()
	errs := make(chan error, 300)
	for i := range cap(errs) {
		m := payment(strconv.Itoa(i))
		m.Body = make([]byte, 100<<10)
		ctx := within(t, 500*time.Millisecond)
		go func() { errs <- p.Publish(ctx, ExchangeWebhooks, m) }()
	}
	late := 0
	for range cap(errs) {
		err := <-errs
		require.ErrorIs(t, err, ErrUnavailable)
		if errors.Is(err, context.DeadlineExceeded) { // else the connection was given up before it was this one's turn
			late++
		}
	}
	require.Positive(t, late)
	require.Less(t, time.Since(began), testTimeout)

	require.Eventually(t, func() bool { return p.Ready() != nil }, testTimeout, 10*time.Millisecond, "the connection is given up")
	require.Eventually(t, func() bool { return p.inFlight() == 0 }, testTimeout, 10*time.Millisecond, "and nothing is in flight any more")
	require.NoError(t, broker.Resume())
	require.Eventually(t, func() bool { return p.Ready() == nil }, testTimeout, 10*time.Millisecond)
	require.NoError(t, p.Publish(within(t, testTimeout), ExchangeWebhooks, payment("after")))
}

func TestPublishFailsFastWhileBrokerIsOutOfMemory(t *testing.T) {
	p := connect(t)
	setMemoryLimit(t, "0.00001")
	t.Cleanup(func() { setMemoryLimit(t, "0.4") })

	// The broker takes one more message and then reports that it blocks; it does not read what was sent in between.
	errs := make(chan error)
	ctx := within(t, testTimeout)
	for i := range 64 {
		go func() {
			var err error
			for err == nil {
				err = p.Publish(ctx, ExchangeWebhooks, payment(strconv.Itoa(i)))
			}
			errs <- err
		}()
	}
	for range 64 {
		err := <-errs
		require.ErrorIs(t, err, ErrUnavailable)
		require.NotErrorIs(t, err, context.DeadlineExceeded, "a publish that is already waiting fails too")
	}
	require.ErrorIs(t, p.Publish(t.Context(), ExchangeWebhooks, payment("2")), ErrUnavailable)
	require.ErrorContains(t, p.Ready(), "low on memory")

	setMemoryLimit(t, "0.4")
	require.Eventually(t, func() bool { return p.Ready() == nil }, testTimeout, 10*time.Millisecond)
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("3")))
}

// setMemoryLimit sets the fraction of the machine's memory over which the broker's alarm goes off.
func setMemoryLimit(t *testing.T, fraction string) {
	t.Helper()
	evaluate(t, "vm_memory_monitor:set_vm_memory_high_watermark("+fraction+")")
}

// suspend stops the only leader of a quorum queue. It is a process of the broker, registered under the queue's and its virtual host's name.
func suspend(t *testing.T, queue string) { evaluate(t, "sys:suspend('%2F_"+queue+"')") }

func resume(t *testing.T, queue string) { evaluate(t, "sys:resume('%2F_"+queue+"')") }

func evaluate(t *testing.T, expression string) {
	t.Helper()
	require.NoError(t, stack.RabbitMQEval(context.Background(), expression)) // also at a test's end
}

func TestCloseWaitsForWhatIsInFlight(t *testing.T) {
	p := connect(t)
	var confirmed atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			err := p.Publish(t.Context(), ExchangeWebhooks, payment(strconv.Itoa(i)))
			if err == nil {
				confirmed.Add(1)
				return
			}
			if err.Error() != fmt.Sprintf("publish %d to onlywave.webhooks: rabbitmq unavailable: publisher is closed", i) {
				t.Errorf("publish %d: %v", i, err)
			}
		})
	}
	require.Eventually(t, func() bool { return p.inFlight() > 0 || confirmed.Load() > 0 }, testTimeout, time.Microsecond)
	require.NoError(t, p.Close())
	wg.Wait()
	for _, queue := range []string{QueueProcess, QueueArchive} { // one may have what the other did not get in time
		require.GreaterOrEqual(t, waiting(t, queue), int(confirmed.Load()))
	}
	require.ErrorIs(t, p.Publish(t.Context(), ExchangeWebhooks, payment("late")), ErrUnavailable)
	require.NoError(t, p.Close(), "closing again is fine")
}

// BenchmarkPublish is 128 requests that each wait for the confirm of a 400-byte message that goes to both queues.
func BenchmarkPublish(b *testing.B) {
	p := connect(b)
	body := bytes.Repeat([]byte("x"), 400)
	var n atomic.Int64
	b.SetParallelism(64) // for each of two processors
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m := payment(strconv.FormatInt(n.Add(1), 10))
			m.Body, m.Time = body, time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
			if err := p.Publish(ctx, ExchangeWebhooks, m); err != nil {
				b.Error(err)
			}
			cancel()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "confirmed/s")
}
