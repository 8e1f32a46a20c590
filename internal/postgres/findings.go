package postgres

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// PaymentsByID reads the payments with these IDs that exist.
func (s *Store) PaymentsByID(ctx context.Context, ids []string) (map[string]payment.Payment, error) {
	list, err := readRows(ctx, s.pool, scanPayment, selectPayment+`where id = any($1)`, ids)
	found := make(map[string]payment.Payment, len(list))
	for _, p := range list {
		found[p.ID] = p
	}
	return found, interpret("read payments", err)
}

const keepFindings = `
insert into findings (reconciliation_id, kind, payment_id, provider_payment_id, provider_updated_at, provider_status, detail, found_at)
select $1, f.kind, nullif(f.payment_id, '')::uuid, f.provider_payment_id, f.provider_updated_at, f.provider_status, f.detail, f.found_at
from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::timestamptz[])
    as f (kind, payment_id, provider_payment_id, provider_updated_at, provider_status, detail, found_at)
where not exists (
    select from findings c
    where c.closed_by is not null and c.kind = f.kind and c.provider_payment_id = f.provider_payment_id
      and c.kind not in ('difference', 'missed_webhook') and c.provider_status = f.provider_status
      and (c.provider_status <> '' or c.provider_updated_at = f.provider_updated_at)
)
on conflict do nothing`

// KeepFindings stores what a run has found. An earlier finding stays as it is. A finding that an operator has closed is not found again
// while the provider's payment has the status that it had then or, if it cannot be read, while it is unchanged.
func (s *Store) KeepFindings(ctx context.Context, runID string, found []payment.Finding) error {
	n := len(found)
	kinds, payments, providers := make([]string, n), make([]string, n), make([]string, n)
	statuses, details := make([]string, n), make([]string, n)
	updated, at := make([]time.Time, n), make([]time.Time, n)
	for i, f := range found {
		kinds[i], payments[i], providers[i], details[i] = string(f.Kind), f.PaymentID, f.ProviderPaymentID, f.Detail
		statuses[i], updated[i], at[i] = string(f.ProviderStatus), f.ProviderUpdatedAt, f.FoundAt
	}
	_, err := s.pool.Exec(ctx, keepFindings, runID, kinds, payments, providers, updated, statuses, details, at)
	return interpret("keep findings", err)
}

// ClearFindings resolves the findings about the provider's payments that are in order now. Those of kind
// Difference and MissedWebhook are about one change, and resolved by SettleFindings.
func (s *Store) ClearFindings(ctx context.Context, providerPaymentIDs []string, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
update findings set resolved_at = $2
where provider_payment_id = any($1) and resolved_at is null and kind in ('contradiction', 'orphan_payment', 'unreadable')`,
		providerPaymentIDs, now)
	return interpret("clear findings", err)
}

// notificationSkew is how much earlier than a change, by the provider's clock, its notification may be received by ours.
const notificationSkew = 10 * time.Second

// heard is the condition that a notification n is about the change f. A notification of the creation is not about later changes.
const heard = `n.topic = 'payment' and n.resource_id = f.provider_payment_id and n.received_at >= f.provider_updated_at - @skew::interval
  and (f.detail = @creation or n.action <> 'payment.created')`

// What was not notified, as a finding of kind MissedWebhook says.
const (
	MissedCreation = "the payment was created"
	MissedChange   = "the payment changed"
)

const unheard = `
select f.n - 1
from unnest(@provider_payment_ids::text[], @provider_updated_ats::timestamptz[], @details::text[])
    with ordinality as f (provider_payment_id, provider_updated_at, detail, n)
where not exists (select from webhook_notifications n where ` + heard + `)
order by f.n`

// Unheard returns the changes without a notification. They are findings of kind MissedWebhook.
func (s *Store) Unheard(ctx context.Context, changes []payment.Finding) ([]payment.Finding, error) {
	ids, details, times := make([]string, len(changes)), make([]string, len(changes)), make([]time.Time, len(changes))
	for i, f := range changes {
		ids[i], details[i], times[i] = f.ProviderPaymentID, f.Detail, f.ProviderUpdatedAt
	}
	indexes, err := readRows(ctx, s.pool, pgx.RowTo[int], unheard, pgx.NamedArgs{
		"provider_payment_ids": ids, "provider_updated_ats": times, "details": details,
		"skew": notificationSkew, "creation": MissedCreation,
	})
	var missed []payment.Finding
	for _, i := range indexes {
		missed = append(missed, changes[i])
	}
	return missed, interpret("look for notifications", err)
}

// repeats is how long the provider repeats a notification that was not accepted: 0, 15 and 30 minutes, 6 hours, 2 days and
// three times 4 days.
const repeats = 15 * 24 * time.Hour

// caughtUp is the condition that a payment p is no longer behind the state of a finding f. States of the same time may differ, because
// the provider's dates of a Pix have whole seconds.
const caughtUp = `(p.provider_updated_at > f.provider_updated_at or p.provider_updated_at = f.provider_updated_at
    and (f.provider_status in ('', p.status) or p.updated_at > f.found_at))`

// settleFindings looks again at what was open: a payment that has caught up is no difference any more, and a notification
// that came after all was late. One that had come before it was missed, and was only archived later, was never missed.
const settleFindings = `
with caught_up as (
    update findings f set resolved_at = @now
    from payments p
    where f.kind = 'difference' and f.resolved_at is null and p.id = f.payment_id and ` + caughtUp + `
), heard as (
    select f.id, f.found_at, min(n.received_at) as received_at
    from findings f join webhook_notifications n on ` + heard + `
    where f.kind = 'missed_webhook' and f.resolved_at is null and f.found_at > @still_repeated
    group by f.id
), never_missed as (
    delete from findings f using heard h where f.id = h.id and h.received_at < h.found_at
)
update findings f set resolved_at = h.received_at
from heard h
where f.id = h.id and h.received_at >= h.found_at`

// SettleFindings resolves differences that are gone and marks missed notifications that came late.
func (s *Store) SettleFindings(ctx context.Context, now time.Time) error {
	_, err := s.pool.Exec(ctx, settleFindings, pgx.NamedArgs{
		"now": now, "skew": notificationSkew, "creation": MissedCreation, "still_repeated": now.Add(-repeats),
	})
	return interpret("settle findings", err)
}

const selectFinding = `
select id, kind, coalesce(payment_id::text, ''), provider_payment_id, provider_updated_at, provider_status, detail, found_at, resolved_at,
       coalesce(closed_by, ''), coalesce(closed_reason, '')
from findings `

// differences are payments of which the provider had a newer state when they were found and still has.
const differences = `findings f join payments p on p.id = f.payment_id
where f.kind = 'difference' and f.resolved_at is null and ` + caughtUp + ` is not true`

// Unalerted lists findings that need an operator and were not reported yet, oldest first. A difference is one of them when it has been
// open for so long that signals have not helped. Of missed notifications only the number matters.
func (s *Store) Unalerted(ctx context.Context, differenceAge time.Duration, limit int) ([]payment.Finding, error) {
	list, err := readRows(ctx, s.pool, scanFinding, selectFinding+`
where id = any(array(
    select id from findings where alerted_at is null and kind not in ('difference', 'missed_webhook')
    union all
    select f.id from `+differences+` and f.alerted_at is null and f.found_at < now() - $1::interval
    order by id limit $2
)) order by id`, differenceAge, limit)
	return list, interpret("list findings to alert", err)
}

// Alerted stores that findings were reported.
func (s *Store) Alerted(ctx context.Context, ids []int64, now time.Time) error {
	_, err := s.pool.Exec(ctx, `update findings set alerted_at = $2 where id = any($1) and alerted_at is null`, ids, now)
	return interpret("mark findings as alerted", err)
}

// Findings lists the unresolved findings that the filter chooses, newest first.
func (s *Store) Findings(ctx context.Context, f payment.FindingFilter) ([]payment.Finding, error) {
	where, args := `where resolved_at is null`, pgx.NamedArgs{"limit": f.Limit}
	if f.Kind != "" {
		where += ` and kind = @kind`
		args["kind"] = f.Kind
	}
	if f.Before != 0 {
		where += ` and id < @before`
		args["before"] = f.Before
	}
	list, err := readRows(ctx, s.pool, scanFinding, selectFinding+where+` order by id desc limit @limit`, args)
	return list, interpret("list findings", err)
}

const closeFinding = `
update findings set resolved_at = now(), closed_by = @actor, closed_reason = @reason
where id = @id and resolved_at is null
returning kind, provider_payment_id`

// CloseFinding closes a finding and stores who did it and why. A second call with the same words changes nothing; kind Conflict when it
// was closed in another way or has resolved itself, NotFound when there is none.
func (s *Store) CloseFinding(ctx context.Context, actor audit.Actor, id int64, reason string) (payment.Finding, error) {
	doing := "close finding " + strconv.FormatInt(id, 10)
	err := s.audited(ctx, doing, func(tx pgx.Tx) (audit.Entry, error) {
		var kind, providerPaymentID string
		err := tx.QueryRow(ctx, closeFinding, pgx.NamedArgs{"id": id, "actor": actor.Name, "reason": reason}).Scan(&kind, &providerPaymentID)
		if errors.Is(err, pgx.ErrNoRows) {
			return audit.Entry{}, nil // it is closed already, or there is none
		}
		of := func(state string) audit.Values {
			return audit.Values{"kind": kind, "provider_payment_id": providerPaymentID, "state": state}
		}
		return audit.Entry{
			Actor: actor, Action: audit.FindingClose, Object: "finding/" + strconv.FormatInt(id, 10), Reason: reason,
			Before: of("open"), After: of("closed"),
		}, err
	})
	if err != nil {
		return payment.Finding{}, err
	}
	f, err := readRow(ctx, s.pool, scanFinding, selectFinding+`where id = $1`, id)
	switch {
	case err != nil:
		return f, interpret(doing, err)
	case f.ClosedBy == "":
		return f, &failure.Error{Kind: failure.Conflict, Message: "the finding has settled itself already"}
	case f.ClosedBy != actor.Name || f.ClosedReason != reason:
		return f, &failure.Error{Kind: failure.Conflict, Message: "the finding was closed already, by " + f.ClosedBy}
	}
	return f, nil
}

func scanFinding(row pgx.CollectableRow) (payment.Finding, error) {
	var f payment.Finding
	var resolved *time.Time
	err := row.Scan(&f.ID, &f.Kind, &f.PaymentID, &f.ProviderPaymentID, &f.ProviderUpdatedAt, &f.ProviderStatus, &f.Detail, &f.FoundAt, &resolved,
		&f.ClosedBy, &f.ClosedReason)
	if resolved != nil {
		f.ResolvedAt = resolved.UTC()
	}
	f.ProviderUpdatedAt, f.FoundAt = f.ProviderUpdatedAt.UTC(), f.FoundAt.UTC()
	return f, err
}

// FindingTotals counts all findings ever made, by kind.
func (s *Store) FindingTotals(ctx context.Context) ([]payment.FindingTotal, error) {
	list, err := readRows(ctx, s.pool, pgx.RowToStructByPos[payment.FindingTotal], `
select kind, count(*), count(*) filter (where resolved_at is null) from findings group by kind order by kind`)
	return list, interpret("count findings", err)
}
