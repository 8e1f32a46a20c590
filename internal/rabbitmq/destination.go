package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// maxInFlight limits the publishes to one destination that wait for their confirm. Further publishes wait for a slot.
	maxInFlight = 2048
	// silentAfter is how long a confirm may be outstanding before this process is not ready.
	silentAfter = 10 * time.Second
	// replaceAfter is how old the oldest unconfirmed publish may become. Then the connection is replaced, which ends the wait of all
	// publishes on it and frees their slots.
	replaceAfter = time.Minute
	// stallTime is how long an open connection may give no answer before it is replaced. A quorum queue without a leader stalls the
	// connection (seen with RabbitMQ 3.10). It stays stalled even when the queue is no longer bound.
	stallTime = 15 * time.Second
	// checkSilence is how often both limits are checked.
	checkSilence = time.Second
)

// Reasons to close an open connection.
var (
	errSilent  = errors.New("the destination confirms nothing")
	errStalled = errors.New("the broker has stopped answering on this connection: a queue that is bound here may have no leader")
)

// destinationPublisher publishes to one destination over its own connection.
type destinationPublisher struct {
	destination string
	connection  *connection
	timing
	silentAfter time.Duration
	session     atomic.Pointer[session] // nil while not connected
	slots       chan struct{}           // one for each publish in flight
	unconfirmed unconfirmed
	closing     chan struct{}
	cancel      context.CancelFunc
	stopped     chan struct{}
}

// newDestinationPublisher connects in the background. It declares the topology when it connects, and again every redeclare if that is
// not 0.
func newDestinationPublisher(urls []string, name, destination string, times timing, log *slog.Logger) *destinationPublisher {
	ctx, cancel := context.WithCancel(context.Background())
	d := &destinationPublisher{
		destination: destination,
		connection:  newConnection(urls, "onlywave "+name+" "+destination, log),
		timing:      times,
		silentAfter: min(silentAfter, times.replace/2),
		slots:       make(chan struct{}, maxInFlight),
		closing:     make(chan struct{}),
		cancel:      cancel,
		stopped:     make(chan struct{}),
	}
	d.connection.longest = times.reconnect
	go func() {
		defer close(d.stopped)
		d.connection.run(ctx, d.serve)
	}()
	return d
}

// begin sends the message as soon as a slot is free.
func (d *destinationPublisher) begin(ctx context.Context, r route) (*flight, error) {
	if _, err := d.current(); err != nil {
		return nil, err
	}
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %d publishes to %s are waiting: %w", ErrUnavailable, maxInFlight, d.destination, ctx.Err())
	case <-d.closing:
		return nil, fmt.Errorf("%w: publisher is closed", ErrUnavailable)
	}
	s, err := d.current() // it may have changed while we waited
	if err != nil {
		<-d.slots
		return nil, err
	}
	f := &flight{publisher: d, session: s, message: r.message, pending: d.unconfirmed.add(time.Now())}
	f.confirm, err = s.channel.PublishWithDeferredConfirm(r.exchange, r.message.Key, !r.message.Optional, false, r.message.publishing())
	if err != nil {
		f.free()
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return f, nil
}

func (d *destinationPublisher) current() (*session, error) {
	select {
	case <-d.closing:
		return nil, fmt.Errorf("%w: publisher is closed", ErrUnavailable)
	default:
	}
	s := d.session.Load()
	if s == nil {
		return nil, fmt.Errorf("%w: not connected for %s", ErrUnavailable, d.destination)
	}
	if s.blocked != "" {
		return nil, fmt.Errorf("%w: broker blocks publishing to %s: %s", ErrUnavailable, d.destination, s.blocked)
	}
	return s, nil
}

// silence is how long the destination has confirmed nothing although a publish waits, over all connections.
func (d *destinationPublisher) silence() time.Duration { return d.unconfirmed.age(time.Now()) }

// serve makes one connection's channel the current one until the connection or ctx ends, or it is silent for too long.
func (d *destinationPublisher) serve(ctx context.Context, conn *amqp.Connection) error {
	channel, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel: %w", err)
	}
	if err := channel.Confirm(false); err != nil {
		return fmt.Errorf("select confirms: %w", err)
	}
	blocks := conn.NotifyBlocked(make(chan amqp.Blocking, 1))
	closed := channel.NotifyClose(make(chan *amqp.Error, 1))
	s := newSession(channel)
	d.session.Store(s)
	defer d.session.Store(nil)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	undeclared := make(chan error, 1)
	if d.redeclare > 0 {
		go func() { undeclared <- keepTopology(ctx, conn, d.redeclare) }()
	}
	tick := time.NewTicker(min(checkSilence, d.replace, d.stall/4))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-undeclared:
			return err
		case err, ok := <-closed:
			if !ok {
				return amqp.ErrClosed
			}
			return err
		case <-tick.C:
			if s.blocked == "" && d.unconfirmed.overdue(time.Now(), d.replace) {
				return errSilent
			}
			if s.answers.stalled() > d.stall {
				d.unconfirmed.overdue(time.Now(), 0) // the publishes of this connection stay unconfirmed
				return errStalled
			}
		case block, ok := <-blocks:
			if !ok {
				blocks = nil
				continue
			}
			d.connection.log.Warn("rabbitmq publishing", "blocked", block.Active, "reason", block.Reason)
			close(s.halted)
			s = s.next(block)
			d.session.Store(s)
		}
	}
}

// close waits for the publishes in flight until ctx ends, and disconnects. It returns how many were left unconfirmed.
func (d *destinationPublisher) close(ctx context.Context) (unconfirmed int) {
	close(d.closing)
	defer func() { d.cancel(); <-d.stopped }()
	for i := range maxInFlight {
		select {
		case d.slots <- struct{}{}:
		case <-ctx.Done():
			return maxInFlight - i
		}
	}
	return 0
}

// flight is one publish that has no outcome yet.
type flight struct {
	publisher *destinationPublisher
	session   *session
	confirm   *amqp.DeferredConfirmation
	message   Message
	pending   *unconfirmedPublish
}

// wait returns the outcome, or an error when ctx ends first.
func (f *flight) wait(ctx context.Context) error {
	if err := f.session.await(ctx, f.confirm); err != nil {
		f.abandon()
		return fmt.Errorf("%s: %w", f.publisher.destination, err)
	}
	return f.end()
}

// abandon leaves the publish in flight without waiting for it. Its slot is freed when the confirm comes.
func (f *flight) abandon() {
	go func() {
		<-f.confirm.Done()
		_ = f.end()
	}()
}

// end frees the slot, once the outcome is known.
func (f *flight) end() error {
	err := f.session.outcome(f.confirm, f.message)
	if !errors.Is(err, ErrUnavailable) {
		f.publisher.unconfirmed.confirmed()
	}
	f.free()
	return err
}

func (f *flight) free() {
	f.publisher.unconfirmed.remove(f.pending)
	<-f.publisher.slots
}
