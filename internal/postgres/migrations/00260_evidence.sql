-- The documents that sellers send about disputes: their names, types, sizes and hashes. The documents themselves are at Mercado Pago only.

-- +goose Up
create table dispute_evidence (
    id         uuid        primary key, -- made of the dispute and the request's idempotency key
    dispute_id uuid        not null references disputes (id),
    payment_id uuid        not null references payments (id),
    files      jsonb       not null, -- name, type, size and sha256 of each
    status     text        not null, -- sending, sent or refused
    actor      text        not null, -- who sent it
    asked_at   timestamptz not null,
    sent_at    timestamptz           -- when it was known to have arrived
);

create index dispute_evidence_dispute on dispute_evidence (dispute_id, asked_at);
