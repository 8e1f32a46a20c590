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

// byWebhookOnly lets payments learn of nothing in time but by their webhooks: no poll and no reconciliation comes first.
var byWebhookOnly = map[string]string{"POLL_FIRST": "5m", "POLL_MAX": "10m", "RECONCILE_EVERY": "10m"}

// strangersPerWorker is more than a worker handles at one time.
const strangersPerWorker = 40

// strangers sends signed webhooks about payments that are not ours, each of which the provider answers in the same odd way.
func strangers(odd simulator.Fault) Act {
	return func(ctx context.Context, s *Scene) error {
		for range strangersPerWorker * len(s.Workers) {
			odd.On, odd.PaymentID = simulator.Get, fmt.Sprintf("77%010d", s.Random.IntN(1e10))
			if err := s.Provider.Arm(ctx, odd); err != nil {
				return err
			}
			if err := s.Provider.Announce(ctx, simulator.Announcement{PaymentID: odd.PaymentID, URL: s.Shops[0].URL + "/webhooks/mercadopago"}); err != nil {
				return err
			}
			s.strangers = append(s.strangers, odd.PaymentID)
		}
		return nil
	}
}

const burialPatience = time.Minute

// strangersAreBuried waits until each of their webhooks is a dead letter whose cause says that it is that payment's own matter.
func strangersAreBuried(ctx context.Context, s *Scene) error {
	buried := 0
	for end := time.Now().Add(burialPatience); time.Now().Before(end); {
		buried = 0
		for _, cause := range []deadletter.Cause{deadletter.CauseRefused, deadletter.CauseInternal} {
			n, err := s.countLetters(ctx, cause)
			if err != nil {
				return err
			}
			buried += n
		}
		if buried >= len(s.strangers) {
			s.remark("%d webhooks of strangers' payments, all dead letters", len(s.strangers))
			return nil
		}
		if !platform.Pause(ctx, time.Second) {
			return ctx.Err()
		}
	}
	return fmt.Errorf("of %d webhooks of strangers' payments %d are dead letters", len(s.strangers), buried)
}

// countLetters counts the dead letters of this drill.
func (s *Scene) countLetters(ctx context.Context, cause deadletter.Cause) (int, error) {
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

// floodOnePayment sends so many webhooks, each signed afresh, about one payment that nobody has heard of, as fast as they are taken.
func floodOnePayment(count int) Act {
	const atOnce = 32
	return func(ctx context.Context, s *Scene) error {
		query := "payment_id=" + payment.NewID("nobody", s.Drill.Name) + "&"
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
		s.remark("%d webhooks of one payment taken in %s", count, time.Since(began).Round(100*time.Millisecond))
		return err
	}
}
