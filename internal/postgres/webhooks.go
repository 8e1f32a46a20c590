package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Notification is a provider's notification as it is kept: what can be asked for, and the whole as
// received.
type Notification struct {
	ID         string
	Topic      string
	Action     string
	ResourceID string
	PaymentID  string // ours, when the notification carried it
	Whole      []byte // JSON
	ReceivedAt time.Time
}

// archiveNotifications recognises a duplicate by its ID and the time at which it was received, which the message has. It names no
// conflict target, because the one of a partitioned table differs.
const archiveNotifications = `
insert into webhook_notifications (id, topic, action, resource_id, payment_id, notification, received_at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::timestamptz[])
on conflict do nothing`

// Archive stores notifications, all or none. One that is stored already stays as it is.
func (s *Store) Archive(ctx context.Context, batch []Notification) error {
	n := len(batch)
	ids, topics, actions := make([]string, n), make([]string, n), make([]string, n)
	resources, payments, wholes := make([]string, n), make([]string, n), make([][]byte, n)
	times := make([]time.Time, n)
	for i, b := range batch {
		ids[i], topics[i], actions[i] = b.ID, b.Topic, b.Action
		resources[i], payments[i], wholes[i] = b.ResourceID, b.PaymentID, b.Whole
		times[i] = b.ReceivedAt
	}
	tag, err := s.pool.Exec(ctx, archiveNotifications, ids, topics, actions, resources, payments, wholes, times)
	if err == nil && tag.RowsAffected() < int64(n) {
		// The stored row may be on the primary only, if a call was interrupted while it waited for the replica.
		_, err = s.pool.Exec(ctx, awaitReplica)
	}
	return interpret("archive notifications", err)
}

const spoolWebhook = `
insert into webhook_spool (id, routing_key, body, received_at)
values ($1, $2, $3, $4)
on conflict (id) do nothing`

// Spool stores a webhook that the broker cannot accept now.
func (s *Store) Spool(ctx context.Context, id, routingKey string, body []byte, at time.Time) error {
	_, err := s.pool.Exec(ctx, spoolWebhook, id, routingKey, body, at)
	return interpret("spool webhook "+id, err)
}

// Spooled is a webhook that waits for the broker.
type Spooled struct {
	ID         string
	RoutingKey string
	Body       []byte
	ReceivedAt time.Time
}

const takeSpooled = `
select id, routing_key, body, received_at
from webhook_spool
order by received_at
limit $1
for update skip locked`

// Unspool gives waiting webhooks, oldest first, to publish, and deletes those that it published.
// Several may run at once: each webhook is with one of them at a time. It stops at the first error;
// what was published and not yet deleted goes out again, under the same ID.
func (s *Store) Unspool(ctx context.Context, limit int, publish func(context.Context, Spooled) error) (published int, err error) {
	var publishErr error
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, takeSpooled, limit)
		waiting, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Spooled])
		if err != nil {
			return err
		}
		var done []string
		for _, w := range waiting {
			if publishErr = publish(ctx, w); publishErr != nil {
				break
			}
			done = append(done, w.ID)
		}
		published = len(done)
		_, err = tx.Exec(ctx, `delete from webhook_spool where id = any($1)`, done)
		return err
	})
	if err != nil {
		return 0, interpret("empty the spool", err)
	}
	return published, publishErr
}

const unpublishedSpooled = `
select id, routing_key, body, received_at
from webhook_spool
where told_at is null and routing_key = $1
order by received_at
limit $2
for update skip locked`

// PublishSpooled calls publish for each waiting webhook with a routing key, oldest first and concurrently. It marks those that were handled
// without an error, so that none is handled again. They still wait for the broker.
func (s *Store) PublishSpooled(ctx context.Context, routingKey string, limit int, publish func(context.Context, Spooled) error) (published int, err error) {
	var publishErr error
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, unpublishedSpooled, routingKey, limit)
		waiting, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Spooled])
		if err != nil || len(waiting) == 0 {
			return err
		}
		failures := make([]error, len(waiting))
		var all sync.WaitGroup
		for i, w := range waiting {
			all.Go(func() { failures[i] = publish(ctx, w) })
		}
		all.Wait()
		var done []string
		for i, w := range waiting {
			if failures[i] == nil {
				done = append(done, w.ID)
			}
		}
		published, publishErr = len(done), errors.Join(failures...)
		_, err = tx.Exec(ctx, `update webhook_spool set told_at = now() where id = any($1)`, done)
		return err
	})
	if err != nil {
		return 0, interpret("publish what is in the spool", err)
	}
	return published, publishErr
}
