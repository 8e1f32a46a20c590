-- The checkouts that nobody has ended are looked for among those that wait.

-- +goose NO TRANSACTION
-- +goose Up
drop index concurrently if exists checkouts_waiting;
create index concurrently checkouts_waiting on checkouts (created_at) where status in ('processing', 'open');
