package rabbitmq

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var errDependency = errors.New("temporal is unavailable")

// seen collects message IDs from concurrent handlers.
type seen struct {
	mu  sync.Mutex
	ids map[string]int
}

func (s *seen) add(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = map[string]int{}
	}
	s.ids[id]++
	return s.ids[id]
}

func (s *seen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ids)
}

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) count(words string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), words)
}

// start runs a consumer of QueueProcess; stop ends it and waits for it.
func start(t *testing.T, handle func(context.Context, Delivery) error) (stop func()) {
	t.Helper()
	return running(t, func(ctx context.Context) error {
		return NewConsumer([]string{stack.RabbitMQURL()}, QueueProcess, 32, silent).Run(ctx, handle)
	})
}

func startBatches(t *testing.T, limit int, handle func(context.Context, []Delivery) error) (stop func()) {
	t.Helper()
	return running(t, func(ctx context.Context) error {
		return NewConsumer([]string{stack.RabbitMQURL()}, QueueArchive, 32, silent).RunBatches(ctx, limit, 100*time.Millisecond, handle)
	})
}

func running(t *testing.T, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

func publish(t *testing.T, p *Publisher, n int) {
	t.Helper()
	for i := range n {
		require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment(strconv.Itoa(i))))
	}
}

func TestHandledMessagesLeaveTheQueue(t *testing.T) {
	p := connect(t)
	publish(t, p, 100)
	var s seen
	stop := start(t, func(_ context.Context, d Delivery) error {
		s.add(d.ID)
		return nil
	})
	require.Eventually(t, func() bool { return s.count() == 100 }, testTimeout, time.Millisecond)
	stop()
	require.Zero(t, waiting(t, QueueProcess), "a stopped consumer gives back what it had not acknowledged")
	require.Zero(t, waiting(t, QueueDeadLetters))
}

func TestADependencysFailureIsRetriedInPlace(t *testing.T) {
	p := connect(t)
	publish(t, p, 1)
	var s seen
	attempts := make(chan Delivery, 10)
	stop := start(t, func(_ context.Context, d Delivery) error {
		attempts <- d
		if s.add(d.ID) < 3 {
			return errDependency
		}
		return nil
	})
	began := time.Now()
	for range 3 {
		require.False(t, (<-attempts).Redelivered)
	}
	require.Greater(t, time.Since(began), retryMin*3/2, "at least half a second, then at least one")
	stop()
	require.Zero(t, waiting(t, QueueProcess))
	require.Zero(t, waiting(t, QueueDeadLetters))
	require.Empty(t, attempts)
}

// A handler that hangs waits for a dependency, even if it then returns a Fault.
func TestHandlerThatHangsIsCutShortAndTriedAgain(t *testing.T) {
	p := connect(t)
	publish(t, p, 1)
	c := NewConsumer([]string{stack.RabbitMQURL()}, QueueProcess, 1, silent)
	c.handleTimeout = 50 * time.Millisecond
	attempts := make(chan Delivery, 10)
	stop := running(t, func(ctx context.Context) error {
		return c.Run(ctx, func(ctx context.Context, d Delivery) error {
			if attempts <- d; len(attempts) < 3 {
				<-ctx.Done()
				return DeadLetter("invalid", ctx.Err())
			}
			return nil
		})
	})
	require.Eventually(t, func() bool { return len(attempts) == 3 }, testTimeout, time.Millisecond)
	stop()
	for range 3 {
		require.False(t, (<-attempts).Redelivered, "on the same channel")
	}
	require.Zero(t, waiting(t, QueueProcess)+waiting(t, QueueDeadLetters))
}

// While a dependency is unavailable, the consumer takes no more than the prefetch. After a stop every message is still in the queue.
func TestIntakePausesWhileADependencyIsUnavailable(t *testing.T) {
	p := connect(t)
	publish(t, p, 50)
	var s seen
	stop := start(t, func(_ context.Context, d Delivery) error {
		s.add(d.ID)
		return errDependency
	})
	require.Eventually(t, func() bool { return s.count() == 32 }, testTimeout, time.Millisecond)
	require.Equal(t, 18, waiting(t, QueueProcess))
	stop()
	require.Equal(t, 32, s.count())
	require.Eventually(t, func() bool { return waiting(t, QueueProcess) == 50 }, testTimeout, 10*time.Millisecond)
}

func TestStuckMessageHoldsUpOnlyItself(t *testing.T) {
	p := connect(t)
	publish(t, p, 200)
	var s seen
	stop := start(t, func(_ context.Context, d Delivery) error {
		if s.add(d.ID); d.ID == "0" {
			return errDependency
		}
		return nil
	})
	require.Eventually(t, func() bool { return s.count() == 200 }, testTimeout, time.Millisecond)
	stop()
	require.Equal(t, 1, waiting(t, QueueProcess))
	_, channel := dial(t)
	require.Equal(t, "0", fetch(t, channel, QueueProcess).MessageId)
}

func TestNothingIsLostWhenBrokerIsKilled(t *testing.T) {
	p := connect(t)
	publish(t, p, 500)
	var s seen
	half := make(chan struct{})
	stop := start(t, func(_ context.Context, d Delivery) error {
		s.add(d.ID)
		if s.count() >= 250 {
			select {
			case half <- struct{}{}:
			default:
			}
		}
		return nil
	})
	<-half
	require.NoError(t, broker.Kill())
	require.Less(t, s.count(), 500, "the broker was killed too late to show anything")
	require.NoError(t, broker.Restart(t.Context()))
	require.Eventually(t, func() bool { return s.count() == 500 }, testTimeout, time.Millisecond)
	stop()
	require.Zero(t, waiting(t, QueueProcess))
}

// A message that was unacknowledged when the connection died is finished but comes again: its acknowledgement belongs to a dead channel.
func TestMessageInHandOfDeadConnectionComesAgain(t *testing.T) {
	p := connect(t)
	publish(t, p, 1)
	deliveries := make(chan Delivery)
	finish := make(chan struct{})
	var logged journal
	c := NewConsumer([]string{stack.RabbitMQURL()}, QueueProcess, 32, slog.New(slog.NewTextHandler(&logged, nil)))
	stop := running(t, func(ctx context.Context) error {
		return c.Run(ctx, func(_ context.Context, d Delivery) error {
			deliveries <- d
			<-finish
			return nil
		})
	})
	require.False(t, (<-deliveries).Redelivered)
	require.NoError(t, broker.Kill())
	require.NoError(t, broker.Restart(t.Context()))
	finish <- struct{}{}
	require.True(t, (<-deliveries).Redelivered)
	finish <- struct{}{}
	stop()
	require.Equal(t, 1, logged.count("message comes again"), "the late acknowledgement was refused, the other was not")
	require.Zero(t, waiting(t, QueueProcess))
}

// A message may come to another consumer while the first one, without connection, still handles it. Both handle it, one acknowledges.
func TestTwinOfMessageInHandIsHandledElsewhere(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	publish(t, p, 1)
	first := fetch(t, channel, QueueProcess)
	require.NoError(t, channel.Close())
	handled := make(chan Delivery, 2)
	stop := start(t, func(_ context.Context, d Delivery) error {
		handled <- d
		return nil
	})
	require.Equal(t, first.MessageId, (<-handled).ID)
	require.Error(t, first.Ack(false))
	stop()
	require.Zero(t, waiting(t, QueueProcess))
}

func TestStopFinishesWhatIsInHand(t *testing.T) {
	p := connect(t)
	publish(t, p, 1)
	inHand, finish := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- NewConsumer([]string{stack.RabbitMQURL()}, QueueProcess, 1, silent).Run(ctx, func(ctx context.Context, _ Delivery) error {
			close(inHand)
			<-finish
			return ctx.Err()
		})
	}()
	<-inHand
	cancel()
	publish(t, p, 1)
	close(finish)
	require.NoError(t, <-done)
	require.Equal(t, 1, waiting(t, QueueProcess), "the first is done, the second was not taken")
}

func TestStopDoesNotWaitForFrozenBroker(t *testing.T) {
	p := connect(t)
	publish(t, p, 1)
	handled := make(chan struct{}, 1)
	stop := start(t, func(context.Context, Delivery) error {
		handled <- struct{}{}
		return nil
	})
	<-handled
	require.NoError(t, broker.Pause())
	t.Cleanup(func() { require.NoError(t, broker.Resume()) })
	began := time.Now()
	stop()
	require.Less(t, time.Since(began), finishTimeout, "which is for handlers, and there is none")
}

func TestBatchesAreGatheredAndAcknowledgedTogether(t *testing.T) {
	p := connect(t)
	publish(t, p, 100)
	batches := make(chan []string, 100)
	stop := startBatches(t, 30, func(_ context.Context, ds []Delivery) error {
		batches <- ids(ds)
		return nil
	})
	var got []string
	for len(got) < 100 {
		batch := <-batches
		require.LessOrEqual(t, len(batch), 30)
		got = append(got, batch...)
	}
	require.Empty(t, batches)
	for i, id := range got {
		require.Equal(t, strconv.Itoa(i), id, "one consumer sees the queue's order")
	}
	stop()
	require.Zero(t, waiting(t, QueueArchive))
}

func TestBatchIsRetriedWhole(t *testing.T) {
	p := connect(t)
	publish(t, p, 10)
	batches := make(chan []string, 100)
	stop := startBatches(t, 10, func(_ context.Context, ds []Delivery) error {
		batches <- ids(ds)
		if len(batches) == 1 {
			return errDependency
		}
		return nil
	})
	require.Eventually(t, func() bool { return len(batches) == 2 }, testTimeout, time.Millisecond)
	stop()
	require.Equal(t, <-batches, <-batches)
	require.Zero(t, waiting(t, QueueArchive))
}

func TestOneBadMessageDoesNotTakeItsBatchAlong(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	publish(t, p, 20)
	var s seen
	stop := startBatches(t, 20, func(_ context.Context, ds []Delivery) error {
		if slices.Contains(ids(ds), "7") {
			return DeadLetter("unparsable", errors.New("not JSON"))
		}
		if slices.Contains(ids(ds), "11") {
			panic(ds)
		}
		for _, d := range ds {
			s.add(d.ID)
		}
		return nil
	})
	causes := map[string]string{}
	for range 2 {
		deadLetter := fetch(t, channel, QueueDeadLetters)
		causes[deadLetter.MessageId] = deadLetter.RoutingKey
	}
	require.Equal(t, map[string]string{"7": "webhook.unparsable", "11": "webhook.handler-panic"}, causes)
	require.Eventually(t, func() bool { return s.count() == 18 }, testTimeout, time.Millisecond)
	stop()
	require.Zero(t, waiting(t, QueueArchive))
}

func ids(deliveries []Delivery) []string {
	list := make([]string, len(deliveries))
	for i, d := range deliveries {
		list[i] = d.ID
	}
	return list
}
