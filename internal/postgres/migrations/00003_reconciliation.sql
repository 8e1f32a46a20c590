-- Reconciliation: each run that compares the provider's books with ours, and what it found. The end of the
-- newest finished run's window is where the next begins.

-- +goose Up
create table reconciliations (
    id             text primary key, -- of the workflow's run
    window_from    timestamptz not null,
    window_to      timestamptz not null,
    seen           integer     not null default 0,
    differences    integer     not null default 0,
    contradictions integer     not null default 0,
    strangers      integer     not null default 0,
    unreadable     integer     not null default 0,
    missed         integer     not null default 0,
    quiet          integer     not null default 0,
    nudged         integer     not null default 0,
    started_at     timestamptz not null,
    finished_at    timestamptz
);

create index reconciliations_order on reconciliations (started_at desc);

create table findings (
    id                  bigint generated always as identity primary key,
    reconciliation_id   text        not null references reconciliations (id), -- that found it first
    kind                text        not null, -- difference, contradiction, stranger, unreadable or missed_webhook
    payment_id          uuid,        -- ours; none for a stranger
    provider_payment_id text        not null,
    provider_updated_at timestamptz not null,
    detail              text        not null,
    found_at            timestamptz not null,
    resolved_at         timestamptz,
    alerted_at          timestamptz
);

-- A change is found once; what else is wrong with a payment once as long as it is.
create unique index findings_change on findings (kind, provider_payment_id, provider_updated_at)
    where kind in ('difference', 'missed_webhook');
create unique index findings_payment on findings (kind, provider_payment_id)
    where kind not in ('difference', 'missed_webhook') and resolved_at is null;
create index findings_reconciliation on findings (reconciliation_id);
create index findings_open on findings (kind, id desc) where resolved_at is null;
create index findings_unalerted on findings (id)
    where alerted_at is null and kind not in ('difference', 'missed_webhook');

-- When a payment of which nothing was heard was last told to look.
create table nudges (
    payment_id uuid primary key references payments (id),
    at         timestamptz not null
);

create index payments_open on payments (updated_at)
    where status in ('processing', 'pending', 'in_review', 'authorized', 'unknown');
