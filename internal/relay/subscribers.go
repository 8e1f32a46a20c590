package relay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/events"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// An event that some subscriber's queue did not take is published again so many times, after growing gaps: by default after 1, 6,
// 36 and 216 minutes. The broker does not say whose queue it was, so that each time all other subscribers get a twin.
const (
	repeats       = 4
	repeatFactor  = 6
	repeatDefault = time.Minute
	repeatBatch   = 50
	troubleLasts  = 10 * time.Minute // when no later event of its type says that it is over
)

func (c Config) repeatAfter() time.Duration {
	if c.RepeatAfter > 0 {
		return c.RepeatAfter
	}
	return repeatDefault
}

// subscribers are those of onlywave.events.
type subscribers struct {
	publisher *rabbitmq.Publisher
	database  *postgres.Store
	gap       time.Duration
	log       *slog.Logger
	metrics   *metrics

	mu       sync.Mutex
	troubles map[string]trouble // by type of event
}

// trouble is what some queue did last with events of a type.
type trouble struct {
	outcome string
	at      time.Time
}

func newSubscribers(c Config, m *metrics) *subscribers {
	return &subscribers{
		publisher: c.Publisher, database: c.Database, gap: c.repeatAfter(), log: c.Log, metrics: m, troubles: map[string]trouble{},
	}
}

// ready says whether there is a broker. What some queue does not confirm is no reason to stop: only a publish shows that it is over.
func (s *subscribers) ready() bool { return s.publisher.Connected() == nil }

// publish publishes an event. The event's ID is its message's, by which subscribers know a twin. An event that one queue did not
// take counts as published: all other queues have it, and it will be repeated. An error says that the broker did not take it.
func (s *subscribers) publish(ctx context.Context, e payment.Event) (outcome string, err error) {
	message, err := events.Payment(e)
	if err != nil { // no try will ever send it
		s.log.Error("event cannot be published", "event", e.ID(), "type", e.Type(), "error", err)
		return givenUp, nil
	}
	return s.send(ctx, message)
}

func (s *subscribers) send(ctx context.Context, m rabbitmq.Message) (outcome string, err error) {
	err = s.publisher.Publish(ctx, rabbitmq.ExchangeEvents, m)
	switch {
	case err == nil:
		outcome = published
	case errors.Is(err, rabbitmq.ErrRefused):
		outcome = refused
	case errors.Is(err, rabbitmq.ErrUnconfirmed):
		outcome = unconfirmed
	case errors.Is(err, rabbitmq.ErrUnavailable):
		return unavailable, err
	default: // no try will ever send it
		s.log.Error("event cannot be published", "event", m.ID, "type", m.Key, "error", err)
		return givenUp, nil
	}
	s.note(m, outcome)
	return outcome, nil
}

// note remembers whether a queue is in trouble.
func (s *subscribers) note(m rabbitmq.Message, outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if outcome == published {
		delete(s.troubles, m.Key)
		return
	}
	s.troubles[m.Key] = trouble{outcome, time.Now()}
	s.log.Warn("a subscriber's queue did not take an event", "exchange", rabbitmq.ExchangeEvents, "event", m.ID, "type", m.Key, "outcome", outcome)
}

func (s *subscribers) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind, t := range s.troubles {
		if time.Since(t.at) < troubleLasts {
			return fmt.Errorf("a queue that is bound to it: %s %s at %s", kind, t.outcome, t.at.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// repeat publishes again what some queue did not take, when it is due, until ctx ends.
func (s *subscribers) repeat(ctx context.Context) error {
	return s.whenReady(ctx, min(pollEvery, s.gap), s.repeatSome)
}

// whenReady publishes every so often, batch after batch, while the broker takes events, until ctx ends.
func (s *subscribers) whenReady(ctx context.Context, every time.Duration, batch func(context.Context) (published int)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			for ctx.Err() == nil && s.ready() && batch(ctx) == repeatBatch {
			}
		}
	}
}

func (s *subscribers) repeatSome(ctx context.Context) int {
	asking, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	due, err := s.database.TakeRepeats(asking, repeatBatch, s.gap, repeatFactor)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn("events to repeat", "error", err)
		}
		return 0
	}
	var all errgroup.Group
	for of := range byPayment(due) {
		all.Go(func() error {
			for _, r := range of {
				if err := s.repeatOne(r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		s.log.Warn("events to repeat", "error", err)
		return 0
	}
	return len(due)
}

// byPayment divides what is sorted by payment and number: the queue that lacks several events of a payment gets them in order.
func byPayment(sorted []postgres.Repeat) iter.Seq[[]postgres.Repeat] {
	return func(yield func([]postgres.Repeat) bool) {
		for len(sorted) > 0 {
			n := 1
			for n < len(sorted) && sorted[n].Event.PaymentID == sorted[0].Event.PaymentID {
				n++
			}
			if !yield(sorted[:n]) {
				return
			}
			sorted = sorted[n:]
		}
	}
}

// repeatOne publishes an event again. Its error says that the database does not know what came of that: the event will be repeated
// once more.
func (s *subscribers) repeatOne(r postgres.Repeat) error {
	publishing, cancel := context.WithTimeout(context.Background(), publishTime)
	defer cancel()
	outcome, _ := s.publish(publishing, r.Event)
	s.metrics.count(postgres.ToSubscribers, outcome)
	keeping, stop := context.WithTimeout(context.Background(), databaseTime)
	defer stop()
	switch {
	case outcome == unavailable:
		return s.database.PutOffRepeat(keeping, r.Event, min(s.gap, repeatDefault))
	case outcome == published || outcome == givenUp:
	case r.Failures > repeats:
		s.metrics.count(postgres.ToSubscribers, givenUp)
		s.log.Error("event given up, a subscriber's queue lacks it", "exchange", rabbitmq.ExchangeEvents, "event", r.Event.ID(), "type", r.Event.Type())
	default:
		return nil
	}
	return s.database.ForgetRepeat(keeping, r.Event)
}
