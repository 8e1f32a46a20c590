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
	// maxInFlight bounds the publishes to one destination that wait for their confirm; further ones wait for a place.
	maxInFlight = 2048
	// silentAfter is how long a destination may owe a confirm before this process calls itself not ready.
	silentAfter = 10 * time.Second
	// replaceAfter is how old the oldest confirm that is owed may become: then the connection is replaced, which ends the wait
	// of all that was published on it and gives their places back.
	replaceAfter = time.Minute
	// stallTime is how long a connection may give no answer, although it lives, before another takes its place. A quorum queue
	// without a leader stops it (seen with RabbitMQ 3.10), and it stays so when nobody binds that queue any more.
	stallTime = 15 * time.Second
	// checkSilence is how often both are looked at.
	checkSilence = time.Second
)

// What ends a connection that lives.
var (
	errSilent  = errors.New("the destination confirms nothing")
	errStalled = errors.New("the broker has stopped answering on this connection: a queue that is bound here may have no leader")
)

// lane is the way to one destination.
type lane struct {
	destination string
	connection  *connection
	timing
	silentAfter time.Duration
	session     atomic.Pointer[session] // nil while not connected
	places      chan struct{}           // one for each publish whose outcome is open
	debts       debts
	closing     chan struct{}
	cancel      context.CancelFunc
	stopped     chan struct{}
}

// openLane connects in the background. With no redeclare of its own it declares the topology when it connects, and not again.
func openLane(urls []string, name, destination string, times timing, log *slog.Logger) *lane {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lane{
		destination: destination,
		connection:  newConnection(urls, "onlywave "+name+" "+destination, log),
		timing:      times,
		silentAfter: min(silentAfter, times.replace/2),
		places:      make(chan struct{}, maxInFlight),
		closing:     make(chan struct{}),
		cancel:      cancel,
		stopped:     make(chan struct{}),
	}
	l.connection.longest = times.reconnect
	go func() {
		defer close(l.stopped)
		l.connection.run(ctx, l.serve)
	}()
	return l
}

// begin sends the message as soon as there is a place.
func (l *lane) begin(ctx context.Context, r route) (*flight, error) {
	if _, err := l.current(); err != nil {
		return nil, err
	}
	select {
	case l.places <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %d publishes to %s are waiting: %w", ErrUnavailable, maxInFlight, l.destination, ctx.Err())
	case <-l.closing:
		return nil, fmt.Errorf("%w: publisher is closed", ErrUnavailable)
	}
	s, err := l.current() // it may have changed while we waited
	if err != nil {
		<-l.places
		return nil, err
	}
	f := &flight{lane: l, session: s, message: r.message, debt: l.debts.add(time.Now())}
	f.confirm, err = s.channel.PublishWithDeferredConfirm(r.exchange, r.message.Key, !r.message.Optional, false, r.message.publishing())
	if err != nil {
		f.free()
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return f, nil
}

func (l *lane) current() (*session, error) {
	select {
	case <-l.closing:
		return nil, fmt.Errorf("%w: publisher is closed", ErrUnavailable)
	default:
	}
	s := l.session.Load()
	if s == nil {
		return nil, fmt.Errorf("%w: not connected for %s", ErrUnavailable, l.destination)
	}
	if s.blocked != "" {
		return nil, fmt.Errorf("%w: broker blocks publishing to %s: %s", ErrUnavailable, l.destination, s.blocked)
	}
	return s, nil
}

// silence is how long the destination has owed a confirm, over all connections since the last one came.
func (l *lane) silence() time.Duration { return l.debts.age(time.Now()) }

// serve makes one connection's channel the current one until the connection or ctx ends, or it is silent for too long.
func (l *lane) serve(ctx context.Context, conn *amqp.Connection) error {
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
	l.session.Store(s)
	defer l.session.Store(nil)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	undeclared := make(chan error, 1)
	if l.redeclare > 0 {
		go func() { undeclared <- keepTopology(ctx, conn, l.redeclare) }()
	}
	tick := time.NewTicker(min(checkSilence, l.replace, l.stall/4))
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
			if s.blocked == "" && l.debts.overdue(time.Now(), l.replace) {
				return errSilent
			}
			if s.answers.stalled() > l.stall {
				l.debts.overdue(time.Now(), 0) // what was owed here is owed still
				return errStalled
			}
		case block, ok := <-blocks:
			if !ok {
				blocks = nil
				continue
			}
			l.connection.log.Warn("rabbitmq publishing", "blocked", block.Active, "reason", block.Reason)
			close(s.halted)
			s = s.next(block)
			l.session.Store(s)
		}
	}
}

// close waits for what is in flight until ctx ends, and disconnects. It returns how much was left unconfirmed.
func (l *lane) close(ctx context.Context) (unconfirmed int) {
	close(l.closing)
	defer func() { l.cancel(); <-l.stopped }()
	for i := range maxInFlight {
		select {
		case l.places <- struct{}{}:
		case <-ctx.Done():
			return maxInFlight - i
		}
	}
	return 0
}

// flight is one publish whose outcome is open.
type flight struct {
	lane    *lane
	session *session
	confirm *amqp.DeferredConfirmation
	message Message
	debt    *debt
}

// wait returns the outcome, or that it cannot be known in time.
func (f *flight) wait(ctx context.Context) error {
	if err := f.session.await(ctx, f.confirm); err != nil {
		f.abandon()
		return fmt.Errorf("%s: %w", f.lane.destination, err)
	}
	return f.end()
}

// abandon leaves it in flight, but nobody waits.
func (f *flight) abandon() {
	go func() {
		<-f.confirm.Done()
		_ = f.end()
	}()
}

// end gives the place back, once the outcome is known.
func (f *flight) end() error {
	err := f.session.outcome(f.confirm, f.message)
	if !errors.Is(err, ErrUnavailable) {
		f.lane.debts.pay()
	}
	f.free()
	return err
}

func (f *flight) free() {
	f.lane.debts.remove(f.debt)
	<-f.lane.places
}
