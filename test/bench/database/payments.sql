-- Payments numbered from $1 to $2 of $3, of the two years before $4, with their operations, events and notifications. All is
-- drawn from a payment's number, so that the same numbers make the same database. Business grows: the second year has three
-- times the payments of the first. The three clients that are read have 29, 1.5 and 0.8 percent of them.
with drawn as (
    select i, md5('payment ' || i)::uuid as id,
           'client-' || 1 + floor(40 * power(draw(i, 1), 3))::int as client_id,
           $4::timestamptz - interval '730 days' * (1 - sqrt(i::float8 / $3)) as created_at,
           draw(i, 2) as fate, draw(i, 3) as kind, draw(i, 4) as named, 100 + floor(draw(i, 5) * 50000)::bigint as amount
    from generate_series($1::bigint, $2::bigint) i
), fated as (
    select *, case when created_at > $4::timestamptz - interval '3 days' and fate < 0.20 then 'pending'
                   when created_at > $4::timestamptz - interval '1 hour' and fate < 0.30 then 'processing'
                   when fate < 0.00001 then 'unknown'
                   when fate < 0.008 then 'failed'
                   when fate < 0.130 then 'expired'
                   when fate < 0.160 then 'cancelled'
                   when fate < 0.175 then 'rejected'
                   when fate < 0.205 then 'refunded'
                   when fate < 0.215 then 'partially_refunded'
                   when fate < 0.218 then 'charged_back'
                   when fate < 0.219 then 'in_dispute'
                   else 'approved' end as status,
           case when kind < 0.80 then 'pix' when kind < 0.95 then 'card' else 'boleto' end as method_type,
           reference_of(i) as reference
    from drawn
), whole as (
    select *, case status when 'processing' then 1 when 'unknown' then 2 when 'failed' then 2 when 'pending' then 2
                          when 'refunded' then 4 when 'partially_refunded' then 8 else 3 end as version
    from fated
), paid as (
    insert into payments (id, client_id, idempotency_key, fingerprint, status, amount, currency, amount_refunded, description,
                          reference, method_type, method, payer, metadata, provider, provider_payment_id, provider_status,
                          provider_updated_at, failure, version, published, created_at, updated_at)
    select id, client_id, 'order-' || i, md5('body ' || i), status, amount, 'BRL',
           case status when 'refunded' then amount when 'partially_refunded' then amount / 2 else 0 end,
           'Order ' || i, reference, method_type,
           jsonb_build_object('type', method_type, 'expires_in', 86400, 'expires_at', created_at + interval '1 day',
                              'qr_code', '00020126580014br.gov.bcb.pix0136' || repeat(md5('code ' || i), 5) || '6304',
                              'ticket_url', 'https://www.mercadopago.com.br/payments/' || 100000000000 + i || '/ticket'),
           jsonb_build_object('email', 'buyer' || i % 900000 || '@example.com', 'name', 'Buyer ' || i % 900000, 'tax_id', '12345678909'),
           jsonb_build_object('cart', 'c-' || i), 'mercadopago',
           case when version > 1 and status not in ('unknown', 'failed') then (100000000000 + i)::text else '' end, status,
           case when version > 1 and status not in ('unknown', 'failed') then created_at + interval '3 minutes' end,
           case when status in ('unknown', 'failed') then 'the provider did not answer' else '' end,
           version, version, created_at, created_at + interval '3 minutes'
    from whole
), asked as (
    insert into operations (provider_key, payment_id, kind, number, amount, outcome, created_at, updated_at)
    select md5('charge ' || i)::uuid, id, 'charge', 1, amount,
           case status when 'unknown' then 'unknown' when 'failed' then 'refused' when 'processing' then 'asked' else 'done' end,
           created_at, created_at
    from whole
), happened as (
    insert into payment_events (payment_id, seq, status, data, at)
    select id, seq, case seq when version then status when 1 then 'processing' when 2 then 'pending' when 3 then 'approved' else status end,
           jsonb_build_object('amount', amount, 'amount_refunded', 0, 'provider_payment_id', (100000000000 + i)::text, 'provider_status', status),
           created_at + seq * interval '1 minute'
    from whole, generate_series(1, version) seq
)
insert into webhook_notifications (id, topic, action, resource_id, payment_id, notification, received_at, archived_at)
select md5('notification ' || i), 'payment', 'payment.updated', (100000000000 + i)::text, id::text,
       jsonb_build_object('topic', 'payment', 'body', repeat(md5('body ' || i), 10)), created_at + interval '3 minutes', created_at + interval '3 minutes'
from whole where i % 5 = 0
