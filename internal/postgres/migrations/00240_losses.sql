-- Contracts: no program names the constraint on the account, and the new one allows all that the old one did.
-- What a chargeback takes for good is a loss, and no longer withheld. The provider says so in a detail of the same status. The rest of
-- post_ledger is as before.

-- +goose Up
alter table ledger_entries drop constraint ledger_entries_account_check;
alter table ledger_entries add constraint ledger_entries_account_check
    check (account in ('pending', 'available', 'fees', 'payable', 'refunds', 'disputes', 'losses')) not valid;

-- +goose StatementBegin
create or replace function post_ledger(payment uuid) returns void language plpgsql as $$
declare
    p       payments;
    had     record; -- what is posted
    refund  record;
    gross   bigint := 0;
    fee     bigint := 0;
    back    bigint := 0; -- refunded
    dispute bigint := 0; -- withheld
    loss    bigint := 0; -- withheld for good
    number  integer;
    settled bigint; -- 1 when the money is available, 0 while it is pending
    change  bigint;
begin
    select * into p from payments where id = payment;
    select coalesce(max(posting), 0) as postings,
           coalesce(-sum(amount) filter (where account = 'payable'), 0)::bigint as gross,
           coalesce(sum(amount) filter (where account = 'fees'), 0)::bigint as fees,
           coalesce(sum(amount) filter (where account = 'disputes'), 0)::bigint as disputes,
           coalesce(sum(amount) filter (where account = 'losses'), 0)::bigint as losses,
           coalesce(sum(amount) filter (where account = 'pending'), 0)::bigint as pending
    into had from ledger_entries where payment_id = payment;
    number := had.postings;
    settled := case when p.settled_at is null then 0 else 1 end;

    if settled = 1 and had.pending <> 0 then
        number := number + 1;
        perform write_posting(p, number, 'settlement', null, 0, 0, 0, 0, -had.pending, had.pending);
    end if;

    if p.status in ('approved', 'partially_refunded', 'refunded', 'in_dispute', 'charged_back') then
        gross := coalesce(p.amount_captured, (p.method ->> 'amount_paid')::bigint, p.amount); -- a boleto may be paid with a discount, or late with a fine
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

    if p.status = 'charged_back' and p.provider_status_detail = 'settled' then -- the provider's word for: the buyer keeps the money
        loss := greatest(gross - fee - back, 0);
    elsif p.status in ('in_dispute', 'charged_back') then
        dispute := greatest(gross - fee - back, 0);
    end if;
    if dispute <> had.disputes or loss <> had.losses then
        number := number + 1;
        change := (had.disputes + had.losses) - (dispute + loss);
        perform write_posting(p, number, case when loss > had.losses then 'dispute_lost' when loss < had.losses then 'dispute_lost_reversed'
                                              when dispute > had.disputes then 'dispute' else 'dispute_reversed' end, null,
            0, 0, 0, dispute - had.disputes, change * (1 - settled), change * settled);
        if loss <> had.losses then
            insert into ledger_entries (payment_id, posting, account, client_id, amount, currency, cause)
            values (p.id, number, 'losses', p.client_id, loss - had.losses, p.currency,
                    case when loss > had.losses then 'dispute_lost' else 'dispute_lost_reversed' end);
        end if;
    end if;
end
$$;
-- +goose StatementEnd

create constraint trigger payments_ledger_detail after update of provider_status_detail on payments deferrable initially deferred
    for each row when (old.provider_status_detail is distinct from new.provider_status_detail and 'charged_back' in (old.status, new.status))
    execute function post_changed_payment();
