package rabbitmq

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var errBug = errors.New("a bug")

// retrying runs a consumer of QueueProcess that tries what is at fault again after delay.
func retrying(t *testing.T, delay time.Duration, handle func(context.Context, Delivery) error) (stop func()) {
	t.Helper()
	c := NewConsumer([]string{stack.RabbitMQURL()}, QueueProcess, 32, silent)
	c.RetryDelay = delay
	return running(t, func(ctx context.Context) error { return c.Run(ctx, handle) })
}

// delayed counts the messages that wait for a retry.
func delayed(t *testing.T) int {
	t.Helper()
	n := 0
	for retry := range retries {
		n += waiting(t, exchangeRetry+"."+strconv.Itoa(retry+1))
	}
	return n
}

func TestMessageAtFaultIsTriedAgainEverLater(t *testing.T) {
	const delay = 300 * time.Millisecond
	p := connect(t)
	_, channel := dial(t)
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("bad")))
	var neighbours seen
	attempts := make(chan time.Time, 10)
	stop := retrying(t, delay, func(_ context.Context, d Delivery) error {
		if d.ID != "bad" {
			neighbours.add(d.ID)
			return nil
		}
		attempts <- time.Now()
		if d.Failures != len(attempts)-1 || d.Exchange != ExchangeWebhooks || d.Key != "mercadopago.payment" {
			return DeadLetter("mistaken", errors.New("not what was published"))
		}
		return Fault("unparsable", errBug)
	})
	require.Eventually(t, func() bool { return len(attempts) == 3 }, testTimeout, time.Millisecond)
	require.Eventually(t, func() bool { return delayed(t) == 1 }, testTimeout, time.Millisecond)
	publish(t, p, 100)
	require.Eventually(t, func() bool { return neighbours.count() == 100 }, testTimeout, time.Millisecond)
	require.Len(t, attempts, 3, "neighbours do not wait for it")

	deadLetter := newDelivery(fetch(t, channel, QueueDeadLetters))
	stop()
	require.Len(t, attempts, 1+retries)
	last, before := <-attempts, time.Duration(0)
	for wait := delay; len(attempts) > 0; wait *= retryFactor {
		next := <-attempts
		require.GreaterOrEqual(t, next.Sub(last), wait)
		require.Greater(t, next.Sub(last), before)
		last, before = next, next.Sub(last)
	}
	require.Equal(t, "bad", deadLetter.ID)
	require.Equal(t, "webhook.unparsable", deadLetter.Key)
	require.Equal(t, "unparsable", deadLetter.Headers[HeaderCause])
	require.Equal(t, ExchangeWebhooks, deadLetter.Headers[HeaderExchange])
	require.Equal(t, "mercadopago.payment", deadLetter.Headers[HeaderKey])
	require.Equal(t, QueueProcess, deadLetter.Headers[HeaderQueue])
	require.NotContains(t, deadLetter.Headers, "x-death")
	trail := Trail(deadLetter.Headers)
	require.Len(t, trail, 1+retries)
	for i, attempt := range trail {
		require.Equal(t, i+1, attempt.Number)
		require.Equal(t, errBug.Error(), attempt.Error)
	}
	require.Zero(t, waiting(t, QueueProcess))
	require.Zero(t, delayed(t))
	require.Equal(t, 101, waiting(t, QueueArchive), "the archive does not see retries")
}

// A dead letter that is sent again has one try, because the operator waits for the outcome.
func TestADeadLetterThatIsSentAgainHasOneTry(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	again := payment("again")
	again.Headers = map[string]any{HeaderDeaths: int64(2)}
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, again))
	var tried seen
	stop := retrying(t, time.Hour, func(_ context.Context, d Delivery) error {
		tried.add(d.ID)
		return Fault("internal", errBug)
	})
	death := newDelivery(fetch(t, channel, QueueDeadLetters)).Death()
	stop()
	require.Equal(t, 2, tried.add("again"), "counted once before")
	require.Equal(t, 3, death.Deaths)
	require.Zero(t, delayed(t))
}

func TestRetryMayHelp(t *testing.T) {
	p := connect(t)
	publish(t, p, 20)
	var tried, done seen
	stop := retrying(t, time.Millisecond, func(_ context.Context, d Delivery) error {
		if tried.add(d.ID) <= retries {
			return Fault("internal", errBug)
		}
		done.add(d.ID)
		return nil
	})
	require.Eventually(t, func() bool { return done.count() == 20 }, testTimeout, time.Millisecond)
	stop()
	for _, queue := range []string{QueueProcess, QueueDeadLetters} {
		require.Zero(t, waiting(t, queue), queue)
	}
	require.Zero(t, delayed(t))
}

// A fault in the archive makes a dead letter at once. Its headers distinguish it from the other queue's dead letter of the same message.
func TestOneMessageMayDieInTwoQueues(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	publish(t, p, 1)
	start(t, func(context.Context, Delivery) error { return DeadLetter("unparsable", errBug) })
	startBatches(t, 10, func(context.Context, []Delivery) error { return Fault("unparsable", errBug) })
	queues := map[any]int{}
	for range 2 {
		deadLetter := newDelivery(fetch(t, channel, QueueDeadLetters))
		require.Equal(t, "0", deadLetter.ID)
		require.Len(t, Trail(deadLetter.Headers), 1)
		queues[deadLetter.Headers[HeaderQueue]]++
	}
	require.Equal(t, map[any]int{QueueProcess: 1, QueueArchive: 1}, queues)
}

// The broker dies between the confirm of the copy and the acknowledgement of the message at fault. Afterwards both exist.
func TestBrokerKilledBetweenCopyAndAcknowledgement(t *testing.T) {
	p := connect(t)
	publish(t, p, 1)
	c := NewConsumer([]string{stack.RabbitMQURL()}, QueueProcess, 1, silent)
	conn, _ := dial(t)
	in, err := c.open(t.Context(), conn, 1)
	require.NoError(t, err)
	in.publisher = p
	original := <-in.deliveries
	require.NoError(t, in.passOn(newDelivery(original.Delivery), &fault{cause: "internal", err: errBug}))
	require.NoError(t, broker.Kill())
	require.NoError(t, broker.Restart(t.Context()))
	<-in.open.Done()
	require.Error(t, original.Ack(false))

	handled := make(chan int, 10)
	stop := retrying(t, time.Millisecond, func(_ context.Context, d Delivery) error {
		handled <- d.Failures
		return nil
	})
	want := map[int]bool{0: true, 1: true}
	for len(want) > 0 { // either may come twice: the broker may end a connection again while it comes up
		delete(want, <-handled)
	}
	stop()
	// A broker that has just been restarted still counts old messages for a short time.
	require.Eventually(t, func() bool { return waiting(t, QueueProcess)+delayed(t)+waiting(t, QueueDeadLetters) == 0 }, testTimeout, time.Millisecond)
}

// Every message fails once or twice, and the broker dies meanwhile.
func TestNothingIsLostWhenBrokerIsKilledAmongRetries(t *testing.T) {
	p := connect(t)
	publish(t, p, 300)
	var failed, done seen
	half := make(chan struct{})
	reached := sync.OnceFunc(func() { close(half) })
	stop := retrying(t, 20*time.Millisecond, func(_ context.Context, d Delivery) error {
		if n, _ := strconv.Atoi(d.ID); d.Failures <= n%2 {
			failed.add(d.ID)
			if failed.count() == 150 {
				reached()
			}
			return Fault("internal", errBug)
		}
		done.add(d.ID)
		return nil
	})
	<-half
	require.NoError(t, broker.Kill())
	require.Less(t, done.count(), 300, "the broker was killed too late to show anything")
	require.NoError(t, broker.Restart(t.Context()))
	require.Eventually(t, func() bool { return done.count() == 300 }, 3*testTimeout, 10*time.Millisecond)
	require.Eventually(t, func() bool { return waiting(t, QueueProcess)+delayed(t) == 0 }, testTimeout, 10*time.Millisecond)
	stop() // a duplicate may have been between two queues, where it is not counted
	require.Zero(t, waiting(t, QueueDeadLetters))
}

// A failure of a dependency is not counted against the message, also after failures that were counted.
func TestADependencysFailureCountsNothing(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	publish(t, p, 1)
	attempts := make(chan Delivery, 10)
	stop := retrying(t, time.Millisecond, func(_ context.Context, d Delivery) error {
		if d.Failures == 0 {
			return Fault("internal", errBug)
		}
		attempts <- d
		return errDependency
	})
	for range 2 {
		require.Equal(t, 1, (<-attempts).Failures)
	}
	stop()
	require.Zero(t, delayed(t))
	require.Equal(t, int32(1), fetch(t, channel, QueueProcess).Headers[HeaderAttempt])
}

// A postponed message makes way for the others until it is handled, and no failure is counted.
func TestAPostponedMessageMakesWayForOthers(t *testing.T) {
	p := connect(t)
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("waits")))
	publish(t, p, 10)
	var tried, done seen
	c := NewConsumer([]string{stack.RabbitMQURL()}, QueueProcess, 1, silent)
	c.RetryDelay = time.Millisecond
	stop := running(t, func(ctx context.Context) error {
		return c.Run(ctx, func(_ context.Context, d Delivery) error {
			if d.ID == "waits" {
				if d.Failures != 0 || len(Trail(d.Headers)) != 0 || d.Exchange != ExchangeWebhooks || d.Key != "mercadopago.payment" {
					return DeadLetter("mistaken", errors.New("not what was published"))
				}
				if tried.add(d.ID) <= 2*retries || done.count() < 10 {
					return Postpone(errDependency)
				}
			}
			done.add(d.ID)
			return nil
		})
	})
	require.Eventually(t, func() bool { return done.count() == 11 }, testTimeout, time.Millisecond)
	stop()
	require.Greater(t, tried.add("waits"), 2*retries)
	require.Zero(t, waiting(t, QueueProcess)+delayed(t)+waiting(t, QueueDeadLetters))
	require.Equal(t, 11, waiting(t, QueueArchive))
}

// In a queue without delay queues a postponed message waits in its own queue.
func TestWithoutDelayQueuesAPostponedMessageWaitsInPlace(t *testing.T) {
	p := connect(t)
	publish(t, p, 1)
	tries := make(chan Delivery, 10)
	stop := startBatches(t, 10, func(_ context.Context, ds []Delivery) error {
		if tries <- ds[0]; len(tries) == 1 {
			return Postpone(errDependency)
		}
		return nil
	})
	require.Eventually(t, func() bool { return len(tries) == 2 }, testTimeout, time.Millisecond)
	stop()
	require.Zero(t, waiting(t, QueueArchive)+waiting(t, QueueDeadLetters)+delayed(t))
}
