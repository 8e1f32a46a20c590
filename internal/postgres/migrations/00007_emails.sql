-- What became of each e-mail, so that none is sent again by a step that is repeated. Not to whom: the address is with the payment.

-- +goose Up
create table emails (
    id         uuid primary key, -- UUIDv5 of what it tells, see payment.NewEmailID
    notice     text        not null, -- instructions, receipt, refund or alert
    payment_id uuid        not null,
    outcome    text        not null, -- sent, refused (for good, by the mail server) or needless (overtaken by events)
    at         timestamptz not null
);

create index emails_payment on emails (payment_id);
