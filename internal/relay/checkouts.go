package relay

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/events"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

// expired publishes the events of checkouts that have expired, until ctx ends. No payment has paid them, so they are in no payment's history and
// not in the outbox, but beside the checkout's status.
func (s *subscribers) expired(ctx context.Context) error {
	return s.whenReady(ctx, pollEvery, s.expiredSome)
}

func (s *subscribers) expiredSome(ctx context.Context) int {
	asking, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	due, err := s.database.TakeExpired(asking, repeatBatch)
	var all errgroup.Group // side by side, so that a queue that does not answer holds up no more than one publish
	for _, c := range due {
		all.Go(func() error { return s.expiredOne(c) })
	}
	if err = errors.Join(err, all.Wait()); err != nil {
		if ctx.Err() == nil {
			s.log.Warn("events of expired checkouts", "error", err)
		}
		return 0
	}
	return len(due)
}

// expiredOne publishes the event of one expired checkout. Its error says that the event is not published, or that the database does not know what
// came of it: it will be published once more.
func (s *subscribers) expiredOne(c payment.Checkout) error {
	publishing, cancel := context.WithTimeout(context.Background(), publishTime)
	defer cancel()
	m, err := events.Expired(c)
	if err != nil {
		return err
	}
	outcome, err := s.send(publishing, m)
	s.metrics.count(postgres.ToSubscribers, outcome)
	if err != nil {
		return err
	}
	keeping, stop := context.WithTimeout(context.Background(), databaseTime)
	defer stop()
	if outcome == refused || outcome == unconfirmed {
		gone, err := s.database.ToldLater(keeping, c.ID, s.gap)
		if gone {
			s.metrics.count(postgres.ToSubscribers, givenUp)
			s.log.Error("event given up, a subscriber's queue lacks it", "event", m.ID, "type", m.Key)
		}
		return err
	}
	return s.database.ToldExpired(keeping, []string{c.ID})
}
