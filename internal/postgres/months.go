package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// monthsAhead is how many months beyond this one have their partition of the notifications already.
const monthsAhead = 3

// transactor is a connection or a pool.
type transactor interface {
	Begin(context.Context) (pgx.Tx, error)
}

// MakeMonths makes the partitions of the notifications for the months from that of from to that of upto which have none,
// and returns their names. Several may make them at once.
func (s *Store) MakeMonths(ctx context.Context, from, upto time.Time) (made []string, err error) {
	return makeMonths(ctx, s.pool, from, upto)
}

// MonthsAhead makes those that will be needed soon.
func (s *Store) MonthsAhead(ctx context.Context, now time.Time) (made []string, err error) {
	return makeMonths(ctx, s.pool, now, ahead(now))
}

func ahead(now time.Time) time.Time { return monthOf(now).AddDate(0, monthsAhead, 0) }

// monthOf is the beginning of a time's month. Months are UTC's.
func monthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

func makeMonths(ctx context.Context, db transactor, from, upto time.Time) (made []string, err error) {
	for month := monthOf(from); !month.After(upto); month = month.AddDate(0, 1, 0) {
		var name string
		if err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) (err error) {
			name, err = makeMonth(ctx, tx, month)
			return err
		}); err != nil {
			return made, interpret("make the partition of "+month.Format("2006-01"), err)
		}
		if name != "" {
			made = append(made, name)
		}
	}
	return made, nil
}

// brief keeps those who wait behind us waiting for so long at most: rather fail, and try again later.
const brief = `set local lock_timeout = '5s'; `

// makeMonth holds up everybody else for the moment, so that no row is on its way to a partition that it does not belong into
// any more. What has gone into the other partition, because the month had none, is moved; before its time that is nothing.
func makeMonth(ctx context.Context, tx pgx.Tx, month time.Time) (name string, err error) {
	if has, err := hasMonth(ctx, tx, month); has || err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, brief+`lock table only webhook_notifications in access exclusive mode`); err != nil {
		return "", err
	}
	if has, err := hasMonth(ctx, tx, month); has || err != nil { // another maker was first
		return "", err
	}
	name = month.Format("webhook_notifications_2006_01")
	from, to := month.Format(time.RFC3339), month.AddDate(0, 1, 0).Format(time.RFC3339)
	_, err = tx.Exec(ctx, fmt.Sprintf(`
create table %[1]s (like webhook_notifications including all);
with moved as (
    delete from webhook_notifications_other where received_at >= '%[2]s' and received_at < '%[3]s' returning *
)
insert into %[1]s select * from moved;
alter table webhook_notifications attach partition %[1]s for values from ('%[2]s') to ('%[3]s')`, name, from, to))
	return name, err
}

func hasMonth(ctx context.Context, tx pgx.Tx, month time.Time) (bool, error) {
	there, err := partitions(ctx, tx)
	next := month.AddDate(0, 1, 0)
	return slices.ContainsFunc(there, func(p partition) bool { return p.from.Before(next) && month.Before(p.to) }), err
}

// partition is one of the notifications': those received from and before to. The first has no beginning, which is a zero time.
type partition struct {
	name     string
	from, to time.Time
}

const selectPartitions = `
select c.relname, substring(bounds from 'FROM \(''([^'']+)')::timestamptz, substring(bounds from 'TO \(''([^'']+)')::timestamptz as until
from pg_inherits i join pg_class c on c.oid = i.inhrelid cross join lateral pg_get_expr(c.relpartbound, c.oid) bounds
where i.inhparent = 'webhook_notifications'::regclass and bounds <> 'DEFAULT'
order by until`

// partitions lists those that have bounds, oldest first.
func partitions(ctx context.Context, tx pgx.Tx) ([]partition, error) {
	rows, _ := tx.Query(ctx, selectPartitions)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (partition, error) {
		var p partition
		var from *time.Time
		err := row.Scan(&p.name, &from, &p.to)
		if from != nil {
			p.from = *from
		}
		return p, err
	})
}
