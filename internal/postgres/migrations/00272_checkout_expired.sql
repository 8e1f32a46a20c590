-- A checkout that has expired is told of by an event. It waits here, beside the status that it is about, until it is published.

-- +goose Up
alter table checkouts add column event_due_at timestamptz; -- null: there is nothing to tell
