-- What changes and is kept nowhere else, once a minute, for the console's pictures of the last day: the states of the breakers and the
-- depths of the queues. One worker writes a minute: the one whose row of the kind sampler is the first. Rows are removed after two days.

-- +goose Up
create table samples (
    minute timestamptz not null,
    kind   text        not null, -- sampler, breaker or queue
    name   text        not null,
    value  bigint      not null, -- of a breaker: 0 closed, 1 half-open, 2 open; of a queue: waiting messages
    primary key (minute, kind, name)
);
