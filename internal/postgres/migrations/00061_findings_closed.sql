-- A finding may be closed by a person, with a reason. It is not found again while the provider's payment stands as it did then. Payments of
-- other sales on the same account are counted, and are no findings.

-- +goose Up
alter table findings
    add column provider_status text not null default '', -- ours, of what the provider said; empty when it cannot be read
    add column closed_by       text,
    add column closed_reason   text;

create index findings_closed on findings (kind, provider_payment_id) where closed_by is not null;

alter table reconciliations add column others integer not null default 0;
