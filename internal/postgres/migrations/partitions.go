package migrations

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// MonthsAhead is how many months beyond this one have their partition of the notifications already.
const MonthsAhead = 3

// Ahead is the last month of which the partition is made in advance.
func Ahead(now time.Time) time.Time { return MonthOf(now).AddDate(0, MonthsAhead, 0) }

// MonthOf is the beginning of a time's month. Months are UTC's.
func MonthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// transactor is a connection or a pool.
type transactor interface {
	Begin(context.Context) (pgx.Tx, error)
}

// MakePartitions makes the missing partitions of the notifications, from the month of from to the month of upto,
// and returns their names. Several may make them at once.
func MakePartitions(ctx context.Context, db transactor, from, upto time.Time) (made []string, err error) {
	for month := MonthOf(from); !month.After(upto); month = month.AddDate(0, 1, 0) {
		var name string
		if err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) (err error) {
			name, err = makePartition(ctx, tx, month)
			return err
		}); err != nil {
			return made, fmt.Errorf("make the partition of %s: %w", month.Format("2006-01"), err)
		}
		if name != "" {
			made = append(made, name)
		}
	}
	return made, nil
}

// briefly limits how long other sessions wait behind this one for the lock: it is better to fail, and to try again later.
const briefly = `set local lock_timeout = '5s'; `

// makePartition locks the notifications for a moment, so that no row goes to a partition that it does not belong to any
// more. Rows of the month that went into the default partition are moved; a partition made in advance has none.
func makePartition(ctx context.Context, tx pgx.Tx, month time.Time) (name string, err error) {
	if has, err := hasPartition(ctx, tx, month); has || err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, briefly+`lock table only webhook_notifications in access exclusive mode`); err != nil {
		return "", err
	}
	if has, err := hasPartition(ctx, tx, month); has || err != nil { // another process was first
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

func hasPartition(ctx context.Context, tx pgx.Tx, month time.Time) (bool, error) {
	all, err := Partitions(ctx, tx)
	next := month.AddDate(0, 1, 0)
	return slices.ContainsFunc(all, func(p Partition) bool { return p.From.Before(next) && month.Before(p.To) }), err
}

// Partition is one of the notifications': those received from and before to. The first has no beginning, which is a zero time.
type Partition struct {
	Name     string
	From, To time.Time
}

// SelectPartitions has a row for each partition that has bounds, oldest first: its name, its beginning and its end, until.
const SelectPartitions = `
select c.relname, substring(bounds from 'FROM \(''([^'']+)')::timestamptz, substring(bounds from 'TO \(''([^'']+)')::timestamptz as until
from pg_inherits i join pg_class c on c.oid = i.inhrelid cross join lateral pg_get_expr(c.relpartbound, c.oid) bounds
where i.inhparent = 'webhook_notifications'::regclass and bounds <> 'DEFAULT'
order by until`

// Partitions lists those that have bounds, oldest first.
func Partitions(ctx context.Context, tx pgx.Tx) ([]Partition, error) {
	rows, _ := tx.Query(ctx, SelectPartitions)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Partition, error) {
		var p Partition
		var from *time.Time
		err := row.Scan(&p.Name, &from, &p.To)
		if from != nil {
			p.From = *from
		}
		return p, err
	})
}

// DropPartition drops a partition with all that is in it.
func DropPartition(ctx context.Context, tx pgx.Tx, p Partition) error {
	_, err := tx.Exec(ctx, briefly+`drop table if exists `+pgx.Identifier{p.Name}.Sanitize())
	return err
}
