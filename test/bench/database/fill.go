package database

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/postgres"
)

//go:embed payments.sql
var paymentsSQL string

//go:embed rest.sql
var restSQL string

// drawing makes the SQL functions that draw rows: a number from 0 to 1 that depends on the payment's number only, and the payment's
// reference: unique, none, one of a returning customer, or one that very many payments share.
const drawing = `
create function draw(i bigint, stream bigint) returns float8 immutable parallel safe language sql
    as $$ select (hashint8extended(i, stream) & 1073741823)::float8 / 1073741824 $$;
create function reference_of(i bigint) returns text immutable parallel safe language sql
    as $$ select case when draw(i, 4) < 0.6 then 'order-' || i when draw(i, 4) < 0.8 then ''
                      when draw(i, 4) < 0.99 then 'customer-' || i % 20000 else 'daily-pass' end $$;
insert into clients (id, name) select 'client-' || n, 'client-' || n from generate_series(1, 40) n on conflict do nothing`

const undrawing = `drop function reference_of; drop function draw`

const fillStep = 250_000 // payments in one transaction

// fill writes payments of the two years before until. It drops the indexes first and creates them again from their definitions at the
// end, which takes minutes; maintained row by row they would take an hour.
func fill(ctx context.Context, store *postgres.Store, conn *pgx.Conn, payments int, until time.Time, out io.Writer) error {
	began := time.Now()
	if _, err := store.MakePartitions(ctx, until.AddDate(-2, 0, -2), until); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `set synchronous_commit = off; set maintenance_work_mem = '512MB'; set work_mem = '128MB'; `+drawing); err != nil {
		return fmt.Errorf("prepare the drawing: %w", err)
	}
	putBack, err := setAside(ctx, conn, "payments", "operations", "payment_events")
	if err != nil {
		return err
	}
	for from := 1; from <= payments; from += fillStep {
		to := min(from+fillStep-1, payments)
		if _, err := conn.Exec(ctx, paymentsSQL, from, to, payments, until); err != nil {
			return fmt.Errorf("write payments %d to %d: %w", from, to, err)
		}
		fmt.Fprintf(out, "  %8d payments  after %s\n", to, time.Since(began).Round(time.Second))
	}
	for _, statement := range putBack {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	fmt.Fprintf(out, "  indexes and keys  after %s\n", time.Since(began).Round(time.Second))
	for _, statement := range strings.Split(restSQL, ";\n") {
		if err := execWith(ctx, conn, statement, payments, until); err != nil {
			return fmt.Errorf("write all rows besides payments: %w", err)
		}
	}
	for _, statement := range []string{undrawing, `vacuum (analyze)`} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	fmt.Fprintf(out, "  all other rows, vacuumed and analyzed  after %s\n", time.Since(began).Round(time.Second))
	return nil
}

// execWith runs a statement with those of the two parameters that it uses.
func execWith(ctx context.Context, conn *pgx.Conn, statement string, payments int, until time.Time) error {
	var args []any
	if strings.Contains(statement, "$1") {
		args = append(args, payments)
	}
	if strings.Contains(statement, "$2") && len(args) == 1 {
		args = append(args, until)
	} else if strings.Contains(statement, "$2") {
		statement, args = strings.ReplaceAll(statement, "$2", "$1"), []any{until}
	}
	_, err := conn.Exec(ctx, statement, args...)
	return err
}

// The definitions come from the catalog, so they always match the migrations. Foreign keys of other tables that refer to these
// tables are included.
const (
	selectForeignKeys = `
select format('alter table %s drop constraint %I', conrelid::regclass, conname),
       format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
from pg_constraint
where contype = 'f' and (conrelid = any($1::regclass[]) or confrelid = any($1::regclass[])) and conparentid = 0`
	selectKeys = `
select format('alter table %s drop constraint %I', conrelid::regclass, conname),
       format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
from pg_constraint where contype in ('p', 'u') and conrelid = any($1::regclass[])`
	selectIndexes = `
select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
from pg_index i where indrelid = any($1::regclass[]) and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u'))`
)

// setAside drops all indexes and keys of tables, and returns the statements that create them again, in order.
func setAside(ctx context.Context, conn *pgx.Conn, tables ...string) (putBack []string, err error) {
	var drops []string
	for _, of := range []string{selectForeignKeys, selectKeys, selectIndexes} {
		rows, _ := conn.Query(ctx, of, tables)
		var drop, make string
		var makes []string
		if _, err := pgx.ForEachRow(rows, []any{&drop, &make}, func() error {
			drops, makes = append(drops, drop), append(makes, make)
			return nil
		}); err != nil {
			return nil, fmt.Errorf("read the definitions of indexes: %w", err)
		}
		putBack = append(makes, putBack...)
	}
	for _, drop := range drops {
		if _, err := conn.Exec(ctx, drop); err != nil {
			return nil, fmt.Errorf("%s: %w", drop, err)
		}
	}
	return putBack, nil
}
