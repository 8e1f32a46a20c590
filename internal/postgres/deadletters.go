package postgres

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// lockUnknown keeps payments from leaving unknown between the read of their status and the insert of the dead letter. A later move
// finds the dead letter.
const lockUnknown = `select id from payments where id = any($1) order by id for share`

// keepDeadLetters changes nothing for a duplicate. A dead letter that died later than the stored one, or more often, is open again.
const keepDeadLetters = `
insert into dead_letters as d (id, source, cause, fingerprint, error, payment_id, workflow_id, run_id, message_id, queue,
    exchange, routing_key, content_type, body, sent_at, trail, deaths, died_at, received_at, state, closed_at, closed_by, reason)
select l.*, now(),
       case when late then 'resolved' else 'open' end,
       case when late then now() end,
       case when late then @by else '' end,
       case when late then 'the payment is ' || p.status else '' end
from unnest(@ids::uuid[], @sources::text[], @causes::text[], @fingerprints::text[], @errors::text[], @payments::uuid[],
            @workflows::text[], @runs::text[], @messages::text[], @queues::text[], @exchanges::text[], @keys::text[],
            @types::text[], @bodies::bytea[], @sent::timestamptz[], @trails::jsonb[], @deaths::int[], @died::timestamptz[])
         as l (id, source, cause, fingerprint, error, payment_id, workflow_id, run_id, message_id, queue,
               exchange, routing_key, content_type, body, sent_at, trail, deaths, died_at)
     left join payments p on p.id = l.payment_id
     cross join lateral (select coalesce(l.cause = @unknown_outcome and p.status <> @unknown, false) as late) s
order by l.id
on conflict (id) do update
set cause = excluded.cause, fingerprint = excluded.fingerprint, error = excluded.error, payment_id = excluded.payment_id,
    exchange = excluded.exchange, routing_key = excluded.routing_key, body = excluded.body, trail = excluded.trail,
    deaths = greatest(d.deaths + 1, excluded.deaths), died_at = greatest(d.died_at, excluded.died_at),
    received_at = excluded.received_at, state = excluded.state, closed_at = excluded.closed_at,
    closed_by = excluded.closed_by, reason = excluded.reason
where excluded.died_at > d.died_at or excluded.deaths > d.deaths
returning id`

// onlyWave is named as the one that closed a dead letter which was resolved by itself.
const onlyWave = "onlywave"

// KeepDeadLetters stores dead letters, all or none, and returns the IDs of those that are new or have died again. One that is
// stored already stays as it is.
func (s *Store) KeepDeadLetters(ctx context.Context, deadLetters []deadletter.Message) (news []string, err error) {
	deadLetters = newestOfEach(deadLetters)
	args, unknown := deadLetterColumns(deadLetters)
	var batch pgx.Batch
	batch.Queue(lockUnknown, unknown)
	batch.Queue(keepDeadLetters, args).Query(func(rows pgx.Rows) error {
		news, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	err = s.pool.SendBatch(ctx, &batch).Close() // one transaction
	return news, interpret("keep dead letters", err)
}

// newestOfEach has each dead letter once, because one insert cannot have a row twice.
func newestOfEach(deadLetters []deadletter.Message) []deadletter.Message {
	newest := map[string]deadletter.Message{}
	for _, l := range deadLetters {
		if known, ok := newest[l.ID]; !ok || l.DiedAt.After(known.DiedAt) || l.Deaths > known.Deaths {
			newest[l.ID] = l
		}
	}
	return slices.Collect(maps.Values(newest))
}

// deadLetterColumns turns dead letters into columns, and finds the payments whose outcome they call unknown.
func deadLetterColumns(deadLetters []deadletter.Message) (args pgx.NamedArgs, unknown []string) {
	n := len(deadLetters)
	ids, sources, causes := make([]string, n), make([]string, n), make([]string, n)
	fingerprints, failures, payments := make([]string, n), make([]string, n), make([]*string, n)
	workflows, runs, messages := make([]string, n), make([]string, n), make([]string, n)
	queues, exchanges, keys := make([]string, n), make([]string, n), make([]string, n)
	types, bodies, sent := make([]string, n), make([][]byte, n), make([]time.Time, n)
	trails, deaths, died := make([][]byte, n), make([]int, n), make([]time.Time, n)
	for i, l := range deadLetters {
		ids[i], sources[i], causes[i] = l.ID, string(l.Source), string(l.Cause)
		fingerprints[i], failures[i], workflows[i], runs[i] = l.Fingerprint, l.Error, l.WorkflowID, l.RunID
		messages[i], queues[i], exchanges[i], keys[i] = l.Original.ID, l.Original.Queue, l.Original.Exchange, l.Original.Key
		types[i], bodies[i], sent[i] = l.Original.ContentType, append([]byte{}, l.Original.Body...), l.Original.SentAt
		trails[i], deaths[i], died[i] = trailJSON(l.Trail), l.Deaths, l.DiedAt
		if l.PaymentID != "" {
			payments[i] = &l.PaymentID
		}
		if l.PaymentID != "" && l.Cause == deadletter.CauseUnknownOutcome {
			unknown = append(unknown, l.PaymentID)
		}
	}
	return pgx.NamedArgs{
		"ids": ids, "sources": sources, "causes": causes, "fingerprints": fingerprints, "errors": failures,
		"payments": payments, "workflows": workflows, "runs": runs, "messages": messages, "queues": queues,
		"exchanges": exchanges, "keys": keys, "types": types, "bodies": bodies, "sent": sent, "trails": trails,
		"deaths": deaths, "died": died, "by": onlyWave, "unknown_outcome": deadletter.CauseUnknownOutcome, "unknown": payment.Unknown,
	}, unknown
}

func trailJSON(trail []deadletter.Attempt) []byte {
	text, err := json.Marshal(trail)
	if err != nil || trail == nil {
		return []byte("[]") // a time that JSON cannot hold must not lose the dead letter
	}
	return text
}

// resolveDeadLetters closes the dead letter that calls a payment's outcome unknown, once the outcome is known.
const resolveDeadLetters = `
update dead_letters d
set state = 'resolved', closed_at = now(), closed_by = @by, reason = 'the payment is ' || p.status
from payments p
where p.id = @id and p.status <> @unknown
  and d.payment_id = p.id and d.cause = 'unknown-outcome' and d.state in ('open', 'redriven')`

const selectDeadLetter = `
select id, source, cause, fingerprint, error, coalesce(payment_id::text, ''), workflow_id, run_id, message_id, queue, exchange,
       routing_key, content_type, body, sent_at, trail, state, deaths, died_at, received_at, closed_at, closed_by, reason
from dead_letters d `

// DeadLetter reads one dead letter; kind NotFound when there is none.
func (s *Store) DeadLetter(ctx context.Context, id string) (deadletter.Message, error) {
	l, err := readRow(ctx, s.pool, scanDeadLetter, selectDeadLetter+`where id = $1`, id)
	return l, interpret("read dead letter "+id, err)
}

// DeadLetters lists the dead letters that the filter chooses, those that died last first.
func (s *Store) DeadLetters(ctx context.Context, f deadletter.Filter) ([]deadletter.Message, error) {
	where, args := deadLetterConditions(f)
	if f.After.ID != "" {
		where += " and (d.died_at, d.id) < (@after_at, @after_id)"
		args["after_at"], args["after_id"] = f.After.CreatedAt, f.After.ID
	}
	args["limit"] = f.Limit
	list, err := readRows(ctx, s.pool, scanDeadLetter, selectDeadLetter+where+` order by d.died_at desc, d.id desc limit @limit`, args)
	return list, interpret("list dead letters", err)
}

// deadLetterConditions is the filter as SQL about dead_letters d.
func deadLetterConditions(f deadletter.Filter) (where string, args pgx.NamedArgs) {
	where, args = "where true", pgx.NamedArgs{}
	and := func(is bool, condition, name string, value any) {
		if is {
			where += " and " + condition
			args[name] = value
		}
	}
	and(len(f.IDs) > 0, "d.id = any(@dead_letter_ids::uuid[])", "dead_letter_ids", f.IDs)
	and(f.Source != "", "d.source = @source", "source", f.Source)
	and(f.Cause != "", "d.cause = @cause", "cause", f.Cause)
	and(f.Fingerprint != "", "d.fingerprint = @fingerprint", "fingerprint", f.Fingerprint)
	and(f.PaymentID != "", "d.payment_id = @payment_id::uuid", "payment_id", f.PaymentID)
	and(f.State != "", "d.state = @state", "state", f.State)
	and(!f.DiedFrom.IsZero(), "d.died_at >= @died_from", "died_from", f.DiedFrom)
	and(!f.DiedTo.IsZero(), "d.died_at < @died_to", "died_to", f.DiedTo)
	return where, args
}

func scanDeadLetter(row pgx.CollectableRow) (deadletter.Message, error) {
	var l deadletter.Message
	var closedAt *time.Time
	err := row.Scan(&l.ID, &l.Source, &l.Cause, &l.Fingerprint, &l.Error, &l.PaymentID, &l.WorkflowID, &l.RunID,
		&l.Original.ID, &l.Original.Queue, &l.Original.Exchange, &l.Original.Key, &l.Original.ContentType, &l.Original.Body,
		&l.Original.SentAt, &l.Trail, &l.State, &l.Deaths, &l.DiedAt, &l.ReceivedAt, &closedAt, &l.ClosedBy, &l.Reason)
	if closedAt != nil {
		l.ClosedAt = closedAt.UTC()
	}
	l.DiedAt, l.ReceivedAt, l.Original.SentAt = l.DiedAt.UTC(), l.ReceivedAt.UTC(), l.Original.SentAt.UTC()
	return l, err
}

const discardDeadLetter = `
update dead_letters
set state = 'discarded', closed_at = now(), closed_by = @actor, reason = @reason
where id = @id and state = 'open'`

// DiscardDeadLetter closes a dead letter for good and stores who did it and why. A second call changes nothing; kind Conflict when the
// dead letter was closed in another way, NotFound when there is none.
func (s *Store) DiscardDeadLetter(ctx context.Context, actor audit.Actor, id, reason string) (deadletter.Message, error) {
	err := s.audited(ctx, "discard dead letter "+id, func(tx pgx.Tx) (audit.Entry, error) {
		tag, err := tx.Exec(ctx, discardDeadLetter, pgx.NamedArgs{"id": id, "actor": actor.Name, "reason": reason})
		if err != nil || tag.RowsAffected() == 0 {
			return audit.Entry{}, err
		}
		return audit.Entry{
			Actor: actor, Action: audit.DeadLetterDiscard, Object: "dead_letter/" + id, Reason: reason,
			Before: audit.Values{"state": string(deadletter.Open)}, After: audit.Values{"state": string(deadletter.Discarded)},
		}, nil
	})
	if err != nil {
		return deadletter.Message{}, err
	}
	l, err := s.DeadLetter(ctx, id)
	if err == nil && (l.State != deadletter.Discarded || l.ClosedBy != actor.Name || l.Reason != reason) {
		err = &failure.Error{Kind: failure.Conflict, Message: "the dead letter is already " + string(l.State)}
	}
	return l, err
}
