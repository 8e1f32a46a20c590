-- The attempts at a checkout are listed with it.

-- +goose NO TRANSACTION
-- +goose Up
drop index concurrently if exists payments_checkout;
create index concurrently payments_checkout on payments (checkout_id, created_at, id) where checkout_id is not null;
