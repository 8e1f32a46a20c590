-- Finds the payments with a refund that has not ended, which are few.

-- +goose NO TRANSACTION
-- +goose Up
drop index concurrently if exists operations_refunds_open;
create index concurrently operations_refunds_open on operations (payment_id) where kind = 'refund' and outcome in ('asked', 'unknown');
