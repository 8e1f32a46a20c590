-- What was not published when the outbox was made. A worker from before it may be about to publish that: it has a minute.

-- +goose Up
insert into outbox (payment_id, sink, seq, due_at)
select id, 'events', published + 1, now() + interval '1 minute' from payments where published < version
on conflict do nothing;
