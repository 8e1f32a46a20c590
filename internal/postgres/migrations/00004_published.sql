-- Up to which event listeners on onlywave.events have been told of a payment. What happened before this was kept counts as
-- told.

-- +goose Up
alter table payments add column published integer not null default 0;
update payments set published = version;
