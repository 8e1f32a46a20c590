package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/onlywave/onlywave/test/platform"
)

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
	if !platform.Pause(ctx, 15*time.Second) {
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
