-- A checkout that has expired is told of by an event. It waits here, beside the status that it is about, until it is published.

-- +goose Up
alter table checkouts add column event_due_at timestamptz; -- null: there is nothing to tell

create index checkouts_event_due on checkouts (event_due_at) where event_due_at is not null;
