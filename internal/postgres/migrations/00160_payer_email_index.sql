-- Payments are found by the buyer's e-mail address, by an index of the address that needs a secret key: see internal/blindindex. Null:
-- the row is not indexed. Payments of one buyer are listed the newest first, so the position in that list is in the database's index.

-- +goose NO TRANSACTION
-- +goose Up
alter table payments add column if not exists payer_email_index bytea;
drop index concurrently if exists payments_payer_email;
create index concurrently payments_payer_email on payments (payer_email_index, created_at desc, id desc);
