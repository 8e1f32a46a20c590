-- The findings of one payment, open or not, are read for its story.

-- +goose NO TRANSACTION
-- +goose Up
drop index concurrently if exists findings_about;
create index concurrently findings_about on findings (payment_id) where payment_id is not null;
