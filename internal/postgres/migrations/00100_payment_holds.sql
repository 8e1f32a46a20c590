-- Which payments an operator holds, and until when. The workflow of a held payment makes no call to the provider; the row outlives the
-- workflow's runs. A hold that has ended has no row: the audit tells of it.

-- +goose Up
create table payment_holds (
    payment_id uuid        primary key references payments (id),
    until      timestamptz not null,
    actor      text        not null check (actor <> ''),
    reason     text        not null,
    at         timestamptz not null
);

-- When an activity has first sent the operation to the provider. A refusal of a later attempt is not the whole story, also when an
-- operator has reset the number of the activity's attempts. Null: no activity has sent it; the first, quick try is not kept here.
alter table operations add column sent_at timestamptz;
