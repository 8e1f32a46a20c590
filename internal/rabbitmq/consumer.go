package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	retryMin = time.Second
	retryMax = 30 * time.Second
	// finishTimeout is how long a handler may go on after its connection was lost or Run was stopped.
	finishTimeout = 18 * time.Second
	// leaveTimeout is for handlers to return after their timeout, and for closing the connection.
	leaveTimeout = 2 * time.Second
	// consumeTimeout is for the broker's answer to basic.consume. A quorum queue without a leader gives none.
	consumeTimeout = 10 * time.Second
	// handleTimeout is how long a handler may take: a handler that hangs must return, so that it is retried.
	handleTimeout = 30 * time.Second
	consumerTag   = "onlywave"
)

// EndTime is the longest that a Consumer takes to return after it was stopped.
const EndTime = finishTimeout + leaveTimeout + closeTimeout

var (
	// errDeliveriesEnd is how a deleted queue appears.
	errDeliveriesEnd = errors.New("broker delivers no more")
	// errUnfinished says that Run has returned before its handlers.
	errUnfinished   = errors.New("messages are still in hand, and come again")
	errNotConsuming = errors.New("nothing is delivered")
	// errLeaderless is the likely reason why a consumer gets no answer.
	errLeaderless = errors.New("no answer: the queue may have no leader")
)

// Consumer takes messages from one queue. It alone acknowledges them, by what the handler returns:
//
//   - nil: done.
//   - Fault(cause, err): the message's fault. A copy of it comes again after the retry delay, then after 6 and 36 times that,
//     and if that does not help it becomes a dead letter. So does a message over which the handler panics. The copy is
//     confirmed before the message leaves its queue. Only QueueProcess has delay queues; in others a fault is final, but for
//     QueueDeadLetters, where it is like any other error, because there is no further queue.
//   - DeadLetter(cause, err): a fault that is final. The message becomes a dead letter at once.
//   - Postpone(err): the message waits, and the others do not wait for it. A copy comes again later, and no failure is counted.
//   - any other error, or any error after the 30 seconds that a handler may take: a dependency is unavailable. The consumer
//     handles the message again after 1 to 30 seconds, until it succeeds. Meanwhile it takes no more messages than the
//     prefetch, and it counts no failure. Before the broker's consumer timeout ends, it sends a message that it has held
//     for long back to the end of its queue.
//
// When the connection is lost, unacknowledged messages are finished but not acknowledged, and come again on the next connection.
//
// A message that kills the process cannot return an error. The broker counts its deliveries, but also those of all other messages that
// were unacknowledged, and those that a bad link causes. So a message with too many deliveries is suspect, and is handled while nothing
// else is handled. Then innocent messages are acknowledged, and only the one that kills becomes a dead letter. A message that comes near
// the broker's own limit is sent to the end of its queue before it is handled, so that the broker drops no message. A message that this
// process has received before is not suspect.
type Consumer struct {
	RetryDelay    time.Duration // before a message at fault is tried again for the first time
	connection    *connection
	urls          []string
	queue         string
	prefetch      int
	handleTimeout time.Duration
	finishTimeout time.Duration
	holdTime      time.Duration
	times         timing // of the publisher of messages that go on
	log           *slog.Logger

	seen      sightings
	publisher atomic.Pointer[Publisher] // of messages that go on; nil while Run does not
	trouble   atomic.Pointer[error]     // why nothing is delivered; nil while it is
}

// NewConsumer prepares to take messages from queue, at most prefetch at a time. Keep prefetch small, about 32: if this process
// dies, each unacknowledged message comes one delivery nearer to its limit.
func NewConsumer(urls []string, queue string, prefetch int, log *slog.Logger) *Consumer {
	log = log.With("queue", queue)
	return &Consumer{
		connection:    newConnection(urls, "onlywave consumer "+queue, log),
		urls:          urls,
		queue:         queue,
		prefetch:      prefetch,
		handleTimeout: handleTimeout,
		finishTimeout: finishTimeout,
		holdTime:      holdTime,
		times:         unhurried,
		log:           log,
	}
}

// Run hands messages over one by one, up to prefetch of them at the same time. When ctx ends it takes no more, lets what is
// in hand finish, and returns within EndTime; handlers get 18 seconds for that before their own context ends. Its error says
// that handlers have not returned, or that copies of messages at fault were left unconfirmed; the messages stay in the queue.
func (c *Consumer) Run(ctx context.Context, handle func(context.Context, Delivery) error) error {
	one := func(ctx context.Context, deliveries []Delivery) error { return handle(ctx, deliveries[0]) }
	return c.run(ctx, c.prefetch, one, func(in *intake) {
		var wg sync.WaitGroup
		for delivery := range in.deliveries {
			wg.Go(func() { in.settleOne(delivery) })
		}
		wg.Wait()
	})
}

// RunBatches hands messages over together, one batch at a time: as many as have come within wait of the first, and at most
// limit. In all else it is like Run; when handle returns Fault or DeadLetter or panics over a batch, it is given the same
// messages again one by one, to find which are at fault.
func (c *Consumer) RunBatches(ctx context.Context, limit int, wait time.Duration, handle func(context.Context, []Delivery) error) error {
	return c.run(ctx, max(limit, c.prefetch), handle, func(in *intake) {
		for {
			batch := in.gather(limit, wait)
			if len(batch) == 0 || !in.settleBatch(batch) {
				return
			}
		}
	})
}

// run calls work with one intake after another, one for each connection.
func (c *Consumer) run(ctx context.Context, prefetch int, handle func(context.Context, []Delivery) error, work func(*intake)) error {
	publisher := newPublisher(c.urls, "consumer's publisher", c.times, c.log, c.destinations()...)
	c.publisher.Store(publisher)
	c.troubled(errNotConsuming)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.connection.run(ctx, func(ctx context.Context, conn *amqp.Connection) error {
			in, err := c.open(ctx, conn, prefetch)
			if err != nil {
				c.troubled(err)
				return err
			}
			c.trouble.Store(nil)
			defer c.troubled(errNotConsuming)
			defer in.end(nil)
			in.handle = handle
			in.publisher = publisher
			work(in)
			if err := context.Cause(in.open); err != nil {
				return err
			}
			return errDeliveriesEnd
		})
	}()
	err := errors.Join(c.await(ctx, ended), publisher.Close())
	if err != nil {
		return fmt.Errorf("consume %s: %w", c.queue, err)
	}
	return nil
}

// await waits until the work has ended, but no longer than EndTime after ctx: a handler may ignore its context, and a broker
// that hangs does not answer.
func (c *Consumer) await(ctx context.Context, ended <-chan struct{}) error {
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	timer := time.NewTimer(c.finishTimeout + leaveTimeout)
	defer timer.Stop()
	select {
	case <-ended:
		return nil
	case <-timer.C:
		return errUnfinished
	}
}

// open begins to consume on conn. The intake stops when ctx ends, and its channel of deliveries is closed.
func (c *Consumer) open(ctx context.Context, conn *amqp.Connection, prefetch int) (*intake, error) {
	channel, err := conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	if err := channel.Qos(prefetch, 0, false); err != nil {
		return nil, fmt.Errorf("set prefetch: %w", err)
	}
	closed := channel.NotifyClose(make(chan *amqp.Error, 1))
	deliveries, err := c.consume(ctx, channel)
	if err != nil {
		return nil, fmt.Errorf("consume %s: %w", c.queue, err)
	}

	in := &intake{
		deliveries: stamp(deliveries, prefetch, &c.seen), seen: &c.seen, queue: c.queue, delays: c.delays(),
		handleTimeout: c.handleTimeout, holdTime: c.holdTime, log: c.log,
	}
	in.flush = func() error { return channel.Qos(prefetch, 0, false) }
	in.open, in.end = context.WithCancelCause(ctx)
	go func() {
		if err := <-closed; err != nil {
			in.end(err)
		}
		in.end(amqp.ErrClosed)
	}()
	var stop context.CancelFunc
	in.inHand, stop = context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(in.open, func() {
		time.AfterFunc(c.finishTimeout, stop)
		// The broker's answer is not waited for, because the broker may hang. What it delivers after this is dropped
		// here and goes back to the queue when the connection closes.
		_ = channel.Cancel(consumerTag, true)
	})
	return in, nil
}

// consume asks for deliveries. When there is no answer the channel is of no further use.
func (c *Consumer) consume(ctx context.Context, channel *amqp.Channel) (<-chan amqp.Delivery, error) {
	type answer struct {
		deliveries <-chan amqp.Delivery
		err        error
	}
	answers := make(chan answer, 1)
	go func() {
		deliveries, err := channel.Consume(c.queue, consumerTag, false, false, false, false, nil)
		answers <- answer{deliveries, err}
	}()
	timer := time.NewTimer(consumeTimeout)
	defer timer.Stop()
	select {
	case a := <-answers:
		return a.deliveries, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, errLeaderless
	}
}

func (c *Consumer) troubled(why error) {
	why = fmt.Errorf("%w: %s: %w", ErrUnavailable, c.queue, why)
	c.trouble.Store(&why)
}

// Ready returns nil while the queue delivers to this consumer and the queues behind it accept messages; else it says why not.
func (c *Consumer) Ready() error {
	if why := c.trouble.Load(); why != nil {
		return *why
	}
	if publisher := c.publisher.Load(); publisher != nil {
		return publisher.Ready()
	}
	return nil
}

// destinations are the exchanges and queues to which this consumer may publish a message.
func (c *Consumer) destinations() []string {
	switch c.queue {
	case QueueProcess:
		return []string{c.queue, exchangeRetry, ExchangeDeadLetters}
	case QueueDeadLetters:
		return nil
	}
	return []string{c.queue, ExchangeDeadLetters}
}

// delays are what a message at fault waits before each retry.
func (c *Consumer) delays() []time.Duration {
	if c.queue != QueueProcess {
		return nil
	}
	delays := make([]time.Duration, retries)
	delay := max(c.RetryDelay, time.Millisecond)
	for i := range delays {
		delays[i] = delay
		delay *= retryFactor
	}
	return delays
}
