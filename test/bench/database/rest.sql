-- All rows besides payments: one dead letter and two findings for each hundred payments, and a run of reconciliation every five
-- minutes. $1 is the number of payments and $2 the end of the two years.
with dead as (
    select n, case when n % 5 = 0 then 'workflow' else 'webhook' end as source,
           (array['invalid', 'invalid', 'invalid', 'unreadable', 'handler-panic', 'delivery-limit', 'contradiction', 'dependency-unavailable'])[1 + n % 8] as cause,
           $2::timestamptz - interval '730 days' * (1 - sqrt(n::float8 * 100 / $1)) as died_at,
           draw(n, 6) as fate
    from generate_series(1, $1::bigint / 100) n
)
insert into dead_letters (id, source, cause, fingerprint, error, payment_id, workflow_id, run_id, message_id, queue, exchange, routing_key,
                          content_type, body, sent_at, trail, state, deaths, died_at, received_at, closed_at, closed_by, reason)
select md5('letter ' || n)::uuid, source, cause, substr(md5(cause || n % 40), 1, 16), 'the database refused', md5('payment ' || n * 100)::uuid,
       '', '', 'message-' || n, 'onlywave.webhooks.process', 'onlywave.webhooks', 'mercadopago.payment', 'application/json',
       decode(repeat(md5('body ' || n), 12), 'hex'), died_at, '[{"attempt": 1, "at": "2026-01-05T12:00:00Z", "error": "the database refused"}]',
       state, 1, died_at, died_at, case when state <> 'open' then died_at + interval '1 day' end, case when state <> 'open' then 'ana' else '' end,
       case when state <> 'open' then 'mended' else '' end
from dead cross join lateral (
    select case when died_at > $2::timestamptz - interval '1 day' or fate < 0.001 then 'open'
                when fate < 0.6 then 'redriven' when fate < 0.9 then 'resolved' else 'discarded' end as state) s;

insert into redrives (redrive_id, letter_id, actor, reason, at, outcome)
select md5('redrive ' || died_at::date)::uuid, id, 'ana', 'mended', closed_at, 'sent' from dead_letters where state = 'redriven';

insert into reconciliations (id, window_from, window_to, seen, started_at, finished_at)
select 'run-' || n, at - interval '15 minutes', at - interval '2 minutes', 40, at, at + interval '2 seconds'
from generate_series(0, 730 * 288 - 1) n cross join lateral (select $2::timestamptz - n * interval '5 minutes' as at) t;

insert into findings (reconciliation_id, kind, payment_id, provider_payment_id, provider_updated_at, detail, found_at, resolved_at, alerted_at)
select 'run-' || floor(extract(epoch from $2::timestamptz - at) / 300)::int, kind, md5('payment ' || n * 50)::uuid, (100000000000 + n * 50)::text, at,
       'the payment changed', at, case when n % 3 = 0 and kind = 'missed_webhook' or n > $1::bigint / 50 - 5 then null else at + interval '1 hour' end,
       case when kind = 'orphan_payment' then at end
from generate_series(1, $1::bigint / 50) n cross join lateral (
    select $2::timestamptz - interval '729 days' * (1 - sqrt(n::float8 * 50 / $1)) as at,
           case when n % 100 = 0 then 'orphan_payment' when n % 2 = 0 then 'difference' else 'missed_webhook' end as kind) t
order by n;

insert into nudges (payment_id, at)
select md5('payment ' || n * 250)::uuid, $2::timestamptz - interval '729 days' * (1 - sqrt(n::float8 * 250 / $1))
from generate_series(1, $1::bigint / 250) n
