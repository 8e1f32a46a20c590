-- What could not be finished, kept as work for a person, and what was done about it.

-- +goose Up
create table dead_letters (
    id           uuid primary key, -- UUIDv5 of (message_id, queue)
    source       text        not null, -- webhook or workflow
    cause        text        not null,
    fingerprint  text        not null, -- the same for letters of one fault
    error        text        not null,
    payment_id   uuid, -- null when it is not known; the payment need not exist
    workflow_id  text        not null,
    run_id       text        not null,
    message_id   text        not null,
    queue        text        not null,
    exchange     text        not null, -- where the message was first published
    routing_key  text        not null,
    content_type text        not null,
    body         bytea       not null, -- may hold personal data: sent again, never shown
    sent_at      timestamptz not null,
    trail        jsonb       not null, -- the attempts that failed
    state        text        not null, -- open, redriven, discarded or resolved
    deaths       integer     not null check (deaths > 0),
    died_at      timestamptz not null,
    received_at  timestamptz not null, -- by this database's clock
    closed_at    timestamptz,
    closed_by    text        not null default '',
    reason       text        not null default ''
);

create index dead_letters_list on dead_letters (state, died_at desc, id desc);
create index dead_letters_cause on dead_letters (cause, state, died_at desc, id desc);
create index dead_letters_fingerprint on dead_letters (fingerprint, state, died_at desc, id desc);
create index dead_letters_payment on dead_letters (payment_id, died_at desc, id desc);
create index dead_letters_unknown on dead_letters (payment_id) where cause = 'unknown-outcome' and state = 'open';

-- Each letter's part in each redrive. The key makes a repeated step of a redrive find what it has done.
create table redrives (
    redrive_id uuid        not null,
    letter_id  uuid        not null references dead_letters (id),
    actor      text        not null,
    reason     text        not null,
    at         timestamptz not null,
    outcome    text        not null, -- sending, sent or failed
    error      text        not null default '',
    primary key (redrive_id, letter_id)
);

create index redrives_letter on redrives (letter_id, at desc);
create index redrives_sending on redrives (redrive_id) where outcome = 'sending';
