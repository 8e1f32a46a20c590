-- A webhook that waits for the broker is handed to its payment's workflow meanwhile, once.

-- +goose Up
alter table webhook_spool add column told_at timestamptz;
create index webhook_spool_untold on webhook_spool (received_at) where told_at is null;
