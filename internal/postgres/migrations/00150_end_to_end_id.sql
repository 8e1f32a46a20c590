-- A paid Pix is found by its end-to-end id, which the payment's method has. Only rows that have one are in the index.

-- +goose NO TRANSACTION
-- +goose Up
drop index concurrently if exists payments_end_to_end;
create index concurrently payments_end_to_end on payments ((method ->> 'end_to_end_id')) where method ->> 'end_to_end_id' is not null;
