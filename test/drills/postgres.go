package drills

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// askPostgres reads all tables in one snapshot.
func (e *Evidence) askPostgres(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, conn, snapshot, func(tx pgx.Tx) error { return e.readDatabase(ctx, tx) })
}

func (e *Evidence) readDatabase(ctx context.Context, tx pgx.Tx) (err error) {
	e.Payments, err = read[Payment](ctx, tx, `
		select id::text, idempotency_key as key, status, amount, provider_payment_id, version, amount_refunded as refunded,
		coalesce(amount_captured, 0) as captured, coalesce((method->'card'->>'on_page')::bool, false) as on_page, coalesce(checkout_id::text, '') as checkout_id from payments`)
	if err != nil {
		return err
	}
	e.Operations, err = read[Operation](ctx, tx, `
		select provider_key::text, payment_id::text, kind, amount, outcome, provider_id, origin from operations`)
	if err != nil {
		return err
	}
	e.Events, err = read[Event](ctx, tx, `
		select payment_id::text, seq, status, coalesce((data->>'amount')::bigint, 0) as amount, at,
		coalesce((data->>'amount_refunded')::bigint, 0) as refunded, coalesce((data->>'amount_captured')::bigint, 0) as captured, data ?| array['refund', 'settlement', 'dispute', 'checkout'] as stays,
		coalesce(data->'refund'->>'id', '') as refund_id, coalesce(data->'refund'->>'status', '') as refund,
		coalesce(data->'dispute'->>'id', '') as dispute_id, coalesce(data->'dispute'->>'change', '') as dispute,
		coalesce(data->'checkout'->>'change', '') as checkout,
		(data->'settlement'->>'amount')::bigint as settled, coalesce((data->>'late')::bool, false) as late from payment_events`)
	if err != nil {
		return err
	}
	e.Checkouts, err = read[Checkout](ctx, tx, `
		select id::text, idempotency_key as key, status, amount, coalesce(paid_by::text, '') as paid_by,
		coalesce((request->>'refund_duplicates')::bool, false) as refund_duplicates from checkouts`)
	if err != nil {
		return err
	}
	e.Disputes, err = read[Dispute](ctx, tx, `select id::text, payment_id::text, provider_id, status from disputes where kind <> 'fraud_alert'`)
	if err != nil {
		return err
	}
	e.Entries, err = read[LedgerEntry](ctx, tx, `select payment_id::text, posting, account, cause, amount from ledger_entries`)
	if err != nil {
		return err
	}
	if err = tx.QueryRow(ctx, `select coalesce(sum(pending), 0)::bigint, coalesce(sum(available), 0)::bigint from ledger_balances`).Scan(&e.Pending, &e.Available); err != nil {
		return err
	}
	e.Archived, err = read[Notification](ctx, tx, `
		select id, coalesce(notification->>'request_id', '') as request_id, topic, action from webhook_notifications`)
	if err != nil {
		return err
	}
	if e.Spooled, err = read[Notification](ctx, tx, `
		select id, coalesce(convert_from(body, 'UTF8')::jsonb->>'request_id', '') as request_id from webhook_spool`); err != nil {
		return err
	}
	if err = tx.QueryRow(ctx, `select (select count(*) from outbox) + (select count(*) from event_repeats)`).Scan(&e.Unpublished); err != nil {
		return err
	}
	return e.readDeadLetters(ctx, tx)
}

// readDeadLetters finds none when the database has no table for them.
func (e *Evidence) readDeadLetters(ctx context.Context, tx pgx.Tx) error {
	err := tx.QueryRow(ctx, `select to_regclass('dead_letters') is not null`).Scan(&e.hasDeadLetterTable)
	if err != nil || !e.hasDeadLetterTable {
		return err
	}
	rows, _ := tx.Query(ctx, `
		select message_id, cause, coalesce(payment_id::text, ''), workflow_id, run_id, state, died_at, body from dead_letters`)
	var d DeadLetter
	var body []byte
	_, err = pgx.ForEachRow(rows, []any{&d.MessageID, &d.Cause, &d.PaymentID, &d.WorkflowID, &d.RunID, &d.State, &d.DiedAt, &body}, func() error {
		d.RequestID = requestID(body)
		e.DeadLetters = append(e.DeadLetters, d)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read dead letters: %w", err)
	}
	return nil
}

func read[T any](ctx context.Context, tx pgx.Tx, query string) ([]T, error) {
	rows, _ := tx.Query(ctx, query)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[T])
	if err != nil {
		var what T
		return nil, fmt.Errorf("read %T: %w", what, err)
	}
	return all, nil
}
