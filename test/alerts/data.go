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

// Acts on schedules, workflows and the database.

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

// unknown is the id of a workflow whose type no worker has.
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

// changeAmount changes the last payment's amount in the database.
func changeAmount(by int) Act {
	return func(ctx context.Context, s *Scene) error {
		return s.inDatabase(ctx, "update payments set amount = amount + $2 where id = $1", s.last.ID, by)
	}
}

// endEarlier makes the last payment's expiry in the database earlier.
func endEarlier(by time.Duration) Act {
	return func(ctx context.Context, s *Scene) error {
		return s.inDatabase(ctx, `update payments set method = method || jsonb_build_object('expires_at', payment_end(method) - $2::interval) where id = $1`,
			s.last.ID, by+time.Hour) // a Pix of platform.Order is valid for an hour
	}
}

// askEarlier makes the time at which the last payment's refunds were asked for earlier in the database.
func askEarlier(by time.Duration) Act {
	return func(ctx context.Context, s *Scene) error {
		return s.inDatabase(ctx, "update operations set created_at = created_at - $2::interval where payment_id = $1 and kind = 'refund'", s.last.ID, by)
	}
}

// failEvents makes each insert of an event fail with an error that is neither an unavailable database nor a refused row.
func failEvents(ctx context.Context, s *Scene) error {
	return s.execute(ctx, `create function alerts_fail() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
create trigger alerts_fail before insert on payment_events execute function alerts_fail()`)
}

func passEvents(ctx context.Context, s *Scene) error {
	return s.execute(ctx, `drop function alerts_fail cascade`)
}

// changeStatus changes the last payment's status in the database.
func changeStatus(to string) Act {
	return func(ctx context.Context, s *Scene) error {
		return s.inDatabase(ctx, "update payments set status = $2 where id = $1", s.last.ID, to)
	}
}

// reconcile waits for a run of reconciliation that begins after now and ends.
func reconcile(ctx context.Context, s *Scene) error {
	if !platform.Pause(ctx, 15*time.Second) {
		return ctx.Err()
	}
	return nil
}

// anHourPasses makes every run of reconciliation an hour older: the hour is part of the workers' query, not of the alert.
func anHourPasses(ctx context.Context, s *Scene) error {
	return s.inDatabase(ctx, "update reconciliations set started_at = started_at - interval '61 minutes'")
}

// dropPartitions leaves webhook_notifications without a partition for the future.
func dropPartitions(ctx context.Context, s *Scene) error {
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, _ := conn.Query(ctx, `select inhrelid::regclass::text from pg_inherits
where inhparent = 'webhook_notifications'::regclass and inhrelid <> 'webhook_notifications_other'::regclass`)
	partitions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(partitions) == 0 {
		return fmt.Errorf("list the partitions (%d): %w", len(partitions), err)
	}
	_, err = conn.Exec(ctx, "drop table "+strings.Join(partitions, ", "))
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

func (s *Scene) inDatabase(ctx context.Context, statement string, args ...any) error {
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	done, err := conn.Exec(ctx, statement, args...)
	if err == nil && done.RowsAffected() == 0 {
		return errors.New("no row in the database was changed")
	}
	return err
}

// lockRuns keeps the table reconciliations locked until ctx ends.
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
