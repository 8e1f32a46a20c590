package postgres

import (
	"cmp"
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
)

// An entry that is there already stays as it is.
const insertAudit = `
insert into audit (id, actor, channel, origin, action, object, reason, before, after)
values (@id, @actor, @channel, @origin, @action, @object, @reason, @before, @after)
on conflict (id) do nothing`

// executor is a pool or a transaction.
type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Audit stores an action whose change is not in this database. Call it before the change, so that every change is in the audit. An entry
// with an ID is stored once, however often Audit is called.
func (s *Store) Audit(ctx context.Context, e audit.Entry) error {
	return interpret("write "+string(e.Action)+" to the audit", writeAudit(ctx, s.pool, e))
}

// writeAudit is for the transaction that makes the change.
func writeAudit(ctx context.Context, to executor, e audit.Entry) error {
	_, err := to.Exec(ctx, insertAudit, auditArgs(e))
	return err
}

func auditArgs(e audit.Entry) pgx.NamedArgs {
	plain := func(v audit.Values) audit.Values {
		if v == nil {
			return audit.Values{}
		}
		return v
	}
	return pgx.NamedArgs{
		"id": cmp.Or(e.ID, uuid.NewString()), "actor": e.Actor.Name, "channel": e.Actor.Channel, "origin": e.Actor.From,
		"action": e.Action, "object": e.Object, "reason": e.Reason, "before": plain(e.Before), "after": plain(e.After),
	}
}

// audited makes a change and writes it to the audit, both or neither. A change without an action changed nothing.
func (s *Store) audited(ctx context.Context, doing string, change func(pgx.Tx) (audit.Entry, error)) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		e, err := change(tx)
		if err != nil || e.Action == "" {
			return err
		}
		return writeAudit(ctx, tx, e)
	})
	if _, known := errors.AsType[*failure.Error](err); known {
		return err
	}
	return interpret(doing, err)
}

const selectAudit = `select id, at, actor, channel, origin, action, object, reason, before, after from audit where true`

// AuditTrail lists what was done, the newest first, as the filter says; kind Invalid when it cannot be meant.
func (s *Store) AuditTrail(ctx context.Context, f audit.Filter) ([]audit.Entry, error) {
	if wrong := f.Fields(); len(wrong) > 0 {
		return nil, &failure.Error{Kind: failure.Invalid, Message: "the filter is not valid", Fields: wrong}
	}
	query, args := selectAudit, pgx.NamedArgs{"limit": f.Limit, "after_id": f.After.ID}
	and := func(is bool, condition, name string, value any) {
		if is {
			query += " and " + condition
			args[name] = value
		}
	}
	and(f.Actor != "", "actor = @actor", "actor", f.Actor)
	and(f.Action != "", "action = @action", "action", f.Action)
	and(f.Object != "", "object = @object", "object", f.Object)
	and(!f.From.IsZero(), "at >= @from", "from", f.From)
	and(!f.To.IsZero(), "at < @to", "to", f.To)
	and(f.After.ID != "", "(at, id) < (@after_at, @after_id)", "after_at", f.After.CreatedAt)
	list, err := readRows(ctx, s.pool, scanAudit, query+` order by at desc, id desc limit @limit`, args)
	return list, interpret("read the audit", err)
}

func scanAudit(row pgx.CollectableRow) (audit.Entry, error) {
	var e audit.Entry
	err := row.Scan(&e.ID, &e.At, &e.Actor.Name, &e.Actor.Channel, &e.Actor.From, &e.Action, &e.Object, &e.Reason, &e.Before, &e.After)
	e.At = e.At.UTC()
	return e, err
}

// orNull makes nothing of a zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
