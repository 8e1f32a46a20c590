package drills

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
)

// crowds are the drills in which many payments change at the same moment.
var crowds = []Drill{{
	Name: "charges-before-looks", Shows: "With a provider rate limit of ten calls a second, 300 Pix are paid at the same moment: new buyers still get their QR codes at once, and every paid Pix is approved.",
	// Only webhooks cause reads: polls of so many payments would be more than ten calls a second.
	Settings: map[string]string{"MERCADOPAGO_RATE": "10", "POLL_FIRST": "10m", "POLL_MAX": "10m", "RECONCILE_EVERY": "1m"},
	Rate:     2, Lasts: 110 * time.Second, Plain: true,
	Strike: []Act{askForACrowd(300), payTheCrowd, awaitTheCrowd}, Expect: []Expectation{everyClientIsAnswered, newBuyersComeFirst},
}}

// crowd is the payments that are paid at the same moment.
type crowd struct {
	payments []platform.Payment
	paid     time.Time // when
	seen     time.Time // when the last one was approved
}

const (
	crowdAtOnce = 16               // requests
	crowdApart  = 10 * time.Second // between the crowd's charges and its payments: new buyers wait neither for those nor for what has waited behind them
	crowdWait   = 3 * time.Minute
)

// askForACrowd creates that many payments.
func askForACrowd(count int) Act {
	return func(ctx context.Context, s *Scene) error {
		s.crowd.payments = make([]platform.Payment, count)
		group, asking := errgroup.WithContext(ctx) // which ends with the group
		group.SetLimit(crowdAtOnce)
		for i := range s.crowd.payments {
			group.Go(func() error {
				key := fmt.Sprintf("%s-crowd-%d", s.Drill.Name, i)
				shop := s.Shops[i%len(s.Shops)]
				p, err := shop.Create(asking, key, 1000)
				if err == nil && p.Provider.PaymentID == "" {
					p, err = shop.Await(asking, p.ID, string(payment.Pending))
				}
				s.crowd.payments[i] = p
				return err
			})
		}
		err := group.Wait()
		s.progress("%d payments wait for their buyers", count)
		if err == nil && !platform.Pause(ctx, crowdApart) {
			return ctx.Err()
		}
		return err
	}
}

func payTheCrowd(ctx context.Context, s *Scene) error {
	s.crowd.paid = time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(crowdAtOnce)
	for _, p := range s.crowd.payments {
		group.Go(func() error { return s.Provider.Pay(ctx, p.Provider.PaymentID) })
	}
	err := group.Wait()
	s.progress("all buyers have paid, in %s", took(s.crowd.paid))
	return err
}

// awaitTheCrowd waits until all of them are approved in the database.
func awaitTheCrowd(ctx context.Context, s *Scene) error {
	ctx, cancel := context.WithTimeout(ctx, crowdWait)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	ids := make([]string, len(s.crowd.payments))
	for i, p := range s.crowd.payments {
		ids[i] = p.ID
	}
	for {
		waiting := 0
		err := conn.QueryRow(ctx, `select count(*) from payments where id = any($1::uuid[]) and status <> 'approved'`, ids).Scan(&waiting)
		if err != nil {
			return fmt.Errorf("count the paid payments that are not approved yet: %w", err)
		}
		if waiting == 0 {
			s.crowd.seen = time.Now()
			s.progress("all payments are approved")
			return nil
		}
		if !platform.Pause(ctx, 200*time.Millisecond) {
			return fmt.Errorf("%d of %d paid payments are not approved: %w", waiting, len(ids), ctx.Err())
		}
	}
}

// soonEnough is the longest that a new buyer may wait for the QR code while the reads of the crowd wait, which take forty seconds. A call may wait for
// a second for one before it that is late.
const soonEnough = 2 * time.Second

// newBuyersComeFirst: a payment requested while the crowd's reads waited got its QR code soon.
func newBuyersComeFirst(_ context.Context, s *Scene) ([]Objection, error) {
	var waits []time.Duration
	var objections []Objection
	for _, i := range s.Log.Intents {
		if i.Intended.Before(s.crowd.paid) || i.Intended.After(s.crowd.seen) || i.Shed {
			continue
		}
		waits = append(waits, i.Answered.Sub(i.Intended))
		if first := i.Answers[0]; first.Code != 201 || i.Answered.Sub(i.Intended) > soonEnough {
			objections = append(objections, object("new buyers come first", i.PaymentID, "%s got %s", i.Key, answers(i)))
		}
	}
	if len(waits) < 10 {
		return []Objection{object("new buyers come first", "", "%d new buyers while the reads waited are too few", len(waits))}, nil
	}
	slices.Sort(waits)
	s.remark("%d paid at the same moment, the last approved after %s; %d new buyers meanwhile: QR code after %s (p50), %s (p95), %s (slowest)",
		len(s.crowd.payments), s.crowd.seen.Sub(s.crowd.paid).Round(time.Second), len(waits),
		waits[len(waits)/2].Round(time.Millisecond), waits[len(waits)*19/20].Round(time.Millisecond), waits[len(waits)-1].Round(time.Millisecond))
	return objections, nil
}
