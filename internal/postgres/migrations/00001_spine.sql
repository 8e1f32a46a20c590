-- The spine of the record: who may ask, what was asked, what became of it, and every notification as
-- it came. Amounts are centavos, times are UTC by convention of timestamptz.

-- +goose Up
create table clients (
    id         text primary key,
    name       text        not null,
    created_at timestamptz not null default now()
);

create table api_keys (
    id         text primary key,
    client_id  text        not null references clients (id),
    hash       bytea       not null, -- SHA-256 of the key; the key itself is never stored
    scopes     text[]      not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz
);

create table payments (
    id                     uuid primary key, -- UUIDv5 of (client_id, idempotency_key)
    client_id              text        not null references clients (id),
    idempotency_key        text        not null,
    fingerprint            text        not null,
    status                 text        not null,
    amount                 bigint      not null check (amount > 0),
    currency               text        not null,
    amount_refunded        bigint      not null default 0 check (amount_refunded between 0 and amount),
    description            text        not null,
    reference              text        not null,
    method_type            text        not null,
    method                 jsonb       not null, -- what the buyer needs to pay
    payer                  jsonb       not null,
    metadata               jsonb       not null,
    provider               text        not null,
    provider_payment_id    text        not null default '',
    provider_status        text        not null default '',
    provider_status_detail text        not null default '',
    provider_updated_at    timestamptz, -- the provider's clock: only a newer answer moves the row
    failure                text        not null default '',
    version                integer     not null, -- number of the newest event
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    unique (client_id, idempotency_key)
);

create unique index payments_provider on payments (provider, provider_payment_id) where provider_payment_id <> '';
create index payments_list on payments (client_id, created_at desc, id desc);
create index payments_list_status on payments (client_id, status, created_at desc, id desc);
create index payments_list_reference on payments (client_id, reference, created_at desc, id desc) where reference <> '';

-- Every intent that moves money, written before the provider is asked, with the key the provider sees.
create table operations (
    provider_key uuid primary key,
    payment_id   uuid        not null references payments (id),
    kind         text        not null,
    number       integer     not null,
    amount       bigint      not null check (amount > 0),
    outcome      text        not null default 'asked', -- asked, done, refused or unknown
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    unique (payment_id, kind, number)
);

create table payment_events (
    payment_id uuid        not null references payments (id),
    seq        integer     not null, -- 1, 2, 3 … without gaps
    status     text        not null,
    data       jsonb       not null,
    at         timestamptz not null,
    primary key (payment_id, seq)
);

-- Every notification as received. The broker may deliver one twice: the id makes it one row.
create table webhook_notifications (
    id           text primary key,
    topic        text        not null,
    action       text        not null,
    resource_id  text        not null,
    payment_id   text        not null,
    notification jsonb       not null, -- query, chosen headers and body (base64), byte for byte
    received_at  timestamptz not null,
    archived_at  timestamptz not null default now()
);

create index webhook_notifications_resource on webhook_notifications (topic, resource_id);

-- Where a webhook waits while the broker cannot take it.
create table webhook_spool (
    id          text primary key,
    routing_key text        not null,
    body        bytea       not null,
    received_at timestamptz not null
);

create index webhook_spool_order on webhook_spool (received_at);
