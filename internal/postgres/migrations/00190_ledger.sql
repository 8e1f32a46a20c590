-- The ledger: double entry in centavos, debits above zero and credits below. Every payment's entries follow its row and its refunds. At
-- the end of the transaction that changes one of them, post_ledger compares what should be posted with what is, and posts the difference.
-- So posting twice posts once, and programs of the version before post, too: the money of a payment without a known fee is its amount.

-- +goose Up
alter table payments
    add column fee              bigint,      -- centavos that the provider keeps; null: it has not said
    add column money_release_at timestamptz, -- when the provider releases the money; null: it has not said
    add column settled_at       timestamptz; -- when the money became available here

create table ledger_entries (
    payment_id uuid        not null references payments (id),
    posting    integer     not null, -- 1, 2, 3 … of the payment; the entries of one posting sum to zero
    account    text        not null check (account in ('pending', 'available', 'fees', 'payable', 'refunds', 'disputes')),
    client_id  text        not null,
    amount     bigint      not null check (amount <> 0), -- centavos
    currency   text        not null,
    cause      text        not null, -- charge, fee, refund, dispute, settlement; with _reversed what takes one back
    refund_id  uuid,                 -- of a posting about a refund: the operation's provider_key
    at         timestamptz not null default now(),
    primary key (payment_id, posting, account)
);

-- What each client app has at the provider: the sums of the entries of pending and available. A payment changes one of 16 rows of its client
-- app, so that payments of one client app do not wait for each other.
create table ledger_balances (
    client_id text     not null,
    currency  text     not null,
    slot      smallint not null,
    pending   bigint   not null,
    available bigint   not null,
    primary key (client_id, currency, slot)
) with (fillfactor = 50);

-- +goose StatementBegin
create function refuse_change_of_ledger() returns trigger language plpgsql as $$
begin
    raise exception 'entries of the ledger are neither changed nor removed; post their reversal' using errcode = 'insufficient_privilege';
end
$$;
-- +goose StatementEnd

create trigger ledger_stays before update or delete or truncate on ledger_entries
    for each statement execute function refuse_change_of_ledger();

-- +goose StatementBegin
create function refuse_unbalanced_posting() returns trigger language plpgsql as $$
begin
    if (select sum(amount) from ledger_entries where payment_id = new.payment_id and posting = new.posting) <> 0 then
        raise exception 'posting % of payment % does not sum to zero', new.posting, new.payment_id using errcode = 'check_violation';
    end if;
    return null;
end
$$;
-- +goose StatementEnd

create constraint trigger ledger_balanced after insert on ledger_entries deferrable initially deferred
    for each row execute function refuse_unbalanced_posting();

-- +goose StatementBegin
create function write_posting(p payments, number integer, why text, refund uuid,
                              payable bigint, fees bigint, refunds bigint, disputes bigint, pending bigint, available bigint)
    returns void language sql as $$
    insert into ledger_entries (payment_id, posting, account, client_id, amount, currency, cause, refund_id)
    select p.id, number, account, p.client_id, amount, p.currency, why, refund
    from (values ('payable', payable), ('fees', fees), ('refunds', refunds), ('disputes', disputes),
                 ('pending', pending), ('available', available)) as entry (account, amount)
    where amount <> 0;
    insert into ledger_balances as b (client_id, currency, slot, pending, available)
    select p.client_id, p.currency, get_byte(uuid_send(p.id), 15) % 16, pending, available
    where pending <> 0 or available <> 0
    on conflict (client_id, currency, slot) do update set pending = b.pending + excluded.pending, available = b.available + excluded.available;
$$;
-- +goose StatementEnd

-- post_ledger posts what the ledger lacks of a payment. The caller's transaction has locked the payment's row.
-- +goose StatementBegin
create function post_ledger(payment uuid) returns void language plpgsql as $$
declare
    p       payments;
    had     record; -- what is posted
    refund  record;
    gross   bigint := 0;
    fee     bigint := 0;
    back    bigint := 0; -- refunded
    dispute bigint := 0;
    number  integer;
    settled bigint; -- 1 when the money is available, 0 while it is pending
    change  bigint;
begin
    select * into p from payments where id = payment;
    select coalesce(max(posting), 0) as postings,
           coalesce(-sum(amount) filter (where account = 'payable'), 0)::bigint as gross,
           coalesce(sum(amount) filter (where account = 'fees'), 0)::bigint as fees,
           coalesce(sum(amount) filter (where account = 'disputes'), 0)::bigint as disputes,
           coalesce(sum(amount) filter (where account = 'pending'), 0)::bigint as pending
    into had from ledger_entries where payment_id = payment;
    number := had.postings;
    settled := case when p.settled_at is null then 0 else 1 end;

    if settled = 1 and had.pending <> 0 then
        number := number + 1;
        perform write_posting(p, number, 'settlement', null, 0, 0, 0, 0, -had.pending, had.pending);
    end if;

    if p.status in ('approved', 'partially_refunded', 'refunded', 'in_dispute', 'charged_back') then
        gross := p.amount;
        fee := coalesce(p.fee, 0);
    end if;
    if gross <> had.gross or fee <> had.fees then
        number := number + 1;
        change := (gross - had.gross) - (fee - had.fees);
        perform write_posting(p, number, case when gross = had.gross then 'fee' when gross = 0 then 'charge_reversed' else 'charge' end, null,
            had.gross - gross, fee - had.fees, 0, 0, change * (1 - settled), change * settled);
    end if;

    -- What the provider says was refunded, and no refund of ours explains, is posted without a refund until one explains it.
    for refund in
        with done as (
            select provider_key as id, o.number, case when outcome = 'done' and gross > 0 then amount else 0 end as amount
            from operations o where payment_id = payment and kind = 'refund'
            union all
            select null, 0, case when gross > 0 then greatest(p.amount_refunded - coalesce((
                select sum(amount) from operations where payment_id = payment and kind = 'refund' and outcome = 'done'), 0), 0) else 0 end
        ), posted as (
            select refund_id as id, sum(amount) as amount from ledger_entries
            where payment_id = payment and account = 'refunds' group by refund_id
        )
        select d.id, d.amount::bigint as amount, (d.amount - coalesce(posted.amount, 0))::bigint as change
        from done d left join posted on posted.id is not distinct from d.id
        order by d.number
    loop
        back := back + refund.amount;
        if refund.change <> 0 then
            number := number + 1;
            perform write_posting(p, number, case when refund.change > 0 then 'refund' else 'refund_reversed' end, refund.id,
                0, 0, refund.change, 0, -refund.change * (1 - settled), -refund.change * settled);
        end if;
    end loop;

    if p.status in ('in_dispute', 'charged_back') then
        dispute := greatest(gross - fee - back, 0);
    end if;
    if dispute <> had.disputes then
        number := number + 1;
        change := had.disputes - dispute;
        perform write_posting(p, number, case when change < 0 then 'dispute' else 'dispute_reversed' end, null,
            0, 0, 0, -change, change * (1 - settled), change * settled);
    end if;
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
create function post_changed_payment() returns trigger language plpgsql as $$
begin
    perform post_ledger(new.id);
    return null;
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
create function post_changed_refund() returns trigger language plpgsql as $$
begin
    perform post_ledger(new.payment_id);
    return null;
end
$$;
-- +goose StatementEnd

create constraint trigger payments_ledger after update of status, amount_refunded, fee, settled_at on payments deferrable initially deferred
    for each row when (
        (old.status, old.amount_refunded, old.fee, old.settled_at) is distinct from (new.status, new.amount_refunded, new.fee, new.settled_at)
        and (old.status in ('approved', 'partially_refunded', 'refunded', 'in_dispute', 'charged_back')
             or new.status in ('approved', 'partially_refunded', 'refunded', 'in_dispute', 'charged_back')))
    execute function post_changed_payment();

create constraint trigger operations_ledger_new after insert on operations deferrable initially deferred
    for each row when (new.kind = 'refund' and new.outcome = 'done') execute function post_changed_refund();

create constraint trigger operations_ledger after update of outcome on operations deferrable initially deferred
    for each row when (new.kind = 'refund' and old.outcome <> new.outcome and 'done' in (old.outcome, new.outcome))
    execute function post_changed_refund();
