package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/onlywave/onlywave/internal/span"
)

const (
	// maxInFlight bounds the publishes that wait for their confirm; further ones wait for a place.
	maxInFlight = 4096
	// publishTimeout is for callers whose context has no deadline: a queue without a majority never confirms.
	publishTimeout = 30 * time.Second
	closeTimeout   = 5 * time.Second
	// redeclareEvery bounds how long a publisher goes on after somebody has taken a binding away: mandatory does not tell
	// that one queue of two is no longer reached.
	redeclareEvery = 30 * time.Second
	// stallTime is how long a connection may give no answer, although it lives, before another takes its place. A quorum queue
	// without a leader stops it (seen with RabbitMQ 3.10), and it stays so when nobody binds that queue any more.
	stallTime = 15 * time.Second
)

// What Publish returns, to be told apart with errors.Is. After each of them publishing again with the same ID is right.
var (
	// ErrUnavailable: there is no broker, or its answer did not come in time. The message may have been stored.
	ErrUnavailable = errors.New("rabbitmq unavailable")
	// ErrUnconfirmed is an ErrUnavailable: the broker works, and a queue did not confirm the message in time. All others have it.
	ErrUnconfirmed = fmt.Errorf("%w: a queue does not confirm", ErrUnavailable)
	// ErrUnroutable: no queue is bound for the exchange and key. The message was dropped.
	ErrUnroutable = errors.New("no queue for the message")
	// ErrRefused: a queue did not take the message, because it is full or its leader failed. Another queue may have.
	ErrRefused = errors.New("broker refused the message")
)

// errStalled ends a connection.
var errStalled = errors.New("the broker has stopped answering on this connection: a queue that is bound here may have no leader")

// Publisher publishes on one channel that all callers share, none waiting for another's confirm. It is safe for
// concurrent use.
type Publisher struct {
	connection *connection
	redeclare  time.Duration
	stall      time.Duration
	session    atomic.Pointer[session] // nil while not connected
	inFlight   chan struct{}           // one for each publish whose outcome is open
	closing    chan struct{}
	close      func() error
	cancel     context.CancelFunc
	stopped    chan struct{}
	name       string
	publishes  *prometheus.HistogramVec
}

// NewPublisher returns at once and connects in the background, to any one of urls, again and again until Close.
// While connected it declares the topology every half minute, and so puts back what somebody has deleted.
func NewPublisher(urls []string, log *slog.Logger) *Publisher {
	return newPublisher(urls, "publisher", redeclareEvery, stallTime, log)
}

// NewEventPublisher makes one for ExchangeEvents alone. Others bind their queues to that, and one that has no leader stops the
// whole connection that publishes to it (seen with RabbitMQ 3.10): what goes to our own queues must not share it.
func NewEventPublisher(urls []string, log *slog.Logger) *Publisher {
	return newPublisher(urls, "event publisher", redeclareEvery, stallTime, log)
}

func newPublisher(urls []string, name string, redeclare, stall time.Duration, log *slog.Logger) *Publisher {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Publisher{
		connection: newConnection(urls, "onlywave "+name, log),
		name:       name,
		redeclare:  redeclare,
		stall:      stall,
		inFlight:   make(chan struct{}, maxInFlight),
		closing:    make(chan struct{}),
		cancel:     cancel,
		stopped:    make(chan struct{}),
		publishes:  newPublishes(name),
	}
	p.close = sync.OnceValue(p.drain)
	go func() {
		defer close(p.stopped)
		p.connection.run(ctx, p.serve)
	}()
	return p
}

// Publish sends m to one of the exchanges named in this package. It returns nil only when every queue that m was routed to
// has it safely on disk, and, unless m is optional, there was such a queue. It returns when ctx ends, or after 30 seconds
// if ctx has no deadline, and at once when the broker is away. An error other than ErrUnavailable, ErrUnroutable and
// ErrRefused says that m cannot be sent as it is.
func (p *Publisher) Publish(ctx context.Context, exchange string, m Message) error {
	if !isExchange(exchange) {
		return fmt.Errorf("publish: exchange %q is not in the topology", exchange)
	}
	return p.send(ctx, exchange, m)
}

// send is Publish to any exchange, the broker's own too.
func (p *Publisher) send(ctx context.Context, exchange string, m Message) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("publish to %s: %w", exchange, err)
	}
	if _, ok := ctx.Deadline(); !ok {
		limited, cancel := context.WithTimeout(ctx, publishTimeout)
		defer cancel()
		ctx = limited
	}
	ctx, s := span.Start(ctx, span.Producer, "publish ", exchange)
	began := time.Now()
	err := p.publish(ctx, exchange, m.traced(ctx))
	p.published(exchange, began, err)
	s.Set("messaging.message.id", m.ID)
	s.End(failureOf(err))
	if err != nil {
		return fmt.Errorf("publish %s to %s: %w", m.ID, exchange, err)
	}
	return nil
}

// Ready returns nil when a publish can be expected to succeed, and else an ErrUnavailable that says why not.
func (p *Publisher) Ready() error {
	_, err := p.current()
	return err
}

// Close refuses further publishes, waits up to five seconds for the confirms of those in flight, and disconnects. Its error
// says how many were left unconfirmed.
func (p *Publisher) Close() error { return p.close() }

func (p *Publisher) publish(ctx context.Context, exchange string, m Message) error {
	if _, err := p.current(); err != nil {
		return err
	}
	select {
	case p.inFlight <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: %d publishes are waiting: %w", ErrUnavailable, maxInFlight, ctx.Err())
	case <-p.closing:
		return fmt.Errorf("%w: publisher is closed", ErrUnavailable)
	}
	s, err := p.current() // it may have changed while we waited
	if err != nil {
		<-p.inFlight
		return err
	}
	confirm, err := s.channel.PublishWithDeferredConfirm(exchange, m.Key, !m.Optional, false, m.publishing())
	if err != nil {
		<-p.inFlight
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	err = s.await(ctx, confirm)
	if err == nil {
		err = s.outcome(confirm, m)
		<-p.inFlight
		return err
	}
	go func() { // it stays in flight, but nobody waits
		<-confirm.Done()
		_ = s.outcome(confirm, m)
		<-p.inFlight
	}()
	return err
}

func (p *Publisher) current() (*session, error) {
	select {
	case <-p.closing:
		return nil, fmt.Errorf("%w: publisher is closed", ErrUnavailable)
	default:
	}
	s := p.session.Load()
	if s == nil {
		return nil, fmt.Errorf("%w: not connected", ErrUnavailable)
	}
	if s.blocked != "" {
		return nil, fmt.Errorf("%w: broker blocks publishing: %s", ErrUnavailable, s.blocked)
	}
	return s, nil
}

// serve makes one connection's channel the current one until the connection or ctx ends.
func (p *Publisher) serve(ctx context.Context, conn *amqp.Connection) error {
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
	p.session.Store(s)
	defer p.session.Store(nil)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stalls := time.NewTicker(p.stall / 4)
	defer stalls.Stop()
	undeclared := make(chan error, 1)
	go func() { undeclared <- keepTopology(ctx, conn, p.redeclare) }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-undeclared:
			return err
		case <-stalls.C:
			if s.answers.stalled() > p.stall {
				return errStalled
			}
		case err, ok := <-closed:
			if !ok {
				return amqp.ErrClosed
			}
			return err
		case block, ok := <-blocks:
			if !ok {
				blocks = nil
				continue
			}
			p.connection.log.Warn("rabbitmq publishing", "blocked", block.Active, "reason", block.Reason)
			close(s.halted)
			s = s.next(block)
			p.session.Store(s)
		}
	}
}

// drain is Close, done once.
func (p *Publisher) drain() error {
	close(p.closing)
	defer func() { p.cancel(); <-p.stopped }()
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	for i := range maxInFlight {
		select {
		case p.inFlight <- struct{}{}:
		case <-timer.C:
			return fmt.Errorf("close publisher: %d publishes unconfirmed", maxInFlight-i)
		}
	}
	return nil
}
