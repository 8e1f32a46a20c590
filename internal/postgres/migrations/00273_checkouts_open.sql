-- Few checkouts have an event to come, or wait: both are looked for every so often.

-- +goose NO TRANSACTION
-- +goose Up
drop index concurrently if exists checkouts_event_due;
create index concurrently checkouts_event_due on checkouts (event_due_at) where event_due_at is not null;
drop index concurrently if exists checkouts_waiting;
create index concurrently checkouts_waiting on checkouts (created_at) where status in ('processing', 'open');
