package alerts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/mailsink"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// Acts on processes and links.

func killWorkers(_ context.Context, s *Scene) error { return each(s.Workers, (*devstack.Process).Kill) }
func killAPIs(_ context.Context, s *Scene) error    { return each(s.APIs, (*devstack.Process).Kill) }

func restartWorkers(ctx context.Context, s *Scene) error {
	return each(s.Workers, func(p *devstack.Process) error { return p.Restart(ctx) })
}

// fillMailboxes makes the mail server refuse every mailbox as full. That does not open the breaker, whose pauses are not shortened with
// the alerts' time.
func fillMailboxes(ctx context.Context, s *Scene) error {
	return s.Mailbox.Arm(ctx, mailsink.Fault{Kind: mailsink.KindFull, Times: 1_000_000})
}

// restartMailServer drops all e-mails and faults.
func restartMailServer(ctx context.Context, s *Scene) error { return s.MailSink.Restart(ctx) }

func migrate(ctx context.Context, s *Scene) error { return s.Migrate(ctx) }

func restartAPIs(ctx context.Context, s *Scene) error {
	return each(s.APIs, func(p *devstack.Process) error { return p.Restart(ctx) })
}

func killReplica(_ context.Context, s *Scene) error {
	return s.Stack.Process(devstack.PostgresReplica).Kill()
}

// restartReplica returns when it follows the primary again.
func restartReplica(ctx context.Context, s *Scene) error {
	return s.Stack.Process(devstack.PostgresReplica).Restart(ctx)
}

func each(processes []*devstack.Process, do func(*devstack.Process) error) error {
	var group errgroup.Group
	for _, p := range processes {
		group.Go(func() error { return do(p) })
	}
	return group.Wait()
}

// links changes each of the links; part is as in Platform.Links.
func links(part string, to devstack.Service, do func(*platform.Link) error) Act {
	return func(_ context.Context, s *Scene) error { return s.OnLinks(part, to, do) }
}

func mend(part string, to devstack.Service) Act { return links(part, to, (*platform.Link).Mend) }

func cut(part string, to devstack.Service) Act {
	return links(part, to, func(l *platform.Link) error { l.Cut(); return nil })
}

func slow(part string, to devstack.Service, by time.Duration) Act {
	return links(part, to, func(l *platform.Link) error { return l.Slow(by) })
}

func killOneWorker(_ context.Context, s *Scene) error { return s.Workers[0].Kill() }

func restartOneWorker(ctx context.Context, s *Scene) error { return s.Workers[0].Restart(ctx) }

// Acts on the provider.

func arm(faults ...simulator.Fault) Act {
	return func(ctx context.Context, s *Scene) error { return s.Provider.Arm(ctx, faults...) }
}

func disarm(ctx context.Context, s *Scene) error { return s.Provider.Disarm(ctx) }

// Acts of clients and buyers.

func (s *Scene) key() string {
	s.keys++
	return fmt.Sprintf("alerts-%s-%d", s.run, s.keys)
}

// order creates a payment; its status does not matter.
func order(ctx context.Context, s *Scene) error {
	key := s.key()
	return s.order(ctx, key, platform.Order(1050, key))
}

// orderWithEmail creates a payment whose buyer gets e-mails.
func orderWithEmail(ctx context.Context, s *Scene) error {
	key := s.key()
	return s.order(ctx, key, strings.Replace(platform.Order(1050, key), `"payer": {`, `"payer": {"notify_by": "email", `, 1))
}

func (s *Scene) order(ctx context.Context, key, body string) (err error) {
	answer, err := s.Shops[0].Post(ctx, key, body, "Prefer", "wait=2")
	if err != nil || answer.Status >= http.StatusMultipleChoices {
		return fmt.Errorf("an order is answered %d: %w", answer.Status, errors.Join(err))
	}
	s.last, err = s.Shops[0].Payment(ctx, payment.NewID("demo", key))
	return err
}

// refused requests a payment that cannot be created.
func refused(ctx context.Context, s *Scene) error {
	key := s.key()
	_, err := s.Shops[0].Post(ctx, key, platform.Order(1050, key), "Prefer", "wait=0")
	return err
}

func pay(ctx context.Context, s *Scene) error { return s.Provider.Pay(ctx, s.last.Provider.PaymentID) }

// refund asks for a refund of a part of the last payment, once it is approved.
func refund(ctx context.Context, s *Scene) error {
	if _, err := s.Shops[0].Await(ctx, s.last.ID, "approved"); err != nil {
		return err
	}
	answer, err := s.Shops[0].Refund(ctx, s.last.ID, s.key(), `{"amount": 400}`)
	if err != nil || answer.Status >= http.StatusMultipleChoices {
		return fmt.Errorf("a refund is answered %d: %w", answer.Status, errors.Join(err))
	}
	return nil
}

// chargeback lets the buyer's bank take the money of the last payment back, once it is approved; documents may be sent for so long.
func chargeback(in time.Duration) Act {
	return func(ctx context.Context, s *Scene) error {
		if _, err := s.Shops[0].Await(ctx, s.last.ID, "approved"); err != nil {
			return err
		}
		id, err := s.Provider.OpenChargeback(ctx, s.last.Provider.PaymentID)
		if err != nil {
			return err
		}
		s.dispute = id
		return s.Provider.MoveDeadline(ctx, id, in)
	}
}

func winChargeback(ctx context.Context, s *Scene) error {
	return s.Provider.EndChargeback(ctx, s.dispute, true)
}

// endRefund lets the provider end the last payment's refund; its webhook reports it.
func endRefund(ctx context.Context, s *Scene) error {
	ledger, err := s.Provider.Ledger(ctx, s.last.ID)
	if err != nil {
		return err
	}
	for _, entry := range ledger {
		if entry.Refund != nil {
			return s.Provider.SettleRefund(ctx, entry.PaymentID, entry.Refund.ID, "approved")
		}
	}
	return errors.New("the provider has no refund of the payment")
}

// readers are clients that read lists, each as fast as it is answered.
func readers(count int) Act {
	return func(ctx context.Context, s *Scene) error {
		var group errgroup.Group
		for i := range count {
			group.Go(func() error {
				for ctx.Err() == nil {
					if _, err := s.Shops[i%len(s.Shops)].List(ctx, "limit=1"); err != nil && !platform.Pause(ctx, time.Second) {
						return nil
					}
				}
				return nil
			})
		}
		return group.Wait()
	}
}

// loseAnswer creates a payment whose charge gets no answer. The provider's search does not find it until disarm.
func loseAnswer(ctx context.Context, s *Scene) error {
	key := s.key()
	id := payment.NewID("demo", key)
	if err := s.Provider.Arm(ctx,
		simulator.Fault{On: simulator.Create, Kind: simulator.KindTruncated, Times: 1, ExternalReference: id},
		simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusNotFound, ExternalReference: id},
		simulator.Fault{On: simulator.Search, Kind: simulator.KindSearchLag},
		simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost, ExternalReference: id},
	); err != nil {
		return err
	}
	s.last = platform.Payment{ID: id}
	_, err := s.Shops[0].Post(ctx, key, platform.Order(1050, key), "Prefer", "wait=0")
	return err
}

// payLost lets the buyer pay the charge whose answer was lost; the provider's webhook reports it.
func payLost(ctx context.Context, s *Scene) error {
	ledger, err := s.Provider.Ledger(ctx, s.last.ID)
	if err != nil || len(ledger) == 0 {
		return fmt.Errorf("the provider has no charge: %w", errors.Join(err))
	}
	return s.Provider.Pay(ctx, ledger[0].PaymentID)
}

// Acts that wait or repeat.

func lasts(d time.Duration) Act {
	return func(ctx context.Context, _ *Scene) error {
		if !platform.Pause(ctx, d) {
			return ctx.Err()
		}
		return nil
	}
}

func times(count int, acts ...Act) Act {
	return func(ctx context.Context, s *Scene) error {
		for range count {
			if err := inOrder(ctx, s, acts); err != nil {
				return err
			}
		}
		return nil
	}
}

// every repeats acts until ctx ends, and ignores their errors.
func every(gap time.Duration, acts ...Act) Act {
	return func(ctx context.Context, s *Scene) error {
		for platform.Pause(ctx, gap) {
			_ = inOrder(ctx, s, acts)
		}
		return nil
	}
}
