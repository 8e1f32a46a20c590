package drills

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// byWebhookOnly makes polls and reconciliation so rare that only a webhook can bring a change in time.
var byWebhookOnly = map[string]string{"POLL_FIRST": "5m", "POLL_MAX": "10m", "RECONCILE_EVERY": "10m"}

// foreignWebhooksPerWorker is more than a worker handles at one time.
const foreignWebhooksPerWorker = 40

// foreignWebhooks sends so many signed webhooks about payments that OnlyWave did not create. The provider answers each read of such a payment
// with the fault.
func foreignWebhooks(perWorker int, fault simulator.Fault) Act {
	return func(ctx context.Context, s *Scene) error {
		for range perWorker * len(s.Workers) {
			fault.On, fault.PaymentID = simulator.Get, fmt.Sprintf("77%010d", s.Random.IntN(1e10))
			if err := s.Provider.Arm(ctx, fault); err != nil {
				return err
			}
			if err := s.Provider.Announce(ctx, simulator.Announcement{PaymentID: fault.PaymentID, URL: s.Shops[0].URL + "/webhooks/mercadopago"}); err != nil {
				return err
			}
			s.foreign = append(s.foreign, fault.PaymentID)
		}
		return nil
	}
}

const deadLetterWait = time.Minute

// foreignWebhooksAreDeadLetters waits until each of the foreign webhooks is a dead letter whose cause blames the message.
func foreignWebhooksAreDeadLetters(ctx context.Context, s *Scene) error {
	found := 0
	for end := time.Now().Add(deadLetterWait); time.Now().Before(end); {
		found = 0
		for _, cause := range []deadletter.Cause{deadletter.CauseRefused, deadletter.CauseInternal} {
			n, err := s.countDeadLetters(ctx, cause)
			if err != nil {
				return err
			}
			found += n
		}
		if found >= len(s.foreign) {
			s.remark("%d foreign webhooks, all dead letters", len(s.foreign))
			return nil
		}
		if !platform.Pause(ctx, time.Second) {
			return ctx.Err()
		}
	}
	return fmt.Errorf("%d foreign webhooks were sent and %d are dead letters", len(s.foreign), found)
}

// countDeadLetters counts the dead letters of this drill.
func (s *Scene) countDeadLetters(ctx context.Context, cause deadletter.Cause) (int, error) {
	n, next := 0, ""
	for {
		var page struct {
			Data       []struct{}
			NextCursor string `json:"next_cursor"`
		}
		path := fmt.Sprintf("/v1/dead-letters?limit=100&cause=%s&died_from=%s", cause, s.Began.UTC().Format(time.RFC3339))
		if next != "" {
			path += "&cursor=" + next
		}
		if err := s.read(ctx, path, &page); err != nil {
			return 0, err
		}
		n += len(page.Data)
		if next = page.NextCursor; next == "" {
			return n, nil
		}
	}
}

// floodOnePayment sends webhooks, each with a new signature, about one payment that does not exist, as fast as they are answered.
func floodOnePayment(count int) Act {
	const atOnce = 32
	return func(ctx context.Context, s *Scene) error {
		query := "payment_id=" + payment.NewID("no-client", s.Drill.Name) + "&"
		began := time.Now()
		group, ctx := errgroup.WithContext(ctx)
		var next atomic.Int64
		for range atOnce {
			group.Go(func() error {
				for {
					n := int(next.Add(1))
					if n > count {
						return nil
					}
					answer, err := s.Shops[n%len(s.Shops)].SignedWebhook(ctx, query, "77000000001")
					if err != nil {
						return err
					}
					if answer.Status != http.StatusOK {
						return fmt.Errorf("webhook %d of the flood was answered %d", n, answer.Status)
					}
				}
			})
		}
		err := group.Wait()
		s.remark("%d webhooks of one payment answered in %s", count, time.Since(began).Round(100*time.Millisecond))
		return err
	}
}
