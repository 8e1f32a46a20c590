-- What a refund adds to an operation. The other kinds leave it empty.

-- +goose Up
alter table operations
    add column idempotency_key text        not null default '', -- of whoever has asked for it
    add column origin          text        not null default 'client', -- client, operator or provider
    add column reason          text        not null default '',
    add column metadata        jsonb       not null default '{}',
    add column provider_id     text        not null default '', -- the provider's own id of the refund
    add column failure         text        not null default '', -- why the outcome is refused, in words
    add column failure_code    text        not null default '',
    add column fingerprint     text        not null default ''; -- of the request: its key may be repeated only with an equal one

-- The provider's refund is one operation, whoever has asked for it.
create unique index operations_provider_id on operations (payment_id, provider_id) where provider_id <> '';
