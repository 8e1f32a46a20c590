-- Finds the payments whose money the provider releases next.

-- +goose NO TRANSACTION
-- +goose Up
drop index concurrently if exists payments_money_release;
create index concurrently payments_money_release on payments (money_release_at)
    where settled_at is null and money_release_at is not null and status in ('approved', 'partially_refunded', 'refunded');
