-- The outbox: whom we have still to tell of what happened to a payment. A row is written in the same statement as the event
-- itself, so that no crash can part the two, and removed once its sink was told. No payment waits for it.

-- +goose Up
create table outbox (
    payment_id uuid        not null references payments (id),
    sink       text        not null, -- events (subscribers of onlywave.events) or email (the buyer)
    seq        integer     not null, -- number of the first event that the sink was not told of
    since      timestamptz not null default now(), -- when the sink began to wait
    due_at     timestamptz not null, -- the row belongs to the worker that took it until then, and to anybody afterwards
    primary key (payment_id, sink)
);

create index outbox_due on outbox (sink, due_at);

-- Events that a subscriber's queue refused or did not confirm. All other subscribers have them. Each is published again, a
-- bounded number of times.
create table event_repeats (
    payment_id uuid        not null references payments (id),
    seq        integer     not null,
    failures   integer     not null, -- how often it was refused or not confirmed, what is on its way included
    since      timestamptz not null default now(),
    due_at     timestamptz not null,
    primary key (payment_id, seq)
);

create index event_repeats_due on event_repeats (due_at);

comment on column payments.published is
    'Number of the newest event that the broker has taken for the subscribers of onlywave.events. A queue that refused an event '
    'or did not confirm it may lack it: such an event is in event_repeats until the queue has it, or until it was repeated often enough.';
