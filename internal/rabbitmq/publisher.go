package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/internal/tracing"
)

const (
	// publishTimeout is for callers whose context has no deadline: a queue without a majority never confirms.
	publishTimeout = 30 * time.Second
	// closeTimeout is all that Close may take: closing the connection comes after the confirms.
	closeTimeout = 5 * time.Second
	// redeclareEvery bounds how long a deleted queue or binding is missing.
	redeclareEvery = 30 * time.Second
)

// The errors of Publish, for errors.Is. After each of them the caller may publish again with the same ID.
var (
	// ErrUnavailable: there is no broker, or its answer did not come in time. The message may have been stored.
	ErrUnavailable = errors.New("rabbitmq unavailable")
	// ErrUnconfirmed is an ErrUnavailable: the broker works, and a queue did not confirm the message in time. All others have it.
	ErrUnconfirmed = fmt.Errorf("%w: a queue does not confirm", ErrUnavailable)
	// ErrUnroutable: no queue is there for the exchange and key, or one of those that should be is not. Others may have it.
	ErrUnroutable = errors.New("no queue for the message")
	// ErrRefused: a queue did not take the message, because it is full or its leader failed. Another queue may have.
	ErrRefused = errors.New("broker refused the message")
)

// Publisher publishes for all callers at the same time, and no caller waits for another's confirm. Each destination (an exchange or one
// of our queues) has its own connection and slots. The broker stops reading from a connection while a queue has too many unconfirmed
// messages, and this must not block other destinations. A Publisher is safe for concurrent use.
type Publisher struct {
	name         string
	destinations []string
	publishers   map[string]*destinationPublisher // by destination
	close        func() error
	publishes    *prometheus.HistogramVec
}

// NewPublisher returns at once and connects in the background, to any one of urls, again and again until Close.
// While connected it declares the topology every half minute, and so restores what was deleted.
func NewPublisher(urls []string, log *slog.Logger) *Publisher {
	return newPublisher(urls, "publisher", unhurried, log, QueueProcess, QueueArchive, ExchangeEvents, ExchangeDeadLetters)
}

// NewEventPublisher makes one for ExchangeEvents alone, whose readiness says nothing of our own queues.
func NewEventPublisher(urls []string, log *slog.Logger) *Publisher {
	return newPublisher(urls, "event publisher", unhurried, log, ExchangeEvents)
}

// timing holds the durations that tests shorten.
type timing struct {
	redeclare time.Duration // how often the topology is declared; 0: when connecting only
	replace   time.Duration // how old the oldest unconfirmed publish may become
	stall     time.Duration // how long a connection may give no answer at all
	reconnect time.Duration // the longest pause between two attempts to connect
}

var unhurried = timing{redeclareEvery, replaceAfter, stallTime, reconnectMax}

func newPublisher(urls []string, name string, times timing, log *slog.Logger, destinations ...string) *Publisher {
	p := &Publisher{name: name, destinations: destinations, publishers: map[string]*destinationPublisher{}, publishes: newPublishes(name)}
	for _, destination := range destinations {
		p.publishers[destination] = newDestinationPublisher(urls, name, destination, times, log)
		times.redeclare = 0 // one is enough
	}
	p.close = sync.OnceValue(p.drain)
	return p
}

// Publish sends m to one of the exchanges named in this package. It returns nil only when every queue that m was routed to
// has it safely on disk, and, unless m is optional, there was such a queue. Of ExchangeWebhooks each queue is published to by
// itself, so that nil means all of those that the topology binds for m's key, whatever has become of the bindings. Publish
// returns when ctx ends, or after 30 seconds if ctx has no deadline, and at once when the broker is unavailable. An error other than
// ErrUnavailable, ErrUnroutable and ErrRefused says that m cannot be sent as it is.
func (p *Publisher) Publish(ctx context.Context, exchange string, m Message) error {
	if !isExchange(exchange) {
		return fmt.Errorf("publish: exchange %q is not in the topology", exchange)
	}
	return p.send(ctx, exchange, m)
}

// send is Publish to any exchange, the broker's own too: then the key is one of our queues.
func (p *Publisher) send(ctx context.Context, exchange string, m Message) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("publish to %s: %w", exchange, err)
	}
	if _, ok := ctx.Deadline(); !ok {
		limited, cancel := context.WithTimeout(ctx, publishTimeout)
		defer cancel()
		ctx = limited
	}
	ctx, s := tracing.Start(ctx, tracing.Producer, "publish ", exchange)
	began := time.Now()
	err := p.publish(ctx, routes(exchange, m.traced(ctx)))
	p.published(exchange, began, err)
	s.Set("messaging.message.id", m.ID)
	s.End(failureOf(err))
	if err != nil {
		return fmt.Errorf("publish %s to %s: %w", m.ID, exchange, err)
	}
	return nil
}

// publish sends the message on each of its routes, all at the same time. There is none when no queue is meant to get it.
func (p *Publisher) publish(ctx context.Context, routes []route) error {
	if len(routes) == 0 {
		return ErrUnroutable
	}
	var failure error
	under := make([]*flight, 0, len(routes))
	for _, r := range routes {
		d, ok := p.publishers[r.destination]
		if !ok {
			return fmt.Errorf("%s is no destination of this publisher", r.destination)
		}
		f, err := d.begin(ctx, r)
		if err != nil {
			failure = err
			break
		}
		under = append(under, f)
	}
	for _, f := range under {
		if failure != nil {
			f.abandon()
			continue
		}
		failure = f.wait(ctx)
	}
	return failure
}

// Connected returns nil when there is a broker that takes messages for every destination, and else an ErrUnavailable that says
// why not.
func (p *Publisher) Connected() error {
	for _, destination := range p.destinations {
		if _, err := p.publishers[destination].current(); err != nil {
			return err
		}
	}
	return nil
}

// Ready is Connected, and requires that no destination has been silent for long. The error names a silent destination.
func (p *Publisher) Ready() error {
	if err := p.Connected(); err != nil {
		return err
	}
	for _, destination := range p.destinations {
		d := p.publishers[destination]
		if silence := d.silence(); silence > d.silentAfter {
			return fmt.Errorf("%w: %s has confirmed nothing for %s", ErrUnavailable, destination, silence.Round(time.Second))
		}
	}
	return nil
}

// Close refuses further publishes, waits for the confirms of those in flight, and disconnects, all within five seconds. Its
// error says how many were left unconfirmed.
func (p *Publisher) Close() error { return p.close() }

// drain is Close, done once.
func (p *Publisher) drain() error {
	waiting, stop := context.WithTimeout(context.Background(), closeTimeout-goodbyeTimeout)
	defer stop()
	unconfirmed := make(chan int)
	for _, d := range p.publishers {
		go func() { unconfirmed <- d.close(waiting) }()
	}
	n := 0
	for range p.publishers {
		n += <-unconfirmed
	}
	if n > 0 {
		return fmt.Errorf("close publisher: %d publishes unconfirmed", n)
	}
	return nil
}
