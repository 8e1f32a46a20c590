-- When a pending payment ends, so that those past it are found without reading all that are open. The text always has an
-- offset, so that the cast depends on no session's time zone, and the function may be called immutable.

-- +goose NO TRANSACTION
-- +goose Up
create or replace function payment_end(method jsonb) returns timestamptz language sql immutable parallel safe
return (method ->> 'expires_at')::timestamptz;

drop index concurrently if exists payments_ends;
create index concurrently payments_ends on payments (payment_end(method)) where status = 'pending';
