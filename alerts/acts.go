package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/dev"
	"github.com/onlywave/onlywave/internal/devstack"
	"github.com/onlywave/onlywave/internal/mailsink"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/simulator"
)

// Acts on processes and links.

func killWorkers(_ context.Context, s *Scene) error { return each(s.Workers, (*devstack.Process).Kill) }
func killAPIs(_ context.Context, s *Scene) error    { return each(s.APIs, (*devstack.Process).Kill) }

func restartWorkers(ctx context.Context, s *Scene) error {
	return each(s.Workers, func(p *devstack.Process) error { return p.Restart(ctx) })
}

// fillMailboxes makes the mail server answer in a way that is no trouble of its own, so that no breaker stops the tries: the
// breaker's pauses do not go faster with the alerts' time.
func fillMailboxes(ctx context.Context, s *Scene) error {
	return s.Mailbox.Arm(ctx, mailsink.Fault{Kind: mailsink.KindFull, Times: 1_000_000})
}

// renewMailServer forgets all mails and faults.
func renewMailServer(ctx context.Context, s *Scene) error { return s.MailSink.Restart(ctx) }

func migrate(ctx context.Context, s *Scene) error { return s.Migrate(ctx) }

// The program of a worker whose clock is ahead, and by how much.
const (
	aheadFolder = ".data/ahead"
	ahead       = 20 * time.Hour
)

func buildAhead(ctx context.Context) error {
	if err := os.MkdirAll(aheadFolder, 0o755); err != nil {
		return err
	}
	_, err := dev.BuildAhead(ctx, aheadFolder, ahead)
	return err
}

func clockAhead(ctx context.Context, s *Scene) error {
	program, err := filepath.Abs(filepath.Join(aheadFolder, dev.AheadProgram))
	if err != nil {
		return err
	}
	return s.Workers[1].Become(ctx, program)
}

func clockRight(ctx context.Context, s *Scene) error { return s.Workers[1].Become(ctx, s.Program()) }

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

// links does something to each of the links; part is as in Platform.Links.
func links(part string, to devstack.Service, do func(*dev.Link) error) Act {
	return func(_ context.Context, s *Scene) error { return s.OnLinks(part, to, do) }
}

func mend(part string, to devstack.Service) Act { return links(part, to, (*dev.Link).Mend) }

func cut(part string, to devstack.Service) Act {
	return links(part, to, func(l *dev.Link) error { l.Cut(); return nil })
}

func slow(part string, to devstack.Service, by time.Duration) Act {
	return links(part, to, func(l *dev.Link) error { return l.Slow(by) })
}

func killOneWorker(_ context.Context, s *Scene) error { return s.Workers[0].Kill() }

func restartOneWorker(ctx context.Context, s *Scene) error { return s.Workers[0].Restart(ctx) }

// Acts on the broker.

// withoutLeader stops the only replica of a quorum queue, as when most of its nodes are away.
func withoutLeader(queue string) Act { return onReplica("stop_server", queue) }

func withLeader(queue string) Act { return onReplica("restart_server", queue) }

func onReplica(do, queue string) Act {
	return func(ctx context.Context, s *Scene) error {
		return s.Stack.RabbitMQCtl(ctx, "eval", fmt.Sprintf("ra:%s(quorum_queues, {'%%2F_%s', node()}).", do, queue))
	}
}

// Queues of other services that take our events: one has not enough room, the other does not answer.
const (
	fullQueue = "alerts.full"
	deafQueue = "alerts.deaf"
)

func bind(queue string, args amqp.Table) Act {
	return func(_ context.Context, s *Scene) error {
		return s.onBroker(func(channel *amqp.Channel) error {
			if _, err := channel.QueueDeclare(queue, true, false, false, false, args); err != nil {
				return err
			}
			return channel.QueueBind(queue, "payment.*", rabbitmq.ExchangeEvents, false, nil)
		})
	}
}

func unbind(queue string) Act {
	return func(_ context.Context, s *Scene) error {
		return s.onBroker(func(channel *amqp.Channel) error {
			_, err := channel.QueueDelete(queue, false, false, false)
			return err
		})
	}
}

func (s *Scene) onBroker(do func(*amqp.Channel) error) error {
	conn, err := amqp.Dial(s.Stack.RabbitMQURL())
	if err != nil {
		return err
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		return err
	}
	return do(channel)
}

// lockRuns keeps the runs of reconciliation locked until it is told to end.
func lockRuns(ctx context.Context, s *Scene) error {
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "begin; lock table reconciliations in access exclusive mode"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

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

// order makes a payment, as far as it goes.
func order(ctx context.Context, s *Scene) error {
	key := s.key()
	return s.order(ctx, key, dev.Order(1050, key))
}

// orderWithEmail makes one whose buyer gets e-mails.
func orderWithEmail(ctx context.Context, s *Scene) error {
	key := s.key()
	return s.order(ctx, key, strings.Replace(dev.Order(1050, key), `"payer": {`, `"payer": {"notify_by": "email", `, 1))
}

func (s *Scene) order(ctx context.Context, key, body string) (err error) {
	answer, err := s.Shops[0].Post(ctx, key, body, "Prefer", "wait=2")
	if err != nil || answer.Status >= http.StatusMultipleChoices {
		return fmt.Errorf("an order is answered %d: %w", answer.Status, errors.Join(err))
	}
	s.last, err = s.Shops[0].Payment(ctx, payment.NewID("demo", key))
	return err
}

// refused asks for a payment that cannot be made.
func refused(ctx context.Context, s *Scene) error {
	key := s.key()
	_, err := s.Shops[0].Post(ctx, key, dev.Order(1050, key), "Prefer", "wait=0")
	return err
}

func pay(ctx context.Context, s *Scene) error { return s.Provider.Pay(ctx, s.last.Provider.PaymentID) }

// readers are so many clients who read lists, each as fast as it is answered.
func readers(count int) Act {
	return func(ctx context.Context, s *Scene) error {
		var group errgroup.Group
		for i := range count {
			group.Go(func() error {
				for ctx.Err() == nil {
					if _, err := s.Shops[i%len(s.Shops)].List(ctx, "limit=1"); err != nil && !dev.Pause(ctx, time.Second) {
						return nil
					}
				}
				return nil
			})
		}
		return group.Wait()
	}
}

// loseAnswer makes a payment of which nobody knows whether it was charged. The search goes on not knowing it until disarmed.
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
	s.last = dev.Payment{ID: id}
	_, err := s.Shops[0].Post(ctx, key, dev.Order(1050, key), "Prefer", "wait=0")
	return err
}

// payLost lets the buyer pay what nobody else knows of; the provider's webhook then tells of it.
func payLost(ctx context.Context, s *Scene) error {
	ledger, err := s.Provider.Ledger(ctx, s.last.ID)
	if err != nil || len(ledger) == 0 {
		return fmt.Errorf("the provider has no charge: %w", errors.Join(err))
	}
	return s.Provider.Pay(ctx, ledger[0].PaymentID)
}

// Acts on reconciliation and on the record.

func pause(schedule string) Act {
	return func(ctx context.Context, s *Scene) error {
		return s.temporal(ctx, func(c client.Client) error {
			return c.ScheduleClient().GetHandle(ctx, schedule).Pause(ctx, client.SchedulePauseOptions{})
		})
	}
}

func resume(schedule string) Act {
	return func(ctx context.Context, s *Scene) error {
		return s.temporal(ctx, func(c client.Client) error {
			return c.ScheduleClient().GetHandle(ctx, schedule).Unpause(ctx, client.ScheduleUnpauseOptions{})
		})
	}
}

func (s *Scene) temporal(ctx context.Context, do func(client.Client) error) error {
	c, err := client.DialContext(ctx, client.Options{
		HostPort: s.Stack.TemporalAddress(), Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c)
}

// unknown is the workflow that no worker knows.
const unknown = "alerts-unknown"

func startUnknown(ctx context.Context, s *Scene) error {
	return s.temporal(ctx, func(c client.Client) error {
		_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: unknown, TaskQueue: "payments"}, "OfANewerRelease")
		return err
	})
}

func terminateUnknown(ctx context.Context, s *Scene) error {
	return s.temporal(ctx, func(c client.Client) error { return c.TerminateWorkflow(ctx, unknown, "", "healed") })
}

// changeAmount makes the last payment's amount in the record another one.
func changeAmount(by int) Act {
	return func(ctx context.Context, s *Scene) error {
		return s.inRecord(ctx, "update payments set amount = amount + $2 where id = $1", s.last.ID, by)
	}
}

// endEarlier makes the last payment's end in the record an earlier one.
func endEarlier(by time.Duration) Act {
	return func(ctx context.Context, s *Scene) error {
		return s.inRecord(ctx, `update payments set method = method || jsonb_build_object('expires_at', payment_end(method) - $2::interval) where id = $1`,
			s.last.ID, by+time.Hour) // a Pix of dev.Order runs for an hour
	}
}

// failEvents makes Postgres fail over each event that is written, in a way that is neither the record's being away nor its refusal.
func failEvents(ctx context.Context, s *Scene) error {
	return s.execute(ctx, `create function alerts_fail() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
create trigger alerts_fail before insert on payment_events execute function alerts_fail()`)
}

func passEvents(ctx context.Context, s *Scene) error {
	return s.execute(ctx, `drop function alerts_fail cascade`)
}

// changeStatus makes the last payment's status in the record another one.
func changeStatus(to string) Act {
	return func(ctx context.Context, s *Scene) error {
		return s.inRecord(ctx, "update payments set status = $2 where id = $1", s.last.ID, to)
	}
}

// reconcile waits for a run that begins after now, so that what was to be found has been.
func reconcile(ctx context.Context, s *Scene) error {
	if !dev.Pause(ctx, 15*time.Second) {
		return ctx.Err()
	}
	return nil
}

// anHourPasses makes every run of reconciliation an hour older: that hour is part of the record's own question, not of the alert.
func anHourPasses(ctx context.Context, s *Scene) error {
	return s.inRecord(ctx, "update reconciliations set started_at = started_at - interval '61 minutes'")
}

// dropMonths leaves the record's notifications without a partition for any time that is to come.
func dropMonths(ctx context.Context, s *Scene) error {
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, _ := conn.Query(ctx, `select inhrelid::regclass::text from pg_inherits
where inhparent = 'webhook_notifications'::regclass and inhrelid <> 'webhook_notifications_other'::regclass`)
	months, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(months) == 0 {
		return fmt.Errorf("the months of the record (%d): %w", len(months), err)
	}
	_, err = conn.Exec(ctx, "drop table "+strings.Join(months, ", "))
	return err
}

func (s *Scene) execute(ctx context.Context, script string) error {
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, script)
	return err
}

func (s *Scene) inRecord(ctx context.Context, statement string, args ...any) error {
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	done, err := conn.Exec(ctx, statement, args...)
	if err == nil && done.RowsAffected() == 0 {
		return errors.New("nothing in the record was changed")
	}
	return err
}

// And on time.

func lasts(d time.Duration) Act {
	return func(ctx context.Context, _ *Scene) error {
		if !dev.Pause(ctx, d) {
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

// every repeats acts until it is told to end, whatever comes of them.
func every(gap time.Duration, acts ...Act) Act {
	return func(ctx context.Context, s *Scene) error {
		for dev.Pause(ctx, gap) {
			_ = inOrder(ctx, s, acts)
		}
		return nil
	}
}
