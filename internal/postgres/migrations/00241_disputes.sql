-- The disputes of payments: chargebacks, claims and fraud alerts. Each is as the provider last told of it; what has happened to it is in the
-- events of its payment.

-- +goose Up
create table disputes (
    id                  uuid        primary key, -- made of the payment, the kind and the provider's id
    payment_id          uuid        not null references payments (id),
    client_id           text        not null,
    kind                text        not null,
    provider_id         text        not null,
    status              text        not null,
    amount              bigint      not null, -- centavos
    currency            text        not null,
    deadline            timestamptz,          -- until when documents may be sent; null: none are wanted
    opened_at           timestamptz not null,
    updated_at          timestamptz not null,
    provider_updated_at timestamptz,          -- by the provider's clock; null: it has not said
    reminded_of         timestamptz,          -- the deadline that was reminded of
    asked_at            timestamptz not null  -- when the provider was last asked about it
);

create index disputes_payment on disputes (payment_id);
create index disputes_client on disputes (client_id, opened_at desc, id desc);
create index disputes_asked on disputes (asked_at) where status not in ('won', 'lost', 'closed');
create index disputes_due on disputes (deadline) where deadline is not null and status not in ('won', 'lost', 'closed');
