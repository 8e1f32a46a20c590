-- Sales that the buyer pays on Mercado Pago's own page. Each attempt to pay one is a payment, which names its checkout.

-- +goose Up
create table checkouts (
    id              uuid        primary key, -- UUIDv5 of (client_id, idempotency_key)
    client_id       text        not null references clients (id),
    idempotency_key text        not null,
    fingerprint     text        not null,
    status          text        not null,
    amount          bigint      not null check (amount > 0), -- centavos
    currency        text        not null,
    request         jsonb       not null, -- what the client app has asked for
    reference       text        not null,
    preference_id   text        not null default '', -- Mercado Pago's id of it
    pay_url         text        not null default '',
    paid_by         uuid,                 -- the payment that has paid it first; it is written in the transaction that approves the payment
    failure         text        not null default '',
    failure_code    text        not null default '',
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    unique (client_id, idempotency_key)
);

create index checkouts_list on checkouts (client_id, created_at desc, id desc);

alter table payments add column checkout_id uuid; -- null: the payment is no attempt at a checkout
