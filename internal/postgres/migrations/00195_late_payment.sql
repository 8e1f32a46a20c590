-- What to do with the money of a buyer who pays after the payment was cancelled or has expired: '' keeps it.

-- +goose Up
alter table payments add column late_payment text not null default '';
