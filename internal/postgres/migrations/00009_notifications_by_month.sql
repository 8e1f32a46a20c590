-- Notifications are kept by the month in which they were received, so that an old month goes by dropping its table. The
-- table as it was becomes the first partition, rows and indexes in place. The others are made by the program, ahead of
-- time; a notification of a month that has none goes into webhook_notifications_other, so that no insert ever fails.

-- +goose Up
alter table webhook_notifications rename to webhook_notifications_before;
alter table webhook_notifications_before drop constraint webhook_notifications_pkey;
alter table webhook_notifications_before add constraint webhook_notifications_before_pkey primary key using index webhook_notifications_key;
alter index webhook_notifications_resource rename to webhook_notifications_before_resource;

create table webhook_notifications (
    id           text        not null,
    topic        text        not null,
    action       text        not null,
    resource_id  text        not null,
    payment_id   text        not null,
    notification jsonb       not null, -- query, chosen headers and body (base64), byte for byte
    received_at  timestamptz not null,
    archived_at  timestamptz not null default now(),
    primary key (id, received_at)
) partition by range (received_at);

create index webhook_notifications_resource on webhook_notifications (topic, resource_id);

create table webhook_notifications_other partition of webhook_notifications default;

-- +goose StatementBegin
do $$
declare
    newest timestamptz := greatest(now(), (select max(received_at) from webhook_notifications_before));
    until timestamptz := (date_trunc('month', newest at time zone 'UTC') + interval '1 month') at time zone 'UTC';
begin
    if not exists (select from webhook_notifications_before) then
        drop table webhook_notifications_before;
        return;
    end if;
    -- With the check in place the rows are not read once more to be let in.
    execute format('alter table webhook_notifications_before add constraint bounds check (received_at < %L)', until);
    execute format('alter table webhook_notifications attach partition webhook_notifications_before for values from (minvalue) to (%L)', until);
    alter table webhook_notifications_before drop constraint bounds;
end $$;
-- +goose StatementEnd
