-- Which orders the console, REST and the command line have sent to the workflows of payments. Each writes its row before it sends the order.
-- Whoever may send signals to Temporal may write anything into an order; nobody can write a row here without one of our front ends. So the
-- audit takes the channel and the origin of an order from this table, and only for the order that is stored, word for word.

-- +goose Up
create table command_requests (
    id         text        primary key, -- the order's
    payment_id uuid        not null references payments (id),
    requested  jsonb       not null, -- the order as it was sent
    channel    text        not null, -- console, rest or command
    origin     text        not null, -- as in the audit
    at         timestamptz not null default clock_timestamp()
);
